"""Calls to Vertex AI's JobService: batch predictions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlmagic.backends.google.client.connection import TIMEOUT_SECONDS, Connection, plain_time
from mlmagic.backends.google.remote import RemoteJob
from mlmagic.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import JobServiceClient

# `list` is also a method below, where annotations would take it for that.
_Jobs = list[RemoteJob]
_CALL: Mapping[str, Any] = {"retry": None, "timeout": TIMEOUT_SECONDS}


class BatchCalls:
    """BatchPredictionJobs of the settings' project and region."""

    def __init__(self, connection: Connection, service: Callable[[], JobServiceClient]) -> None:
        self._connection = connection
        self._service = service

    def create(self, job: Mapping[str, Any]) -> RemoteJob:
        """Create a job, given as the API's message in snake_case. Never tried twice.

        Raises:
            UnavailableError: no answer came; there may be such a job now.
            BackendError: Google refused.
        """
        with self._connection.asking("create the batch prediction"):
            from google.cloud.aiplatform_v1 import BatchPredictionJob

            made = self._service().create_batch_prediction_job(
                parent=self._connection.settings.parent, batch_prediction_job=BatchPredictionJob(dict(job)), **_CALL
            )
            return _remote(made)

    def get(self, name: str) -> RemoteJob:
        """Return a job as it is now.

        Raises:
            NotFoundError: there is none.
        """
        return _remote(
            self._connection.repeated(
                "look at the batch prediction", lambda: self._service().get_batch_prediction_job(name=name, **_CALL)
            )
        )

    def list(self, where: str) -> _Jobs:
        """Return the jobs that pass a filter of the API, the oldest first."""

        def call() -> _Jobs:
            request = {"parent": self._connection.settings.parent, "filter": where, "page_size": 100}
            return [_remote(job) for job in self._service().list_batch_prediction_jobs(request, **_CALL)]

        found = self._connection.repeated("list the batch predictions", call)
        return sorted(found, key=lambda job: (job.create_time or datetime.min.replace(tzinfo=UTC), job.name))

    def cancel(self, name: str) -> None:
        """Ask a job to end; of one that has ended, or is gone, nothing is asked."""
        with contextlib.suppress(NotFoundError, ConflictError):
            self._connection.repeated(
                "cancel the batch prediction", lambda: self._service().cancel_batch_prediction_job(name=name, **_CALL)
            )

    def delete(self, name: str) -> None:
        """Remove a job that has ended; one that is gone is removed already."""
        with contextlib.suppress(NotFoundError):
            self._connection.repeated(
                "delete the batch prediction", lambda: self._service().delete_batch_prediction_job(name=name, **_CALL)
            )


def is_batch(name: str) -> bool:
    """Say whether a job's name is that of a batch prediction."""
    return "/batchPredictionJobs/" in name


def _remote(job: Any) -> RemoteJob:
    return RemoteJob(
        name=job.name,
        state=job.state.name,
        labels=dict(job.labels),
        create_time=plain_time(job.create_time),
        start_time=plain_time(job.start_time),
        end_time=plain_time(job.end_time),
        error=job.error.message if job.error and job.error.message else None,
    )
