"""The shadow of an endpoint: a version that gets copies of the requests, and whose answers are only compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime

from mlmagic.api.deployment_arguments import Wish
from mlmagic.api.signature_differences import signature_differences
from mlmagic.errors import UsageError
from mlmagic.spec.endpoint import EndpointSpec, EngineChoice, Shadow
from mlmagic.spec.model import ModelVersion, Signature


def with_shadow(spec: EndpointSpec, wish: Wish, version: ModelVersion) -> EndpointSpec:
    """Return the spec with the shadow that is wished for, or without the one that it has; it serves what it served.

    Raises:
        UsageError: the version answers requests itself; or there is no such shadow that could end.
    """
    name, model, shadow = spec.name, spec.model, spec.shadow
    if wish.shadow == 0:
        if shadow is None:
            raise UsageError(f"the endpoint {name!r} has no shadow that could end.")
        if wish.reference.version not in {None, shadow.version}:
            raise UsageError(
                f"{version} is no shadow of {name!r}: that is {model}@{shadow.version}.",
                hint=f"To end it: %deploy {model}@{shadow.version} --endpoint {name} --shadow off",
            )
        return dataclasses.replace(spec, shadow=None)
    share = next((each.traffic for each in spec.deployed if each.number == version.number), 0)
    if share:
        raise UsageError(
            f"{version} answers {share} % of the requests to {name!r} itself, so it cannot be their shadow.",
            hint=f"Compare another version: %deploy {model}@N --endpoint {name} --shadow",
        )
    new = Shadow(
        version=version.number,
        share=wish.shadow or 1.0,
        engine=wish.engine or EngineChoice.AUTO,
        create_time=datetime.now(UTC),
    )
    if shadow is not None and dataclasses.replace(new, create_time=shadow.create_time) == shadow:
        return spec
    return dataclasses.replace(spec, shadow=new)


def first_shadow_error(model: str, number: int, share: float) -> UsageError:
    """Return what is said where there is no endpoint yet."""
    if not share:
        return UsageError("there is no such endpoint, so it has no shadow that could end.")
    return UsageError(
        f"{model}@{number} cannot be a shadow: the endpoint serves no version that it could be compared with.",
        hint="First deploy the version that answers; or leave out --shadow.",
    )


def check_shadow(spec: EndpointSpec, served: Signature | None, signatures: Mapping[int, Signature | None]) -> None:
    """See that the shadow takes and returns what the version does that is served.

    Raises:
        UsageError: it does not; says what is different.
    """
    shadow = spec.shadow
    if shadow is not None and (problems := signature_differences(served, signatures.get(shadow.version))):
        raise UsageError(
            f"{spec.model}@{shadow.version} cannot be a shadow of {spec.name!r}: it does not take and return the same.",
            problems=problems,
        )


def shadow_notes(before: EndpointSpec | None, after: EndpointSpec) -> list[str]:
    """Return what a user should know of a change."""
    old, new = None if before is None else before.shadow, after.shadow
    if old == new:
        return []
    is_over = old is not None and (new is None or new.version != old.version)
    notes = [f"{after.model}@{old.version} is no longer its shadow."] if old is not None and is_over else []
    if new is not None:
        part = "all requests" if new.share == 1 else f"{new.share * 100:g} % of the requests"
        notes.append(
            f"{after.model}@{new.version} gets a copy of {part}; its answers are compared, and never returned. "
            f"How far they are apart: %endpoints describe {after.name}"
        )
    return notes
