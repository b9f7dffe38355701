"""What a supervisor says of its endpoint: `status.json`."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from mlmagic.serving.supervisor.observations import Observations
from mlmagic.serving.supervisor.worker import Worker
from mlmagic.spec import codec
from mlmagic.spec.endpoint import EndpointStatus, VersionStatus
from mlmagic.spec.request_log import RequestLogStatus
from mlmagic.workspace.endpoint_folder import EndpointFolder
from mlmagic.workspace.files import write_atomic

RATE_SECONDS = 10.0
_WRITE_SECONDS = 1.0
_SUMS = ("requests", "instances", "errors")
_LOG_SUMS = ("sampled", "dropped")


class Tally:
    """Adds up what workers have counted, those that have ended included."""

    def __init__(self) -> None:
        self.requests = 0
        """All that ever came."""
        self.waiting = 0
        self.last_request: datetime | None = None
        self.observations = Observations()
        self._ended: dict[int, dict[str, int]] = {}
        self._ended_requests = 0
        self._ended_log = dict.fromkeys(_LOG_SUMS, 0)
        self._history: collections.deque[tuple[float, int]] = collections.deque()

    def forget(self, worker: Worker) -> None:
        """Keep the counts of a worker that has ended."""
        self.observations.forget(worker.counters)
        self._ended_requests += int(worker.counters.get("requests", 0))
        for name in _LOG_SUMS:
            self._ended_log[name] += int(worker.counters.get("log", {}).get(name, 0))
        for number, counts in _versions(worker.counters).items():
            kept = self._ended.setdefault(number, dict.fromkeys(_SUMS, 0))
            for name in _SUMS:
                kept[name] += int(counts.get(name, 0))

    def look(self, now: float, workers: Iterable[Worker]) -> None:
        """Take the counts of the workers that live."""
        counters = [worker.counters for worker in workers]
        requests = self._ended_requests + sum(int(counts.get("requests", 0)) for counts in counters)
        self.waiting = sum(int(counts.get("waiting", 0)) for counts in counters)
        if requests > self.requests:
            self.last_request = datetime.now(UTC)
        self.requests = requests
        self._history.append((now, requests))
        while len(self._history) > 2 and now - self._history[1][0] >= RATE_SECONDS:
            self._history.popleft()

    @property
    def rate(self) -> float:
        """Requests per second of late."""
        if not self._history:
            return 0.0
        (first, before), (last, after) = self._history[0], self._history[-1]
        return round((after - before) / (last - first), 1) if last > first else 0.0

    def log(self, workers: Iterable[Worker]) -> RequestLogStatus:
        """Return what became of the requests that were drawn for the log."""
        told = [worker.counters.get("log", {}) for worker in workers]
        sampled, dropped = (
            self._ended_log[name] + sum(int(counts.get(name, 0)) for counts in told) for name in _LOG_SUMS
        )
        error = next((str(counts["error"]) for counts in told if counts.get("error")), None)
        return RequestLogStatus(sampled=sampled, dropped=dropped, error=error)

    def versions(
        self, numbers: Iterable[int], workers: Iterable[Worker], converting: Collection[int] = ()
    ) -> tuple[VersionStatus, ...]:
        """Return what each version did."""
        # Those that stay come first: theirs is the engine that is told.
        counters = [worker.counters for worker in sorted(workers, key=lambda worker: worker.is_draining)]
        told = [_versions(counts) for counts in counters]
        return tuple(
            dataclasses.replace(
                self._version(number, [counts[number] for counts in told if number in counts]),
                is_converting=number in converting,
                **self._latencies(number, counters),
            )
            for number in numbers
        )

    def _latencies(self, number: int, counters: list[Mapping[str, Any]]) -> dict[str, Any]:
        observed = self.observations.of(number, counters)
        return {"latency_counts": observed.latencies, "latency_seconds": round(observed.seconds, 6)}

    def _version(self, number: int, told: list[Mapping[str, Any]]) -> VersionStatus:
        ended = self._ended.get(number, {})
        requests, instances, errors = (
            ended.get(name, 0) + sum(int(counts.get(name, 0)) for counts in told) for name in _SUMS
        )
        engine = next((counts["engine"] for counts in told if counts.get("engine")), None)
        return VersionStatus(
            number=number,
            engine=engine,
            requests=requests,
            instances=instances,
            errors=errors,
            latency_ms=_latency(told),
        )


class StatusFile:
    """Writes the status when it has changed: at once where its state has, else about once a second."""

    def __init__(self, folder: EndpointFolder) -> None:
        self._path = folder.status
        self._last: EndpointStatus | None = None
        self._written_at = 0.0

    def write(self, status: EndpointStatus, now: float) -> None:
        """Write it, unless there is no need.

        Raises:
            OSError: it cannot be written.
        """
        last = self._last
        if last is not None and dataclasses.replace(status, update_time=last.update_time) == last:
            return
        if last is not None and _headline(status) == _headline(last) and now - self._written_at < _WRITE_SECONDS:
            return
        write_atomic(self._path, codec.dumps(status), sync=False)
        self._last, self._written_at = status, now


def _headline(status: EndpointStatus) -> tuple[object, ...]:
    workers = tuple((worker.pid, worker.state) for worker in status.workers)
    versions = tuple((version.number, version.engine, version.is_converting) for version in status.versions)
    rollout = None if status.rollout is None else (status.rollout.state, status.rollout.step)
    shadow = None if status.shadow is None else (status.shadow.state, status.shadow.version)
    return status.state, status.generation, status.refused_generation, status.error, workers, versions, rollout, shadow


def _versions(counters: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    return {int(number): counts for number, counts in counters.get("versions", {}).items()}


def _latency(told: list[Mapping[str, Any]]) -> dict[str, float]:
    """Put the workers' latencies together: the usual one by their requests, the slow ones from the slowest."""
    known = [(counts["latency"], int(counts.get("requests", 0))) for counts in told if counts.get("latency")]
    requests = sum(weight for _, weight in known)
    if not requests:
        return {}
    usual = sum(latency["p50"] * weight for latency, weight in known) / requests
    return {"p50": round(usual, 3), "p99": round(max(latency["p99"] for latency, _ in known), 3)}
