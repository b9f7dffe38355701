"""What jobs took over time: `usage.jsonl`, appended to by one writer, the agent, and read by anybody at any time.

It stays small while a job goes on for days: the older samples are, the more of them are put into one, which has their
mean of cores and their peak of memory. No job shall suffer for it: where the disk is full, or the folder is gone, they
are dropped.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mlmagic.spec import codec
from mlmagic.spec.usage import Usage, UsageSample
from mlmagic.workspace.files import open_to_append, write_atomic
from mlmagic.workspace.layout import JobFolder

POINTS_AT_THE_END = 600
"""About how many samples of each replica are kept of a job that has ended."""

_ROOM = 128 << 10
_DELAY_SECONDS = 3.0
# A sample is about as long as this part of its age, times the replicas: a week comes to 1300 samples, or 150 kB.
_RESOLUTION = 120


class UsageLog:
    """Writes the samples of one job. No method fails."""

    def __init__(self, folder: JobFolder) -> None:
        self._path = folder.usage
        self._waiting: list[UsageSample] = []
        self._written: datetime | None = None
        self._limit = 2 * _ROOM
        self._may_be_torn = True
        """The file may end within a line, which must not take the next sample with it."""

    def add(self, samples: Iterable[UsageSample]) -> None:
        """Add samples: the first are written at once, later ones a few seconds after, several at a time."""
        self._waiting += samples
        if not self._waiting:
            return
        newest = self._waiting[-1].time
        if self._written is None or (newest - self._written).total_seconds() >= _DELAY_SECONDS:
            self._written = newest
            self.flush()

    def flush(self) -> None:
        """Write what waits, and make room if the file has become large."""
        if not self._waiting:
            return
        now = self._waiting[-1].time
        data = b"".join(map(_line, self._waiting))
        self._waiting.clear()
        with contextlib.suppress(OSError):
            size = self._append(data)
            if size > self._limit:
                self._limit = size + _ROOM
                self._limit = _rewrite(self._path, _by_age(now)) + _ROOM

    def finish(self) -> None:
        """Write what waits, and keep no more of it all than a chart can show."""
        self.flush()
        finish(JobFolder(self._path.parent))

    def _append(self, data: bytes) -> int:
        """Append whole lines, and return how large the file is."""
        descriptor = open_to_append(self._path)
        try:
            if self._may_be_torn and os.fstat(descriptor).st_size:
                data = b"\n" + data
            self._may_be_torn = True
            self._may_be_torn = os.write(descriptor, data) < len(data)
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)


def read_usage(folder: JobFolder) -> Usage:
    """Return what is kept of a job's usage, by time; none if there is no file. What is torn is no sample.

    Raises:
        OSError: the file is there, and cannot be read.
    """
    try:
        lines = folder.usage.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Usage()
    samples = []
    for line in lines:
        if line:
            with contextlib.suppress(codec.DecodeError):
                samples.append(codec.loads(UsageSample, line))
    return Usage(samples=tuple(sorted(samples, key=lambda sample: sample.time)))


def finish(folder: JobFolder) -> None:
    """Keep no more of a job's usage than a chart can show. Never fails, and doing it twice changes nothing."""
    with contextlib.suppress(OSError):
        _rewrite(folder.usage, _evenly)


class _Point(NamedTuple):
    """A line of the file, read as far as thinning needs it: the codec takes ten times as long, in the agent's loop."""

    line: bytes
    time: float
    replica: str
    seconds: float
    cores: float
    memory: int
    gpu: float | None
    gpu_memory: int | None


_Widths = Callable[[list[_Point]], Callable[[_Point], float]]
"""How long a sample that takes in this one shall be, given all of them."""


def _by_age(now: datetime) -> _Widths:
    end = now.timestamp()

    def widths(points: list[_Point]) -> Callable[[_Point], float]:
        replicas = len({point.replica for point in points})
        # Powers of two lie within one another: what was put together once is put together whole the next time.
        return lambda point: 2.0 ** math.ceil(math.log2(max(1.0, (end - point.time) * replicas / _RESOLUTION)))

    return widths


def _evenly(points: list[_Point]) -> Callable[[_Point], float]:
    times = [point.time for point in points]
    width = max(1.0, (max(times) - min(times)) / POINTS_AT_THE_END)
    counts: dict[str, int] = {}
    for point in points:
        counts[point.replica] = counts.get(point.replica, 0) + 1
    # What is few enough stays as it is.
    return lambda point: width if counts[point.replica] > POINTS_AT_THE_END else 0.0


def _rewrite(path: Path, widths: _Widths) -> int:
    """Put samples together, and return how large the file is then.

    Raises:
        OSError: it cannot be read or replaced; it is as it was.
    """
    data = path.read_bytes()
    points = [point for point in map(_point, data.split(b"\n")) if point]
    width_of = widths(points) if points else None
    groups: dict[tuple[str, float, float], list[_Point]] = {}
    for number, point in enumerate(sorted(points, key=lambda point: point.time)):
        width = width_of(point) if width_of else 0.0
        groups.setdefault((point.replica, width, point.time // width if width else number), []).append(point)
    thinned = b"".join(group[0].line + b"\n" if len(group) == 1 else _line(_merged(group)) for group in groups.values())
    if thinned != data:
        # Not brought down to the disk as records are: that may take seconds, and it is usage alone.
        write_atomic(path, thinned, sync=False)
    return len(thinned)


def _merged(group: list[_Point]) -> UsageSample:
    seconds = sum(point.seconds for point in group)
    gpu = [(point.gpu, point.seconds) for point in group if point.gpu is not None]
    gpu_seconds = sum(taken for _, taken in gpu)
    return UsageSample(
        time=datetime.fromtimestamp(group[-1].time, UTC),
        replica=group[0].replica,
        seconds=round(seconds, 6),
        cores=sum(point.cores * point.seconds for point in group) / seconds if seconds else 0.0,
        memory_bytes=max(point.memory for point in group),
        gpu_percent=round(sum(value * taken for value, taken in gpu) / gpu_seconds, 1) if gpu_seconds else None,
        gpu_memory_bytes=max((point.gpu_memory for point in group if point.gpu_memory is not None), default=None),
    )


def _point(line: bytes) -> _Point | None:
    try:
        document = json.loads(line)
        return _Point(
            line,
            codec.parse_time(document["time"]).timestamp(),
            str(document["replica"]),
            float(document["seconds"]),
            float(document["cores"]),
            int(document["memoryBytes"]),
            None if (gpu := document.get("gpuPercent")) is None else float(gpu),
            None if (gpu_memory := document.get("gpuMemoryBytes")) is None else int(gpu_memory),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _line(sample: UsageSample) -> bytes:
    return json.dumps(codec.encode(sample), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
