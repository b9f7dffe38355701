"""The jobs that look at an endpoint, or at files, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlmagic.errors import NotFoundError
from mlmagic.spec.job import UNFINISHED, JobKind, JobState

if TYPE_CHECKING:
    from mlmagic.session import Session

_MOST = 20


def watchers(session: Session, name: str) -> tuple[str, ...]:
    """Return the ids of the jobs that monitor an endpoint and go on, the newest first; of very many, some."""
    return tuple(job_id for job_id in monitoring_jobs(session)[:_MOST] if _looks_at(session, job_id, name))


def monitoring_jobs(session: Session) -> tuple[str, ...]:
    """Return the ids of the jobs that monitor whatever it is and go on, the newest first."""
    from mlmagic.filters.parser import parse

    where = parse(f"kind={JobKind.MONITORING}")
    found = session.jobs.list(states=UNFINISHED - {JobState.CANCELLING}, where=where)
    return tuple(summary.id for summary in found)


def _looks_at(session: Session, job_id: str, name: str) -> bool:
    try:
        return f"--endpoint={name}" in session.jobs.get(job_id).spec.args
    except NotFoundError:
        return False
