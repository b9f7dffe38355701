"""What moves in a job that runs: how far it is, its headline metric, and what it takes of the machine."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from mlmagic.runtime.curve_points import sampled
from mlmagic.runtime.progress import ProgressReader, estimate_remaining
from mlmagic.runtime.reading import ReadingFollower, remaining_seconds, with_rate
from mlmagic.server.curves_growing import CurveFolders, CurvesNow
from mlmagic.server.live_files import GrowingFile
from mlmagic.spec.codec import parse_time
from mlmagic.spec.job import READING_KINDS, JobKind
from mlmagic.spec.panel_rows import Headline
from mlmagic.spec.report import Progress, Reading

if TYPE_CHECKING:
    from mlmagic.workspace.layout import JobFolder, Workspace

SPARKLINE_POINTS = 40
_MOST_JOBS = 512
_HEADLINE_SECONDS = 1.9
# A replica that was not sampled for so long has ended.
_STALE_SECONDS = 15.0
_USUAL = ("val_loss", "loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveValues:
    """What moves in one job."""

    fraction: float | None = None
    eta_seconds: float | None = None
    headline: Headline | None = None
    cores: float | None = None
    memory_bytes: int | None = None


class LiveJob:
    """Follows the files of one job. Its headline is not read again for some seconds, which costs more than the rest."""

    def __init__(self, folder: JobFolder, kind: JobKind, *, headline_seconds: float = 0.0) -> None:
        self._scalars = folder.tensorboard_dir
        self._headline: Headline | None = None
        self._headline_seconds = headline_seconds
        self._next_headline = 0.0
        self._is_reading = kind in READING_KINDS
        self._log = GrowingFile(folder.log())
        self._reader: ProgressReader | ReadingFollower = self._new_reader()
        self._progress: Progress | Reading | None = None
        self._usage = GrowingFile(folder.usage)
        self._samples: dict[str, tuple[float, float, int]] = {}

    def look(self, curves: CurveFolders, *, objective: str | None, began: datetime | None, now: datetime) -> LiveValues:
        """Return what there is to tell now.

        Args:
            curves: where the scalars come from.
            objective: the metric that the job is about, if it is part of a study.
            began: when its attempt did.
            now: the present time.
        """
        self._read_log()
        self._read_usage()
        if (moment := time.monotonic()) >= self._next_headline:
            self._next_headline = moment + self._headline_seconds
            self._headline = headline_of(curves.read(self._scalars), objective)
        told = self._progress
        cores, memory_bytes = self._taken(now)
        return LiveValues(
            fraction=None if told is None else round(told.fraction, 4),
            eta_seconds=None if told is None or began is None else _remaining(told, began, now),
            headline=self._headline,
            cores=cores,
            memory_bytes=memory_bytes,
        )

    def _new_reader(self) -> ProgressReader | ReadingFollower:
        return ReadingFollower() if self._is_reading else ProgressReader()

    def _read_log(self) -> None:
        data, is_same = self._log.read()
        if not is_same:
            self._reader, self._progress = self._new_reader(), None
        if data:
            self._progress = self._reader.feed(data.decode("utf-8", "replace"))

    def _read_usage(self) -> None:
        data, is_same = self._usage.read()
        if not is_same:
            self._samples.clear()
        for line in data.split(b"\n"):
            try:
                told = json.loads(line)
                sample = parse_time(told["time"]).timestamp(), float(told["cores"]), int(told["memoryBytes"])
                self._samples[str(told["replica"])] = sample
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
                continue  # torn, or not there in full

    def _taken(self, now: datetime) -> tuple[float | None, int | None]:
        """Return how many cores all replicas keep busy, and how much memory they hold."""
        since = now.timestamp() - _STALE_SECONDS
        recent = [sample for sample in self._samples.values() if sample[0] >= since]
        if not recent:
            return None, None
        return round(sum(cores for _, cores, _ in recent), 3), sum(memory for _, _, memory in recent)


class LiveJobs:
    """The jobs of a workspace that were followed last. Safe in threads."""

    def __init__(self, workspace: Workspace, curves: CurveFolders) -> None:
        self._workspace = workspace
        self._curves = curves
        self._lock = Lock()
        self._jobs: OrderedDict[str, LiveJob] = OrderedDict()

    def look(
        self, job_id: str, kind: JobKind, *, objective: str | None, began: datetime | None, now: datetime
    ) -> LiveValues:
        """Return what moves in a job that runs; see `LiveJob.look`."""
        with self._lock:
            job = self._jobs.pop(job_id, None) or self._new(job_id, kind)
            self._jobs[job_id] = job
            if len(self._jobs) > _MOST_JOBS:
                self._jobs.popitem(last=False)
            return job.look(self._curves, objective=objective, began=began, now=now)

    def _new(self, job_id: str, kind: JobKind) -> LiveJob:
        return LiveJob(self._workspace.job(job_id), kind, headline_seconds=_HEADLINE_SECONDS)


def headline_of(now: CurvesNow, objective: str | None) -> Headline | None:
    """Return the headline metric as it is now; None while nothing is measured."""
    name = headline_name(now.metrics, objective)
    if name is None:
        return None
    points, count = now.curves[name], now.counts[name]
    # By their places: a curve of a hundred thousand points is not to be copied for each look.
    values = tuple(points[place][2] for place in sampled(range(count), SPARKLINE_POINTS))
    return Headline(name=name, value=values[-1], points=values)


def headline_name(names: Collection[str], objective: str | None) -> str | None:
    """Return which of the metrics a job is told by: the objective of its study, `val_loss`, `loss`, else the first."""
    wanted = [name for name in (objective, *_USUAL) if name is not None and name in names]
    return wanted[0] if wanted else min(names, default=None)


def _remaining(told: Progress | Reading, began: datetime, now: datetime) -> float | None:
    if isinstance(told, Reading):
        left = remaining_seconds(with_rate(told, (now - began).total_seconds()))
    else:
        left = estimate_remaining(told, began, now)
    return None if left is None else round(left, 1)
