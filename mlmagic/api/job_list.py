"""Rows of a job list, and the question that they answer."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.frames import frame_of
from mlmagic.api.study_notes import study_notes
from mlmagic.spec.job import JobKind, JobState, JobSummary
from mlmagic.spec.project_jobs import ProjectJobs

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.api.comparison import JobComparison
    from mlmagic.backends.base import Backend
    from mlmagic.filters.sort import SortKey
    from mlmagic.filters.tree import Filter
    from mlmagic.spec.monitoring_alert import MonitorStatus
    from mlmagic.workspace.layout import Workspace

_LOOK_SECONDS = 0.5
_MOST_RANKED = 200
"""Records to read for what a list is sorted by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """What a list was asked for, so that it can be read again."""

    backend: Backend
    limit: int | None = None
    display_name: str | None = None
    states: Collection[JobState] | None = None
    where: Filter | None = None
    sort_by: Sequence[SortKey] = ()
    trials: bool = False
    """With those of studies."""
    workspace: Workspace | None = None
    """Where studies tell how far they are."""
    is_of_studies: bool = False
    """It was asked for studies, not for jobs that pass a filter."""

    def read(self) -> JobList:
        """Return the jobs as they are now."""
        found = self.backend.list(
            # One more than wanted tells whether there are more.
            limit=None if self.limit is None else self.limit + 1,
            display_name=self.display_name,
            states=self.states,
            where=self.where,
            sort_by=self.sort_by,
            trials=self.trials,
        )
        shown = tuple(found[: self.limit])
        return JobList(summaries=shown, has_more=len(found) > len(shown), backend=self.backend, query=self)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class JobList(Sequence[JobSummary]):
    """Rows of a job list, shown and printed as a table."""

    summaries: tuple[JobSummary, ...]
    has_more: bool = False
    """There are more jobs than were asked for."""
    backend: Backend = field(compare=False)
    query: JobQuery | None = field(default=None, compare=False)
    others: tuple[ProjectJobs, ...] = field(default=(), compare=False)
    """Jobs of projects in the cloud that this workspace has not made, if they were asked for."""

    def compare(self) -> JobComparison:
        """Return the jobs side by side: flags in which they differ, and final metrics."""
        from mlmagic.api.comparison import compare

        return compare(self.backend.get(summary.id) for summary in self.summaries)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: a row for each job, with its flags as `flags.NAME` and its metrics as `metrics.NAME`."""
        from mlmagic.api.comparison import flags_of

        rows = []
        for summary in self.summaries:
            record = self.backend.get(summary.id)
            rows.append(
                {
                    "id": record.id,
                    "name": record.spec.display_name,
                    "state": record.state.value,
                    "parent": record.spec.parent,
                    "trial": record.spec.trial,
                    "create_time": record.create_time,
                    "start_time": record.start_time,
                    "end_time": record.end_time,
                    "attempt": record.attempt,
                    "model_version": record.model_version,
                    "dataset_version": record.dataset_version,
                    "error": record.error.message if record.error else None,
                    **{f"flags.{name}": value for name, value in flags_of(record.spec).items()},
                    **{f"metrics.{name}": value for name, value in record.metrics.items()},
                }
            )
        return frame_of(rows, numeric={name for row in rows for name in row if name.startswith(("flags.", "metrics."))})

    def again(self) -> JobList:
        """Return the list as it is now."""
        return self.query.read() if self.query is not None else self

    def watch(self, *, every: float | None = None) -> Iterator[JobList]:
        """Yield the list, now and whenever it has changed, until none of its jobs goes on.

        Args:
            every: yield it after that many seconds too if nothing has changed, for a display that tells times.
        """
        shown, since = self.again(), time.monotonic()
        yield shown
        while any(not summary.state.is_final for summary in shown):
            time.sleep(_LOOK_SECONDS)
            present = shown.again()
            if present != shown or (every is not None and time.monotonic() - since >= every):
                since = time.monotonic()
                yield present
            shown = present

    @overload
    def __getitem__(self, index: int) -> JobSummary: ...
    @overload
    def __getitem__(self, index: slice) -> JobList: ...
    def __getitem__(self, index: int | slice) -> JobSummary | JobList:
        if isinstance(index, slice):
            return JobList(summaries=self.summaries[index], backend=self.backend)
        return self.summaries[index]

    def __len__(self) -> int:
        return len(self.summaries)

    def __repr__(self) -> str:
        return f"<JobList of {len(self)}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import jobs_bundle

        query, (notes, monitors) = self.query, self._notes()
        is_of_studies = query is not None and query.is_of_studies
        where = None if query is None or is_of_studies else query.where
        return jobs_bundle(
            self.summaries,
            has_more=self.has_more,
            filter_text=None if where is None else where.text,
            told={} if is_of_studies else self._ranks(),
            notes=notes | {job_id: str(status) for job_id, status in monitors.items()},
            short={job_id: status.short for job_id, status in monitors.items()},
            of_studies=is_of_studies,
            troubles=self._troubles(),
            others=self.others,
        )

    def _troubles(self) -> dict[str, str]:
        """Return why backends cannot be asked whose jobs are here as they were last heard of."""
        from mlmagic.workspace.cloud_trouble import read_trouble

        workspace = self.query.workspace if self.query is not None else None
        if workspace is None:
            return {}
        names = sorted({summary.backend for summary in self.summaries if not summary.state.is_final})
        told = {name: read_trouble(workspace, name) for name in names}
        return {name: trouble for name, trouble in told.items() if trouble is not None}

    def _notes(self) -> tuple[dict[str, str], dict[str, MonitorStatus]]:
        """Return by study how far it is, by trial its parameters and its result; and by monitoring what it found."""
        workspace = self.query.workspace if self.query is not None else None
        if workspace is None or len(self) > _MOST_RANKED:
            return {}, {}
        return study_notes(self.backend, workspace, self.summaries), self._monitors(workspace)

    def _monitors(self, workspace: Workspace) -> dict[str, MonitorStatus]:
        """Return by job when monitoring looked last, and how many alerts there are."""
        from mlmagic.runtime.monitored import read_status

        ids = [each.id for each in self.summaries if each.kind is JobKind.MONITORING and not each.state.is_final]
        found = {job_id: read_status(workspace.job(job_id)) for job_id in ids}
        return {job_id: status for job_id, status in found.items() if status is not None}

    def _ranks(self) -> dict[str, dict[str, str | float]]:
        """Return by job the flags and metrics that the list is sorted by: without them, the order says little."""
        from mlmagic.api.comparison import flags_of

        keys = [key.key.partition(".") for key in (self.query.sort_by if self.query is not None else ())]
        wanted = [(kind, name) for kind, _, name in keys if kind in {"flags", "metrics"}]
        told: dict[str, dict[str, str | float]] = {}
        for summary in self.summaries if wanted and len(self) <= _MOST_RANKED else ():
            record = self.backend.get(summary.id)
            known: dict[str, Mapping[str, str | float]] = {"flags": flags_of(record.spec), "metrics": record.metrics}
            told[summary.id] = {name: known[kind][name] for kind, name in wanted if name in known[kind]}
        return told
