"""What others run in the projects in the cloud that a workspace uses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlmagic.backends.registry import CLOUD
from mlmagic.errors import MlmagicError
from mlmagic.spec.project_jobs import ProjectJob, ProjectJobs

if TYPE_CHECKING:
    from mlmagic.api.job_list import JobList, JobQuery
    from mlmagic.session import Session


def others_of(session: Session, listed: JobList) -> tuple[ProjectJobs, ...]:
    """Return the jobs of others that pass what was asked of a list; of a project that cannot be asked, why."""
    names = {session.backend_name, *(summary.backend for summary in listed)} & CLOUD
    return tuple(_passing(_project_jobs(session, name), listed.query) for name in sorted(names))


def _project_jobs(session: Session, name: str) -> ProjectJobs:
    from mlmagic.backends.google.backend import GoogleBackend

    backend = session.backend(name)
    assert isinstance(backend, GoogleBackend)  # noqa: S101 - there is no other cloud
    try:
        return backend.project_jobs()
    except MlmagicError as error:
        return ProjectJobs(backend=name, place="the cloud", problems=(error.message,))


def _passing(found: ProjectJobs, query: JobQuery | None) -> ProjectJobs:
    if query is None:
        return found
    now = datetime.now(UTC)
    return replace(found, jobs=tuple(job for job in found.jobs if _passes(job, query, now)))


def _passes(job: ProjectJob, query: JobQuery, now: datetime) -> bool:
    from mlmagic.filters.predicate import matches

    return (
        (query.where is None or matches(query.where, job.document, now))
        and (query.states is None or job.state in query.states)
        and query.display_name in {None, job.display_name}
    )
