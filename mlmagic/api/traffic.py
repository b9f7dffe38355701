"""Shares of the requests of an endpoint: whole percents, 100 together, none below zero."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from mlmagic.errors import UsageError, nearest
from mlmagic.spec.endpoint import DeployedVersion

WHOLE = 100

Versions = tuple[DeployedVersion, ...]


def with_version(versions: Sequence[DeployedVersion], new: DeployedVersion, *, model: str) -> Versions:
    """Return the versions with one more, or with that one as it is now: it gets its share, and the others what is left.

    They share that as they shared it before. Its share of 100 leaves them at 0, ready for a roll-back.

    Raises:
        UsageError: nothing says who gets what is left.
    """
    others = [version for version in versions if version.number != new.number]
    rest = WHOLE - new.traffic
    if rest and not others:
        raise UsageError(
            f"{model}@{new.number} is the only version, so it gets all requests: a share of {new.traffic} % needs "
            "another beside it."
        )
    return _ordered([new, *_shared(others, rest, model)])


def without_version(versions: Sequence[DeployedVersion], number: int, *, model: str) -> Versions:
    """Return the others, who share what that one had as they share the rest.

    Raises:
        UsageError: it is not deployed, or the only one, or nothing says who gets what it had.
    """
    numbers = [version.number for version in versions]
    if number not in numbers:
        raise UsageError(f"{model}@{number} is not deployed.", hint=f"Deployed: {told(versions, model)}.")
    others = [version for version in versions if version.number != number]
    if not others:
        raise UsageError(
            f"{model}@{number} is the only version that is deployed: an endpoint has at least one.",
            hint="First deploy another; or end it: %endpoints stop ENDPOINT, or %endpoints delete ENDPOINT",
        )
    return _ordered(_shared(others, WHOLE, model))


def with_shares(versions: Sequence[DeployedVersion], shares: Mapping[int, int], *, model: str) -> Versions:
    """Return the versions with exactly these shares; those that are not named get none.

    Raises:
        UsageError: they do not add up, or a version is not deployed; all that is wrong is listed.
    """
    numbers = [version.number for version in versions]
    problems = [
        f"{model}@{number} is not deployed. {nearest(str(number), map(str, numbers))}".rstrip()
        for number in shares
        if number not in numbers
    ]
    problems += [f"{model}@{number}={share}: a share is 0 to 100" for number, share in shares.items() if share < 0]
    if (total := sum(shares.values())) != WHOLE:
        problems.append(f"the shares are {total} together, not 100")
    if problems:
        raise UsageError(
            f"the requests cannot be split so: {told_shares(shares, model)}.",
            problems=problems,
            hint=f"Deployed: {told(versions, model)}.",
        )
    return tuple(dataclasses.replace(version, traffic=shares.get(version.number, 0)) for version in versions)


def told(versions: Sequence[DeployedVersion], model: str) -> str:
    """Return `taxi@1 90 %, taxi@2 10 %`."""
    return ", ".join(f"{model}@{version.number} {version.traffic} %" for version in versions)


def told_shares(shares: Mapping[int, int], model: str) -> str:
    """Return `taxi@1=90 taxi@2=10`, as it is typed."""
    return " ".join(f"{model}@{number}={share}" for number, share in shares.items()) or "nothing"


def apportioned(weights: Sequence[int], total: int) -> list[int]:
    """Return whole numbers that add up to `total` and are as near to the proportions of the weights as they can be.

    By largest remainders; of equal ones the larger weight's, then the earlier, goes first.
    """
    whole = sum(weights)
    found = [weight * total // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda at: (-(weights[at] * total % whole), -weights[at], at))
    for at in order[: total - sum(found)]:
        found[at] += 1
    return found


def _shared(versions: Sequence[DeployedVersion], total: int, model: str) -> list[DeployedVersion]:
    weights = [version.traffic for version in versions]
    if not any(weights):
        if total and len(versions) > 1:
            raise UsageError(
                f"{told(versions, model)}: none of them gets requests now, so nothing says how to share {total} %.",
                hint="Say it: %endpoints traffic ENDPOINT "
                + " ".join(f"{model}@{version.number}=…" for version in versions),
            )
        weights = [1] * len(versions)
    shares = apportioned(weights, total) if versions else []
    return [dataclasses.replace(version, traffic=share) for version, share in zip(versions, shares, strict=True)]


def _ordered(versions: Sequence[DeployedVersion]) -> Versions:
    return tuple(sorted(versions, key=lambda version: version.number))
