"""Jobs in a table: the flags in which they differ against their final metrics."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlmagic.api.frames import frame_of
from mlmagic.api.program_words import told_flags
from mlmagic.api.selection import Reference, check_jobs_or_filter, find_jobs, read_filter, session_of, trials_of
from mlmagic.errors import NotFoundError
from mlmagic.spec.job import JobRecord, JobSpec
from mlmagic.spec.report import ComparedJob, Comparison

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.session import Session


class JobComparison(Comparison):
    """A comparison, shown as a table."""

    __slots__ = ()

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: a row for each job, a column for each flag that differs and for each metric."""
        rows = [
            {
                "id": job.id,
                "name": job.display_name,
                "state": job.state.value,
                "seconds": job.seconds,
                "model_version": job.model_version,
                "dataset_version": job.dataset_version,
                **{flag: job.flags.get(flag) for flag in self.flags},
                **{metric: job.metrics.get(metric) for metric in self.metrics},
            }
            for job in self.jobs
        ]
        return frame_of(rows, numeric=(*self.flags, *self.metrics))

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import comparison_bundle

        return comparison_bundle(self)


def compare_jobs(
    *references: Reference,
    filter: str | None = None,  # noqa: A002 - gcloud's word
    limit: int | None = 50,
    session: Session | None = None,
) -> JobComparison:
    """Return jobs side by side: the flags in which they differ, and their final metrics.

    Args:
        references: jobs, their ids or names; of a name its newest job. One alone is a study, and means its trials.
        filter: instead of references, jobs that pass this filter.
        limit: with a filter, how many of the newest at most; None for all.
        session: another than this process's.

    Raises:
        NotFoundError: there is no such job.
        UsageError: a filter that cannot be read, or nothing to compare.
    """
    check_jobs_or_filter("compare", references, filter, example="taxi boats")
    where = read_filter(filter)
    here = session_of(session)
    backend = here.jobs
    if where is not None:
        return compare(backend.get(summary.id) for summary in backend.list(limit=limit, where=where))
    jobs = find_jobs(backend, references)
    if len(references) == 1 and (trials := _trials(here, references[0])):
        return compare(trials)
    return compare(job.record for job in jobs)


def _trials(session: Session, reference: Reference) -> list[JobRecord]:
    """Return the trials of a study; none of another job, unless a study goes by its name."""
    from mlmagic.api.study import find_study

    backend = session.jobs
    try:
        study = find_study(session, reference)
    except NotFoundError:
        return []
    return [backend.get(summary.id) for summary in trials_of(backend, study.id)]


def compare(records: Iterable[JobRecord], *, now: datetime | None = None) -> JobComparison:
    """Return a comparison of these jobs, in their order."""
    now = now or datetime.now(UTC)
    jobs = tuple(_row(record, now) for record in records)
    names = dict.fromkeys(flag for job in jobs for flag in job.flags)
    return JobComparison(
        jobs=jobs,
        flags=tuple(name for name in names if len({job.flags.get(name) for job in jobs}) > 1),
        metrics=tuple(dict.fromkeys(metric for job in jobs for metric in job.metrics)),
    )


def flags_of(spec: JobSpec) -> dict[str, str]:
    """Return what a job's flags were set to, as far as that is known."""
    return dict(spec.flags) or told_flags(spec.args)


def run_seconds(record: JobRecord, now: datetime) -> float | None:
    """Return how long a job ran, or runs so far."""
    if record.start_time is None:
        return None
    return ((record.end_time or now) - record.start_time).total_seconds()


def _row(record: JobRecord, now: datetime) -> ComparedJob:
    return ComparedJob(
        id=record.id,
        display_name=record.spec.display_name,
        state=record.state,
        seconds=run_seconds(record, now),
        model_version=record.model_version,
        dataset_version=record.dataset_version,
        flags=flags_of(record.spec),
        metrics=record.metrics,
    )
