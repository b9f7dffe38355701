"""Waiting until an endpoint serves what it was told to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlmagic.backends.endpoints import failed_error
from mlmagic.errors import BackendError, WaitTimeout
from mlmagic.spec.endpoint import EndpointRecord, EndpointState, Shadow
from mlmagic.spec.shadow import ShadowState

if TYPE_CHECKING:
    from mlmagic.backends.endpoints import EndpointBackend

SETTLE_SECONDS = 900.0
"""For converting and loading, which are limited themselves."""

_LOOK_SECONDS = 0.1

Look = Callable[[EndpointRecord], None]


def settle(
    backend: EndpointBackend,
    name: str,
    generation: int,
    *,
    seconds: float = SETTLE_SECONDS,
    on_look: Look | None = None,
) -> EndpointRecord:
    """Return the endpoint once it serves that generation of its spec.

    Raises:
        BackendError: it could not be loaded, or the endpoint cannot serve at all.
        WaitTimeout: neither has come about in time; the endpoint goes on.
    """
    record = backend.wait(name, generation, seconds, on_look)
    status = record.status
    if status.state is EndpointState.FAILED or status.refused_generation >= generation:
        raise failed_error(record)
    if status.state is EndpointState.DOWN:
        raise BackendError(f"the endpoint {name!r} was stopped meanwhile.", hint=f"Start it: %endpoints start {name}")
    if status.generation < generation:
        raise WaitTimeout(
            f"the endpoint {name!r} is still {status.state} after {seconds:g} s; it goes on.",
            hint=f"See how far it is: %endpoints describe {name}",
        )
    return record


def settle_shadow(
    backend: EndpointBackend, name: str, shadow: Shadow, *, seconds: float = SETTLE_SECONDS, on_look: Look | None = None
) -> None:
    """Return once a shadow is compared, or will be as soon as the endpoint is asked.

    Raises:
        BackendError: it cannot be loaded; the endpoint serves as before.
    """
    deadline = time.monotonic() + seconds
    while (record := backend.get(name)).spec.shadow == shadow and time.monotonic() < deadline:
        status = record.status.shadow
        if on_look is not None:
            on_look(record)
        if status is not None and status.version == shadow.version and status.since >= shadow.create_time:
            if status.state is ShadowState.FAILED:
                raise BackendError(
                    f"{record.spec.model}@{shadow.version} cannot be a shadow of {name!r}: {status.error}",
                    hint=f"{name} serves as before. It is tried again until %deploy "
                    f"{record.spec.model}@{shadow.version} --endpoint {name} --shadow off",
                )
            if status.state is not ShadowState.LOADING:
                return
        if record.status.state in {EndpointState.DOWN, EndpointState.IDLE, EndpointState.FAILED}:
            return
        time.sleep(_LOOK_SECONDS)
