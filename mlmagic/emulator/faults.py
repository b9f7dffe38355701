"""Failures and quotas that a test or a teacher switches on, and the log of the requests that came."""

from __future__ import annotations

import dataclasses
import fnmatch
import math
import random
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlmagic.emulator.errors import ApiError, bad_request

PREEMPTION = "machines.preempt"
"""The fault that takes a spot machine away, when it has run for `delay_seconds`: asked for as the name of an RPC."""
STARTING = "machines.start"
"""The fault that keeps jobs PENDING for `delay_seconds`."""
REQUESTS = "requests_per_minute"
"""The quota of calls."""

_MACHINES = "machines."
_TRAINING = "custom_model_training_"
"""What the names of the quotas of machines begin with, as Vertex AI's do."""
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
    share: float = 1.0
    """Which part of the calls it hits, by chance."""
    seconds: float | None = None
    """How long it is on; None: until it is cleared."""


class Faults:
    """The faults that are switched on, in the order in which they were, and the quotas."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[tuple[Fault, float]] = []
        """Each with the time when it ends, by the monotonic clock."""
        self._limits: dict[str, int] = {}
        self._calls: deque[float] = deque()
        self._requests: deque[dict[str, Any]] = deque(maxlen=_LONGEST_LOG)
        self._count = 0

    def add(self, told: Mapping[str, Any]) -> None:
        """Switch a fault on, or set a quota: `{"quota": NAME, "limit": NUMBER}`.

        Raises:
            ApiError: it is none; all that is wrong is told.
        """
        if "quota" in told:
            name, limit = read_quota(told)
            with self._lock:
                self._limits[name] = limit
            return
        fault = read_fault(told)
        with self._lock:
            self._faults.append((fault, time.monotonic() + (math.inf if fault.seconds is None else fault.seconds)))

    def clear(self) -> None:
        """Switch all faults and quotas off."""
        with self._lock:
            self._faults.clear()
            self._limits.clear()

    def limit(self, quota: str) -> int | None:
        """Return how much of something there may be; None if nothing says so."""
        with self._lock:
            return self._limits.get(quota)

    @property
    def told(self) -> dict[str, Any]:
        """What is switched on, as `add` takes it."""
        with self._lock:
            faults = [dataclasses.asdict(fault) for fault, end in self._faults if end > time.monotonic()]
            return {"faults": faults, "quotas": dict(self._limits)}

    def take(self, rpc: str, *, age: float = math.inf) -> Fault | None:
        """Return the fault that hits this call, and count it.

        Args:
            rpc: its name, or that of something that happens to machines.
            age: how long what is hit has been there, for faults that come late.
        """
        with self._lock:
            self._faults = [(fault, end) for fault, end in self._faults if end > time.monotonic()]
            for place, (fault, end) in enumerate(self._faults):
                if not _is_meant(rpc, fault) or (rpc == PREEMPTION and age < fault.delay_seconds):
                    continue
                if fault.after:
                    self._faults[place] = (dataclasses.replace(fault, after=fault.after - 1), end)
                    continue
                if fault.share < 1 and random.random() >= fault.share:  # noqa: S311 - no secret
                    continue
                if fault.times is not None:
                    left = dataclasses.replace(fault, times=fault.times - 1)
                    self._faults[place : place + 1] = [(left, end)] if left.times else []
                return fault
        return None

    def count_call(self) -> None:
        """Count a call of an API, by whatever way it came.

        Raises:
            ApiError: RESOURCE_EXHAUSTED: there were more in the last minute than the quota allows.
        """
        with self._lock:
            limit = self._limits.get(REQUESTS)
            if limit is None:
                return
            moment = time.monotonic()
            while self._calls and self._calls[0] <= moment - 60:
                self._calls.popleft()
            if len(self._calls) < limit:
                self._calls.append(moment)
                return
        raise ApiError(
            status="RESOURCE_EXHAUSTED",
            message="Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service "
            f"'aiplatform.googleapis.com': {limit} a minute.",
        )

    def note(self, rpc: str, request: Any) -> None:
        """Log a request."""
        with self._lock:
            self._count += 1
            self._requests.append({"number": self._count, "rpc": rpc, "request": request})

    def requests(self, rpc: str = "*", after: int = 0) -> list[dict[str, Any]]:
        """Return the requests that came, the oldest first, those after a number."""
        with self._lock:
            return [row for row in self._requests if row["number"] > after and fnmatch.fnmatchcase(row["rpc"], rpc)]


def read_fault(told: Mapping[str, Any]) -> Fault:
    """Return the fault that JSON tells.

    Raises:
        ApiError: it has fields that no fault has, or lacks the RPC, or values are wrong.
    """
    known = {field.name for field in dataclasses.fields(Fault)}
    if wrong := sorted(told.keys() - known):
        raise bad_request(f"a fault has no {', '.join(wrong)}; it may have {', '.join(sorted(known))}.")
    if not isinstance(told.get("rpc"), str):
        raise bad_request('a fault needs "rpc", the name of what it hits.')
    if wrong := [f"{name} {told[name]!r} {why}" for name, why in _wrong(told)]:
        raise bad_request(f"of a fault, {'; '.join(wrong)}.")
    return Fault(**{**told, "deny": tuple(told.get("deny", ()))})


def read_quota(told: Mapping[str, Any]) -> tuple[str, int]:
    """Return the name of a quota and its limit.

    Raises:
        ApiError: there is none of that name, or the limit is no number.
    """
    name, limit = told["quota"], told.get("limit")
    if not isinstance(name, str) or not (name == REQUESTS or name.startswith(_TRAINING)):
        raise bad_request(
            f"there is no quota {name!r}; there are {REQUESTS}, {_TRAINING}cpus, {_TRAINING}nvidia_t4_gpus and those "
            f"of other accelerators, and {_TRAINING}preemptible_cpus and so on of spot machines."
        )
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise bad_request(f'the quota {name} needs "limit", a whole number from 0 on, not {limit!r}.')
    return name, limit


def _wrong(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields whose values are wrong, and what is allowed."""
    for name in ("delay_seconds", "slow_seconds", "seconds"):
        if told.get(name) is not None and not _is_number(told[name], 0):
            yield name, "is not a number of seconds"
    for name in ("after", "times"):
        if told.get(name) is not None and not (isinstance(told[name], int) and _is_number(told[name], 0)):
            yield name, "is not a whole number from 0 on"
    if not _is_number(told.get("share", 1), 0, 1):
        yield "share", "is not between 0 and 1"
    if told.get("status") is not None and not (
        isinstance(told["status"], int) and _is_number(told["status"], 400, 599)
    ):
        yield "status", "is not an HTTP status from 400 to 599"
    if told.get("drop") not in (None, "before", "after"):
        yield "drop", "is neither before nor after"
    if not _are_texts(told.get("deny", ())):
        yield "deny", "is not a list of permissions"


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _is_number(value: Any, least: float, most: float = math.inf) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _is_meant(rpc: str, fault: Fault) -> bool:
    # A pattern of RPCs says nothing of machines.
    if rpc.startswith(_MACHINES) and not fault.rpc.startswith(_MACHINES):
        return False
    return fnmatch.fnmatchcase(rpc, fault.rpc)
