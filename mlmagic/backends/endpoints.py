"""What every place that serves models is: the Protocol, and what its records mean."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlmagic.errors import BackendError
from mlmagic.spec.endpoint import EndpointRecord, EndpointSpec, EndpointState

Records = list[EndpointRecord]
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.02, 0.5, 1.3
"""Seconds between two looks at an endpoint that is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """How an endpoint is asked. `token` is None where none is needed; it is shown nowhere unless asked for."""

    url: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Address({self.url!r})"


class EndpointBackend(Protocol):
    """A place where models are served. All methods are safe to call from several threads and processes at once.

    An endpoint does not depend on who made it: it goes on when the kernel dies. One that cannot be asked about now is
    told as it was last heard of.
    """

    name: str

    def create(self, spec: EndpointSpec) -> EndpointRecord:
        """Make an endpoint, start it, and return at once. A `port` of 0 is replaced by one that is free.

        Raises:
            ConflictError: there is one of that name.
            BackendError: it cannot be started.
        """
        ...

    def change(self, name: str, edit: Callable[[EndpointSpec], EndpointSpec]) -> EndpointRecord:
        """Let the endpoint serve what `edit` makes of its spec, and return at once; no request is lost meanwhile.

        One that is DOWN stays so, and serves it once it is started.

        Raises:
            NotFoundError: there is no such endpoint, or a version is not there.
        """
        ...

    def get(self, name: str) -> EndpointRecord:
        """Return what is true now: an endpoint whose supervisor died is not reported as serving.

        Raises:
            NotFoundError: there is no such endpoint; names the nearest.
        """
        ...

    def list(self) -> Records:
        """Return all endpoints whose files can be read, in order of name, as they are now."""
        ...

    def wake(self, name: str) -> EndpointRecord:
        """Start an endpoint that is DOWN, because it was stopped or the machine was; of any other do nothing.

        Raises:
            BackendError: it cannot be started.
        """
        ...

    def wait(
        self,
        name: str,
        generation: int,
        seconds: float,
        on_look: Callable[[EndpointRecord], None] | None = None,
    ) -> EndpointRecord:
        """Return once that generation is served or refused, the endpoint is DOWN, or time is up.

        `on_look` is told each record that is read on the way.
        """
        ...

    def stop(self, name: str) -> EndpointRecord:
        """End the endpoint's processes after what they are answering; its spec, port and name stay.

        Raises:
            BackendError: they cannot be ended, or not yet.
        """
        ...

    def delete(self, name: str) -> None:
        """Stop the endpoint and forget it.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        ...

    def address(self, name: str) -> Address:
        """Return how it is asked; one that is DOWN is started, where that costs nothing.

        Raises:
            NotFoundError: there is no such endpoint.
            BackendError: it cannot be started.
        """
        ...

    def token_file(self, name: str) -> Path | None:
        """Return the file that holds the token while the endpoint is up; None where it needs none.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        ...

    def logs(self, name: str) -> str:
        """Return the newest of what its processes had to say.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        ...

    def close(self) -> None:
        """Hang up. The endpoints go on."""
        ...


def is_settled(record: EndpointRecord, generation: int) -> bool:
    """Say whether that generation is served or refused, or will not be before somebody does something.

    A FAILED state alone says nothing of it: the supervisor may tell of the generation before, and try this one next.
    """
    status = record.status
    return max(status.generation, status.refused_generation) >= generation or status.state is EndpointState.DOWN


def failed_error(record: EndpointRecord) -> BackendError:
    """Return the error for an endpoint that cannot serve, or did not take its last change."""
    name, status = record.spec.name, record.status
    what = "has failed" if status.state is EndpointState.FAILED else "serves on as before"
    reason = (status.error or "it does not say why").rstrip(".")
    return BackendError(f"the endpoint {name!r} {what}: {reason}.", hint=f"Its log: %endpoints logs {name}")


def look_until(
    is_over: Callable[[EndpointRecord], bool],
    look: Callable[[], EndpointRecord],
    seconds: float,
    on_look: Callable[[EndpointRecord], None] | None = None,
) -> EndpointRecord:
    """Look at an endpoint again and again until it is over, or time is up, and return what was seen last.

    Args:
        is_over: says whether nothing is to be waited for.
        look: returns the endpoint as it is now.
        seconds: for how long at the most.
        on_look: is told each record.
    """
    deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        record = look()
        if on_look is not None:
            on_look(record)
        if is_over(record) or time.monotonic() + pause > deadline:
            return record
        time.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
