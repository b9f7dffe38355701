"""The jobs that look at an endpoint again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlmagic.errors import NotFoundError
from mlmagic.spec.job import UNFINISHED, JobKind, JobState

if TYPE_CHECKING:
    from mlmagic.session import Session

_MOST = 20


def watchers(session: Session, name: str) -> tuple[str, ...]:
    """Return the ids of the jobs that monitor an endpoint and go on, the newest first; of very many, some."""
    from mlmagic.filters.parser import parse

    where = parse(f"kind={JobKind.MONITORING}")
    found = session.jobs.list(states=UNFINISHED - {JobState.CANCELLING}, where=where)
    return tuple(summary.id for summary in found[:_MOST] if _looks_at(session, summary.id, name))


def _looks_at(session: Session, job_id: str, name: str) -> bool:
    try:
        return f"--endpoint={name}" in session.jobs.get(job_id).spec.args
    except NotFoundError:
        return False
