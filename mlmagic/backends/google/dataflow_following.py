"""What Dataflow says of a pipeline, as it goes into the record; written there by the follower alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

from mlmagic.backends.google.batch import BatchCollector
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.dataflow_counts import collect_counts
from mlmagic.backends.google.dataflow_datasets import DatasetRegistrar
from mlmagic.backends.google.dataflow_endings import launch_ending, pipeline_ending, remove_parts
from mlmagic.backends.google.dataflow_sending import PipelineSender
from mlmagic.backends.google.endings import runs_too_long, translator
from mlmagic.backends.google.models import Registrar
from mlmagic.backends.google.remote import RemoteJob, RemoteRecord, read_remote
from mlmagic.errors import MlmagicError
from mlmagic.runtime.ending import Ending
from mlmagic.spec.job import JobKind, JobRecord, JobState
from mlmagic.workspace.files import explained, make_folder, write_atomic
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import MANIFEST, NAMES, Workspace

_SHARDS = ("predictions-", "errors-", MANIFEST)
"""How the names of a batch prediction's files begin."""
_READ, _REJECTED = "rows_read", "rows_rejected"
"""Counters of the pipeline."""


class PipelineFollower:
    """Follows jobs on Dataflow. Only who holds a job's lock may call it for that job."""

    def __init__(self, workspace: Workspace, jobs: JobStore, client: GoogleClient) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._client = client
        self._registrar = Registrar(workspace, jobs, client)
        self._batches = BatchCollector(workspace, jobs, client)

    def failed_launch(self, record: JobRecord, sender: PipelineSender) -> Ending | None:
        """Return how a job ends whose pipeline could not be brought to Dataflow; None if it was, or may yet be."""
        folder = self._workspace.job(record.id)
        launched, remote = sender.failure(record), read_remote(folder)
        if launched is None or remote is None:
            return None
        return launch_ending(launched, remote, folder, translator(self._jobs, record.id))

    def watch(self, record: JobRecord, job: RemoteJob) -> None:
        """Say in the record how far a running job is, and end it if it runs too long."""
        if runs_too_long(record, job):
            self._client.pipelines.cancel(job.name)
            return
        with suppress(MlmagicError):  # there is another time
            counted = self._client.pipelines.counters(job.name)
            if counted.get(_READ):
                rejected = f", {counted[_REJECTED]:,} rejected" if counted.get(_REJECTED) else ""
                self._registrar.say(record, f"{counted[_READ]:,} rows read{rejected}")

    def ending(
        self, record: JobRecord, remote: RemoteRecord, job: RemoteJob, has_time: Callable[[], bool] | None
    ) -> Ending | None:
        """Return how a job ends that is over on Dataflow; None as long as its dataset is not here.

        Raises:
            BackendError: what workers left cannot be read.
        """
        folder = self._workspace.job(record.id)
        translate = translator(self._jobs, record.id)
        ending: Ending | None = pipeline_ending(self._client, record, remote, job, (folder, translate))
        if ending is not None and ending.state is JobState.SUCCEEDED and not ending.is_stopped_early:
            bring = {
                JobKind.BATCH_PREDICTION: self._with_predictions,
                JobKind.MONITORING: self._with_counts,
            }.get(record.spec.kind, self._with_dataset)
            ending = bring(record, remote, has_time)
        if ending is not None:
            if record.spec.kind is JobKind.BATCH_PREDICTION:
                self._batches.clear(record)
            remove_parts(self._client, remote, f"parts-{remote.attempt}", "temp", "staging")
        return ending

    def _with_dataset(
        self, record: JobRecord, remote: RemoteRecord, has_time: Callable[[], bool] | None
    ) -> Ending | None:
        registrar = DatasetRegistrar(self._workspace, self._jobs, self._client)
        made = registrar.made(record)
        if made is not None or has_time is None:
            return made
        try:
            return registrar.make(record, remote, has_time)
        except MlmagicError as error:
            self._registrar.say(record, f"its dataset could not be fetched yet: {error.message}")
            return None

    def _with_counts(
        self, record: JobRecord, remote: RemoteRecord, has_time: Callable[[], bool] | None
    ) -> Ending | None:
        if record.state is JobState.CANCELLING:
            return Ending(state=JobState.CANCELLED, exit_code=0, message="cancelled before its counts were fetched")
        if has_time is None:
            return None
        try:
            return collect_counts(self._workspace, self._client, record, remote, has_time)
        except MlmagicError as error:
            self._registrar.say(record, f"its counts could not be fetched yet: {error.message}")
            return None

    def _with_predictions(
        self, record: JobRecord, remote: RemoteRecord, has_time: Callable[[], bool] | None
    ) -> Ending | None:
        folder = self._workspace.job(record.id)
        with explained(f"write what job {record.id} has sent"):
            make_folder(folder.batch)
            write_atomic(folder.batch / NAMES, json.dumps(dict(remote.uploaded)), sync=False)
        return self._batches.collect(record, has_time, (f"{remote.output}/parts-{remote.attempt}/", _SHARDS))
