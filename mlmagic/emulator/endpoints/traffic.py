"""Which deployed model gets which share of an endpoint's requests."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping

from mlmagic.emulator.errors import failed_precondition, invalid

NEW = "0"
"""In a request that deploys a model: the one that is being deployed."""

Split = dict[str, int]


def check_split(split: Mapping[str, int], known: Collection[str]) -> Split:
    """Return a split without empty shares.

    Raises:
        ApiError: INVALID_ARGUMENT: it names a model that is not deployed, or does not add up to 100.
    """
    if strange := sorted(split.keys() - set(known)):
        raise invalid(
            "traffic_split", f"traffic_split refers to DeployedModels that are not there: {', '.join(strange)}."
        )
    if any(share < 0 for share in split.values()) or sum(split.values()) != 100:
        told = ", ".join(f"{deployed}: {share}" for deployed, share in sorted(split.items()))
        raise invalid("traffic_split", f"The traffic percentage values must add up to 100, got {told}.")
    return {deployed: int(share) for deployed, share in split.items() if share}


def with_new(split: Mapping[str, int], new: str, deployed: Collection[str]) -> Split:
    """Return the split of a request that deploys `new`, with its id in the place of "0".

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    checked = check_split(split, {*deployed, NEW})
    return {new if each == NEW else each: share for each, share in checked.items()}


def pick(split: Mapping[str, int], endpoint: str) -> str:
    """Return the deployed model for one request, by chance.

    Raises:
        ApiError: FAILED_PRECONDITION: no model has any traffic.
    """
    if not split:
        raise failed_precondition(f"The Endpoint {endpoint} does not have any traffic to a deployed model.")
    return random.choices(list(split), list(split.values()))[0]  # noqa: S311 - no secret
