"""What the jobs of Vertex AI's JobService have in common: how they are made, and how they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlmagic.backends.google.client.connection import Connection, call_options, plain_time
from mlmagic.backends.google.remote import RemoteJob, RemoteTrial

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import JobServiceClient


def create_job(
    connection: Connection, service: Callable[[], JobServiceClient], kind: str, job: Mapping[str, Any], *, doing: str
) -> Any:
    """Create a job, and return it as the API tells it. Never tried twice.

    Args:
        connection: where.
        service: imports and returns Google's client.
        kind: `custom_job`, as the API's fields and methods are named.
        job: the API's message in snake_case.
        doing: what fails, if it does: `create the job`.

    Raises:
        UnavailableError: no answer came; there may be such a job now.
        BackendError: Google refused.
    """
    with connection.asking(doing):
        from google.cloud import aiplatform_v1

        message = getattr(aiplatform_v1, "".join(word.capitalize() for word in kind.split("_")))
        create = getattr(service(), f"create_{kind}")
        return create(parent=connection.settings.parent, **{kind: message(dict(job))}, **call_options())


def remote_job(job: Any, trials: tuple[RemoteTrial, ...] = ()) -> RemoteJob:
    """Return a job of the API as our noun."""
    return RemoteJob(
        name=job.name,
        display_name=job.display_name,
        state=job.state.name,
        labels=dict(job.labels),
        create_time=plain_time(job.create_time),
        start_time=plain_time(job.start_time),
        end_time=plain_time(job.end_time),
        error=job.error.message if job.error and job.error.message else None,
        trials=trials,
    )


def oldest_first(jobs: Iterable[RemoteJob]) -> list[RemoteJob]:
    """Return jobs in the order in which they were made."""
    return sorted(jobs, key=lambda job: (job.create_time or datetime.min.replace(tzinfo=UTC), job.name))
