"""Calls to Vertex AI's JobService: custom jobs and studies."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlmagic.backends.google.client.batch import BatchCalls, is_batch
from mlmagic.backends.google.client.connection import Connection, call_options, plain_time
from mlmagic.backends.google.client.dataflow import DataflowCalls, is_pipeline
from mlmagic.backends.google.client.vertex_jobs import create_job, oldest_first, remote_job
from mlmagic.backends.google.remote import RemoteJob, RemoteTrial
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.spec.study import Measurement

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import JobServiceClient


class JobCalls:
    """Jobs of the settings' project and region."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pipelines = DataflowCalls(connection)
        self.batches = BatchCalls(connection, lambda: self.service)

    def create_custom_job(self, job: Mapping[str, Any]) -> RemoteJob:
        """Create a CustomJob, given as the API's message in snake_case; errors are those of `create_job`."""
        return _remote(self._create("custom_job", job, doing="create the job"))

    def get_custom_job(self, name: str) -> RemoteJob:
        """Return a CustomJob as it is now.

        Raises:
            NotFoundError: there is none.
        """
        return _remote(
            self._connection.repeated(
                "look at the job", lambda: self.service.get_custom_job(name=name, **call_options())
            )
        )

    def list_custom_jobs(self, where: str) -> list[RemoteJob]:
        """Return the CustomJobs that pass a filter of the API, the oldest first."""

        def call() -> list[RemoteJob]:
            request = {"parent": self._connection.settings.parent, "filter": where, "page_size": 100}
            return [_remote(job) for job in self.service.list_custom_jobs(request, **call_options())]

        return oldest_first(self._connection.repeated("list the jobs", call))

    def cancel_custom_job(self, name: str) -> None:
        """Ask a CustomJob to end; of one that has ended, or is gone, nothing is asked."""
        with contextlib.suppress(NotFoundError, ConflictError):
            self._connection.repeated(
                "cancel the job", lambda: self.service.cancel_custom_job(name=name, **call_options())
            )

    def delete_custom_job(self, name: str) -> None:
        """Remove a CustomJob that has ended; one that is gone is removed already."""
        with contextlib.suppress(NotFoundError):
            self._connection.repeated(
                "delete the job", lambda: self.service.delete_custom_job(name=name, **call_options())
            )

    def create_tuning_job(self, job: Mapping[str, Any]) -> RemoteJob:
        """Create a HyperparameterTuningJob; otherwise as `create_custom_job`."""
        return _remote(self._create("hyperparameter_tuning_job", job, doing="create the study"))

    def list_tuning_jobs(self, where: str) -> list[RemoteJob]:
        """Return the HyperparameterTuningJobs that pass a filter of the API, the oldest first."""

        def call() -> list[RemoteJob]:
            request = {"parent": self._connection.settings.parent, "filter": where, "page_size": 100}
            found = self.service.list_hyperparameter_tuning_jobs(request, **call_options())
            return [_remote(job) for job in found]

        return oldest_first(self._connection.repeated("list the studies", call))

    def newest(self, what: str, limit: int) -> list[RemoteJob]:
        """Return jobs, whoever made them, in the API's own order.

        Args:
            what: `custom_jobs`, as the API's methods are named.
            limit: how many at most.
        """

        def call() -> list[RemoteJob]:
            ask = getattr(self.service, f"list_{what}")
            found = ask({"parent": self._connection.settings.parent, "page_size": min(limit, 100)}, **call_options())
            return [_remote(job) for job in itertools.islice(found, limit)]

        return self._connection.repeated(f"list the {what.replace('_', ' ')}", call)

    def get_job(self, name: str) -> RemoteJob:
        """Return the job of that name, whatever it is; errors are those of `get_custom_job`."""
        if is_pipeline(name):
            return self._pipelines.get(name)
        if is_batch(name):
            return self.batches.get(name)
        if not _is_study(name):
            return self.get_custom_job(name)
        return _remote(
            self._connection.repeated(
                "look at the study",
                lambda: self.service.get_hyperparameter_tuning_job(name=name, **call_options()),
            )
        )

    def cancel_job(self, name: str) -> None:
        """Ask a job to end, a study with all its trials; otherwise as `cancel_custom_job`."""
        if is_pipeline(name):
            self._pipelines.cancel(name)
            return
        if is_batch(name):
            self.batches.cancel(name)
            return
        if not _is_study(name):
            self.cancel_custom_job(name)
            return
        with contextlib.suppress(NotFoundError, ConflictError):
            self._connection.repeated(
                "cancel the study",
                lambda: self.service.cancel_hyperparameter_tuning_job(name=name, **call_options()),
            )

    def delete_job(self, name: str) -> None:
        """Remove a job that has ended, a study with all its trials; one that is gone is removed already."""
        if is_pipeline(name):
            return  # Dataflow keeps its jobs, and forgets them by itself
        if is_batch(name):
            self.batches.delete(name)
            return
        if not _is_study(name):
            self.delete_custom_job(name)
            return
        with contextlib.suppress(NotFoundError):
            self._connection.repeated(
                "delete the study",
                lambda: self.service.delete_hyperparameter_tuning_job(name=name, **call_options()),
            )

    def _create(self, kind: str, job: Mapping[str, Any], *, doing: str) -> Any:
        return create_job(self._connection, lambda: self.service, kind, job, doing=doing)

    @functools.cached_property
    def service(self) -> JobServiceClient:
        """Google's own client, whose import takes seconds."""
        with self._connection.lock:
            from google.cloud.aiplatform_v1 import JobServiceClient

            return JobServiceClient(
                transport="rest",
                client_options={"api_endpoint": self._connection.vertex},
                credentials=self._connection.credentials,
            )


def _remote(job: Any) -> RemoteJob:
    return remote_job(job, tuple(map(_trial, job.trials)) if _is_study(job.name) else ())


def _trial(trial: Any) -> RemoteTrial:
    measured = trial.final_measurement
    # A study has one metric.
    metric = next(iter(measured.metrics), None) if measured else None
    elapsed = measured.elapsed_duration if measured else None
    return RemoteTrial(
        number=int(trial.id),
        state=trial.state.name,
        parameters={one.parameter_id: one.value for one in trial.parameters},
        start_time=plain_time(trial.start_time),
        end_time=plain_time(trial.end_time),
        final=None
        if metric is None
        else Measurement(
            step=measured.step_count,
            value=metric.value,
            elapsed_seconds=elapsed.total_seconds() if elapsed else 0.0,
        ),
        reason=trial.infeasible_reason or None,
    )


def _is_study(name: str) -> bool:
    return "/hyperparameterTuningJobs/" in name
