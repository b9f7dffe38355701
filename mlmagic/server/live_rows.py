"""Rows of the list of jobs: what the database says, and what moves."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from mlmagic.backends.google.waiting import why_queued
from mlmagic.backends.local.machine import this_machine
from mlmagic.backends.local.scheduler import demands, in_order, why_all_wait
from mlmagic.backends.registry import CLOUD
from mlmagic.runtime.curve_points import sampled
from mlmagic.runtime.monitored import read_status
from mlmagic.runtime.scalars import curves as read_curves
from mlmagic.server.job_rows_table import JobTable, PageQuery, StillRow
from mlmagic.server.live import SPARKLINE_POINTS, LiveJobs, headline_name
from mlmagic.server.live_study import LiveStudies, StudyNow
from mlmagic.spec.job import JobKind, JobState
from mlmagic.spec.monitoring_alert import MonitorStatus
from mlmagic.spec.panel_rows import Headline, JobRow, JobRows
from mlmagic.workspace.cloud_trouble import read_trouble
from mlmagic.workspace.jobs import JobStore

if TYPE_CHECKING:
    from mlmagic.workspace.database import Database
    from mlmagic.workspace.layout import JobFolder

_WAITING = frozenset({JobState.QUEUED, JobState.PENDING})
_PREPARED = "its machines are being made ready"
_MOST_SPARKLINES = 5_000
_LIST_SECONDS = 0.05
"""For sparklines of jobs that have ended: the next time that the list is read, some more of them are there."""
_LONGEST_EVENTS = 1 << 20


class RowReader:
    """Reads rows of jobs. Safe in threads.

    Args:
        database: of the workspace.
        live: follows the jobs that run.
        studies: follows studies.
        tend: makes the rows true of jobs whose machinery has died; called before a list is read.
    """

    def __init__(
        self, database: Database, live: LiveJobs, studies: LiveStudies, tend: Callable[[], None] = lambda: None
    ) -> None:
        self._workspace = database.workspace
        self._jobs = JobStore(database)
        self._live = live
        self._studies = studies
        self._tend = tend
        self._sparklines = _Sparklines(database)
        self.table = JobTable(database)

    def page(self, query: PageQuery) -> JobRows:
        """Return a part of the list.

        Raises:
            WorkspaceError: the database cannot be read.
        """
        self._tend()
        page = self.table.page(query)
        return JobRows(
            jobs=tuple(self.moving(page.rows)), total=page.total, unfinished=page.unfinished, event=page.event
        )

    def row(self, job_id: str) -> JobRow:
        """Return the row of one job.

        Raises:
            NotFoundError: there is no such job.
            WorkspaceError: the database cannot be read.
        """
        self._tend()
        found = self.table.rows([job_id])
        if not found:
            self._jobs.get(job_id)  # which says what there is instead
        return self.moving(found)[0]

    def moving(self, rows: Sequence[StillRow]) -> list[JobRow]:
        """Return rows with what moves in them, in their order."""
        now = datetime.now(UTC)
        waiting = self.waiting(row.summary.id for row in rows if row.summary.state in _WAITING)
        troubles = self.troubles() if any(row.summary.backend in CLOUD for row in rows) else {}
        until = time.monotonic() + _LIST_SECONDS
        moving = [self._moving(row, waiting.get(row.summary.id), now, until) for row in rows]
        return [_with_trouble(row, troubles) for row in moving] if troubles else moving

    def troubles(self) -> Mapping[str, str]:
        """Return why backends in the cloud cannot be asked, of those that cannot."""
        told = {name: read_trouble(self._workspace, name) for name in sorted(CLOUD)}
        return {name: trouble for name, trouble in told.items() if trouble is not None}

    def waiting(self, ids: Iterable[str]) -> dict[str, str]:
        """Return why jobs that are QUEUED do not run yet; in the cloud, those that are PENDING, too."""
        wanted = list(ids)
        if not wanted:
            return {}
        unfinished = self._jobs.unfinished(backend="local")
        queued = in_order(unfinished)
        queue, known = demands(queued), {job.id for job in queued}
        running = demands(job for job in unfinished if job.state is not JobState.QUEUED)
        reasons = why_all_wait([job_id for job_id in wanted if job_id in known], queue, running, this_machine())
        here = {job_id: reason or "it is being started" for job_id, reason in reasons.items()}
        elsewhere = [job_id for job_id in wanted if job_id not in known]
        return {**here, **self._waiting_elsewhere(elsewhere)} if elsewhere else here

    def _waiting_elsewhere(self, ids: Collection[str]) -> dict[str, str]:
        troubles = self.troubles()
        found: dict[str, str] = {}
        for name in sorted(CLOUD):
            states = {job.id: job.state for job in self._jobs.unfinished(backend=name)}
            for job_id in ids:
                if states.get(job_id) in _WAITING:
                    is_pending = states[job_id] is JobState.PENDING
                    found[job_id] = (
                        _PREPARED if is_pending else why_queued(self._workspace.job(job_id), troubles.get(name))
                    )
        return found

    def trial_notes(self, study_id: str) -> Mapping[str, str]:
        """Return what there is to say of each trial of a study; the same object as long as nothing has changed."""
        study = self._studies.look(study_id)
        return {} if study is None else study.trials

    def _moving(self, row: StillRow, waiting_for: str | None, now: datetime, until: float) -> JobRow:
        summary = row.summary
        note, study = self._note(row)
        if summary.state is not JobState.RUNNING:
            headline = study.headline if study is not None else self._ended_headline(row, until)
            return JobRow(summary=summary, origin=row.origin, waiting_for=waiting_for, headline=headline, note=note)
        live = self._live.look(summary.id, summary.kind, objective=row.objective, began=row.began, now=now)
        return JobRow(
            summary=summary,
            origin=row.origin,
            fraction=live.fraction if study is None else study.fraction,
            eta_seconds=live.eta_seconds,
            # Of monitoring, the distance of one feature of many would say nothing.
            headline=None if summary.kind is JobKind.MONITORING else live.headline if study is None else study.headline,
            cores=live.cores,
            memory_bytes=live.memory_bytes,
            note=note,
        )

    def _note(self, row: StillRow) -> tuple[str | None, StudyNow | None]:
        """Return what there is to say of a study, of a trial or of monitoring, and the study if it is one."""
        summary = row.summary
        if summary.kind is JobKind.MONITORING:
            return monitoring_note(read_status(self._workspace.job(summary.id))), None
        if summary.kind is JobKind.TUNING:
            study = self._studies.look(summary.id)
            return (None if study is None else study.note), study
        if summary.parent is None:
            return None, None
        parent = self._studies.look(summary.parent)
        return (None if parent is None else parent.trials.get(summary.id)), None

    def _ended_headline(self, row: StillRow, until: float) -> Headline | None:
        name = headline_name(row.metrics, row.objective)
        if name is None or row.summary.kind is JobKind.MONITORING:
            return None
        points = self._sparklines.of(row.summary.id, name, until) if row.summary.state.is_final else ()
        return Headline(name=name, value=row.metrics[name], points=points)


def monitoring_note(status: MonitorStatus | None) -> str | None:
    """Return how often a job has looked, when last, what is wrong now, and why the newest look failed."""
    if status is None:
        return None
    return str(status) if status.problem is None else f"{status} · the newest look failed: {status.problem}"


def _with_trouble(row: JobRow, troubles: Mapping[str, str]) -> JobRow:
    """Return the row of a job that has not ended with why its backend cannot be asked, unless it says so already."""
    trouble = None if row.summary.state.is_final else troubles.get(row.summary.backend)
    return row if trouble is None or trouble in (row.waiting_for or "") else replace(row, trouble=trouble)


class _Sparklines:
    """Curves of jobs that have ended, which do not change any more. Safe in threads."""

    def __init__(self, database: Database) -> None:
        self._workspace = database.workspace
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[float, ...]] = OrderedDict()

    def of(self, job_id: str, name: str, until: float) -> tuple[float, ...]:
        """Return a few points of a curve; none if the time is over, or it is too long to be read for a list."""
        with self._lock:
            kept = self._kept.get(job_id)
        if kept is None:
            if time.monotonic() > until:
                return ()
            kept = _points(self._workspace.job(job_id), name)
            with self._lock:
                self._kept[job_id] = kept
                if len(self._kept) > _MOST_SPARKLINES:
                    self._kept.popitem(last=False)
        return kept


def _points(folder: JobFolder, name: str) -> tuple[float, ...]:
    directory = folder.tensorboard_dir
    try:
        if sum(path.stat().st_size for path in directory.rglob("*tfevents*")) > _LONGEST_EVENTS:
            return ()
        curve = read_curves(directory).get(name, ())
    except OSError:
        return ()
    return tuple(point[2] for point in sampled(curve, SPARKLINE_POINTS) if math.isfinite(point[2]))


def changed_texts(before: Mapping[str, str], now: Mapping[str, str]) -> Collection[str]:
    """Return the jobs of which there is another thing to say now."""
    return [job_id for job_id, text in now.items() if before.get(job_id) != text]
