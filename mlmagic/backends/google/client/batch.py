"""Calls to Vertex AI's JobService: batch predictions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlmagic.backends.google.client.connection import Connection, call_options
from mlmagic.backends.google.client.vertex_jobs import create_job, oldest_first, remote_job
from mlmagic.backends.google.remote import RemoteJob
from mlmagic.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import JobServiceClient

# `list` is also a method below, where annotations would take it for that.
_Jobs = list[RemoteJob]


class BatchCalls:
    """BatchPredictionJobs of the settings' project and region."""

    def __init__(self, connection: Connection, service: Callable[[], JobServiceClient]) -> None:
        self._connection = connection
        self._service = service

    def create(self, job: Mapping[str, Any]) -> RemoteJob:
        """Create a job, given as the API's message in snake_case; errors are those of `create_job`."""
        doing = "create the batch prediction"
        return remote_job(create_job(self._connection, self._service, "batch_prediction_job", job, doing=doing))

    def get(self, name: str) -> RemoteJob:
        """Return a job as it is now.

        Raises:
            NotFoundError: there is none.
        """
        return remote_job(
            self._connection.repeated(
                "look at the batch prediction",
                lambda: self._service().get_batch_prediction_job(name=name, **call_options()),
            )
        )

    def list(self, where: str) -> _Jobs:
        """Return the jobs that pass a filter of the API, the oldest first."""

        def call() -> _Jobs:
            request = {"parent": self._connection.settings.parent, "filter": where, "page_size": 100}
            return [remote_job(job) for job in self._service().list_batch_prediction_jobs(request, **call_options())]

        return oldest_first(self._connection.repeated("list the batch predictions", call))

    def cancel(self, name: str) -> None:
        """Ask a job to end; of one that has ended, or is gone, nothing is asked."""
        with contextlib.suppress(NotFoundError, ConflictError):
            self._connection.repeated(
                "cancel the batch prediction",
                lambda: self._service().cancel_batch_prediction_job(name=name, **call_options()),
            )

    def delete(self, name: str) -> None:
        """Remove a job that has ended; one that is gone is removed already."""
        with contextlib.suppress(NotFoundError):
            self._connection.repeated(
                "delete the batch prediction",
                lambda: self._service().delete_batch_prediction_job(name=name, **call_options()),
            )


def is_batch(name: str) -> bool:
    """Say whether a job's name is that of a batch prediction."""
    return "/batchPredictionJobs/" in name
