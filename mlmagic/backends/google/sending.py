"""Attempts sent to Vertex AI: each once, whoever is killed in between.

`remote.json` says that Google is asked for a job before it is, and which job it was after. Who finds the first without
the second looks for the job by its labels: what is there is adopted, and what is not is asked for again.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable
from datetime import UTC, datetime

from mlmagic.backends.google.batch import BatchSender
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.dataflow_sending import PipelineSender
from mlmagic.backends.google.dataflow_words import runs_on_dataflow
from mlmagic.backends.google.environments import check_image, image_for, package_for
from mlmagic.backends.google.names import attempt_filter, output_directory, workspace_label
from mlmagic.backends.google.refusals import UnavailableError, looking
from mlmagic.backends.google.remote import RemoteJob, RemoteRecord, read_remote, write_remote
from mlmagic.backends.google.shipped_data import divide
from mlmagic.backends.google.submission import Attempt, custom_job, tuning_job
from mlmagic.backends.google.training_inputs import remote_args
from mlmagic.backends.google.uploads import Uploader
from mlmagic.backends.kept import kept_package
from mlmagic.runtime.resumed import take_up_trials
from mlmagic.source.sdist import build_sdist, distribution_name
from mlmagic.spec.job import JobKind, JobRecord, JobSpec
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace


class Sender:
    """Sends the next attempt of jobs that are QUEUED. Only who holds a job's lock may call it for that job."""

    def __init__(self, workspace: Workspace, jobs: JobStore, client: GoogleClient) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._client = client
        self._uploader = Uploader(client, workspace)
        self._label = workspace_label(str(workspace.root))
        self.pipelines = PipelineSender(workspace, client, self._uploader)
        self.batches = BatchSender(workspace, jobs, client, self._uploader)

    def tell(self, say: Callable[[str], None]) -> None:
        """Have it said from now on what is done that takes a while."""
        self._uploader.say = say

    def find(self, record: JobRecord) -> RemoteRecord | None:
        """Return the next attempt as far as Google has it already; None if Google surely has not.

        A record without a name means that it may have it, and lists do not tell yet.

        Raises:
            UnavailableError: no answer came.
        """
        if runs_on_dataflow(record.spec):
            return self.pipelines.find(record)
        if record.spec.kind is JobKind.BATCH_PREDICTION:
            return self.batches.find(record)
        remote = read_remote(self._workspace.job(record.id))
        if remote is None or remote.attempt != record.attempt + 1:
            return None
        if remote.name is not None:
            return remote
        ask = self._client.jobs.list_custom_jobs if record.spec.study is None else self._client.jobs.list_tuning_jobs
        with looking():
            found = ask(attempt_filter(record.id, remote.attempt, self._label))
        if found:
            return self._note(record, remote, found[0])
        age = (datetime.now(UTC) - remote.sent_time).total_seconds()
        return remote if 0 <= age < self._client.settings.settle_seconds else None

    def send(self, record: JobRecord) -> RemoteRecord:
        """Have Google make the next attempt's job, if it has not, and return what is known of it.

        Raises:
            UnavailableError: no answer came; whether there is a job now, `find` tells later.
            MlmagicError: Google refused.
        """
        if runs_on_dataflow(record.spec):
            return self.pipelines.send(record)
        if record.spec.kind is JobKind.BATCH_PREDICTION:
            return self.batches.send(record)
        if (known := self.find(record)) is not None:
            return known
        folder = self._workspace.job(record.id)
        settings = self._client.settings
        if record.spec.study is not None:
            take_up_trials(folder, record.spec.study)
        package = kept_package(folder, record, None)
        image = image_for(record.spec, settings.image, python=platform.python_version())
        check_image(image, record.spec, package, python=platform.python_version())
        program, data = divide(package_for(image, package))
        sdist = build_sdist(program, distribution_name(record.spec.display_name))
        attempt = Attempt(
            job_id=record.id,
            number=record.attempt + 1,
            workspace=self._label,
            image=image,
            package_uri=self._uploader.package(sdist),
            data_uri=None if data is None else self._uploader.package(data),
            args=remote_args(record.spec, self._uploader),
        )
        before = read_remote(folder)
        earlier = () if before is None else before.earlier
        if before is not None and before.name is not None:
            earlier += (before.name,)
        remote = RemoteRecord(
            attempt=attempt.number,
            project=settings.project,
            region=settings.region,
            sent_time=datetime.now(UTC),
            earlier=earlier,
            output=output_directory(settings.bucket, record.id),
        )
        if attempt.number > 1:
            # The next attempt writes there, too; what one before has left is no part of its model.
            self._client.storage.delete_objects(f"{output_directory('', record.id).removeprefix('/')}/model/")
        write_remote(folder, remote)
        try:
            job = self._create(record.spec, attempt)
        except UnavailableError:
            if (adopted := self.find(record)) is not None and adopted.name is not None:
                return adopted
            raise
        return self._note(record, remote, job)

    def _create(self, spec: JobSpec, attempt: Attempt) -> RemoteJob:
        settings = self._client.settings
        if spec.study is None:
            return self._client.jobs.create_custom_job(custom_job(spec, attempt, settings))
        return self._client.jobs.create_tuning_job(tuning_job(spec, spec.study, attempt, settings))

    def _note(self, record: JobRecord, remote: RemoteRecord, job: RemoteJob) -> RemoteRecord:
        noted = dataclasses.replace(remote, name=job.name, state=job.state)
        write_remote(self._workspace.job(record.id), noted)
        return noted
