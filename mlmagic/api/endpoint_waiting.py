"""Waiting until an endpoint serves what it was told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mlmagic.backends.endpoints import failed_error
from mlmagic.errors import BackendError, WaitTimeout
from mlmagic.spec.endpoint import EndpointRecord, EndpointState

if TYPE_CHECKING:
    from mlmagic.backends.endpoints import EndpointBackend

SETTLE_SECONDS = 900.0
"""For converting and loading, which are limited themselves."""

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
