"""Failures that a test switches on, and the log of the requests that came."""

from __future__ import annotations

import dataclasses
import fnmatch
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlmagic.emulator.errors import bad_request

_LONGEST_LOG = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with the next calls of an RPC."""

    rpc: str
    """Its name, or a pattern such as `storage.objects.*`."""
    status: int | None = None
    """The HTTP status that is answered; without one the call is done."""
    message: str = "The emulator was asked to fail."
    drop: Literal["before", "after"] | None = None
    """The connection is reset, before or after the work was done."""
    delay_seconds: float = 0.0
    deny: tuple[str, ...] = ()
    """The permissions that are not granted, where permissions are asked for."""
    slow_seconds: float = 0.0
    """How long the operation that the call starts lasts at least."""
    after: int = 0
    """How many calls go well before."""
    times: int | None = None
    """How many calls it hits; None: all until it is cleared."""


class Faults:
    """The faults that are switched on, in the order in which they were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._requests: deque[dict[str, Any]] = deque(maxlen=_LONGEST_LOG)
        self._count = 0

    def add(self, told: Mapping[str, Any]) -> Fault:
        """Switch a fault on.

        Raises:
            ApiError: it has fields that no fault has, or lacks the RPC.
        """
        known = {field.name for field in dataclasses.fields(Fault)}
        if wrong := sorted(told.keys() - known):
            raise bad_request(f"a fault has no {', '.join(wrong)}; it may have {', '.join(sorted(known))}.")
        if not isinstance(told.get("rpc"), str):
            raise bad_request('a fault needs "rpc", the name of what it hits.')
        fault = Fault(**told)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._faults.clear()

    def take(self, rpc: str) -> Fault | None:
        """Return the fault that hits this call, and count it."""
        with self._lock:
            for place, fault in enumerate(self._faults):
                if not fnmatch.fnmatchcase(rpc, fault.rpc):
                    continue
                if fault.after:
                    self._faults[place] = dataclasses.replace(fault, after=fault.after - 1)
                    continue
                if fault.times is not None:
                    left = dataclasses.replace(fault, times=fault.times - 1)
                    self._faults[place : place + 1] = [left] if left.times else []
                return fault
        return None

    def note(self, rpc: str, request: Any) -> None:
        """Log a request."""
        with self._lock:
            self._count += 1
            self._requests.append({"number": self._count, "rpc": rpc, "request": request})

    def requests(self, rpc: str = "*", after: int = 0) -> list[dict[str, Any]]:
        """Return the requests that came, the oldest first, those after a number."""
        with self._lock:
            return [row for row in self._requests if row["number"] > after and fnmatch.fnmatchcase(row["rpc"], rpc)]
