"""Attempts of pipelines brought to Dataflow: each once, whoever is killed in between.

Another process stages the pipeline, which takes a while. `remote.json` is written before it starts; its lock tells that
it is still at it, and `launched.json` what came of it. Where that is missing, the job is looked for by its name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.dataflow_inputs import bring_inputs
from mlmagic.backends.google.dataflow_launch import Launched, LaunchFolder, LaunchRequest, read_launched, start_launch
from mlmagic.backends.google.dataflow_words import Launch, input_words, job_name, launch_words
from mlmagic.backends.google.kept_notes import locked
from mlmagic.backends.google.names import output_directory, workspace_label
from mlmagic.backends.google.refusals import looking
from mlmagic.backends.google.remote import RemoteJob, RemoteRecord, read_remote, write_remote
from mlmagic.backends.google.uploads import Uploader
from mlmagic.backends.google.vertex_models import bring_artifact
from mlmagic.backends.kept import kept_package
from mlmagic.errors import BackendError
from mlmagic.source.sdist import build_sdist, distribution_name
from mlmagic.spec.job import JobKind, JobRecord
from mlmagic.spec.names import parse_model_reference
from mlmagic.workspace.database import Database
from mlmagic.workspace.files import explained, make_folder, write_atomic
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.models import ModelStore

_MOST_LAUNCHES = 5
"""Of one attempt, whose process was killed each time."""


class PipelineSender:
    """Sends the next attempt of pipelines that are QUEUED. Only who holds a job's lock may call it."""

    def __init__(self, workspace: Workspace, client: GoogleClient, uploader: Uploader) -> None:
        self._workspace = workspace
        self._client = client
        self._uploader = uploader
        self._label = workspace_label(str(workspace.root))

    def find(self, record: JobRecord) -> RemoteRecord | None:
        """Return the next attempt as far as it is known; None if Dataflow surely has not got it, nor ever will.

        A record without a name means that a process is about to ask for it, or that lists do not tell yet.

        Raises:
            UnavailableError: no answer came.
        """
        folder = self._workspace.job(record.id)
        remote = read_remote(folder)
        if remote is None or remote.attempt != record.attempt + 1:
            return None
        if remote.name is not None:
            return remote
        with _lock(folder) as lock:
            if lock is None:
                return remote
        launched = read_launched(LaunchFolder(folder.launch), remote.attempt)
        if launched is not None and launched.job is not None:
            name = f"projects/{remote.project}/locations/{remote.region}/jobs/{launched.job}"
            with looking():
                return self._note(folder, remote, self._client.pipelines.get(name))
        with looking():
            found = self._client.pipelines.find(job_name(record.id, remote.attempt, self._label))
        if found:
            return self._note(folder, remote, found[0])
        age = (datetime.now(UTC) - remote.sent_time).total_seconds()
        # What the process says that failed is sure: it was refused before, or Dataflow has refused it.
        return remote if launched is None and 0 <= age < self._client.settings.settle_seconds else None

    def failure(self, record: JobRecord) -> Launched | None:
        """Return how the process ended that could not ask for the next attempt's job; None if it could, or may yet."""
        launched = read_launched(LaunchFolder(self._workspace.job(record.id).launch), record.attempt + 1)
        if launched is None or launched.job is not None or self.find(record) is not None:
            return None
        return launched

    def send(self, record: JobRecord) -> RemoteRecord:
        """See that the next attempt is brought to Dataflow, and return what is known of it; nothing is waited for.

        Raises:
            UnavailableError: no answer came.
            MlmagicError: it cannot be brought there.
        """
        if (known := self.find(record)) is not None:
            return known
        folder, settings = self._workspace.job(record.id), self._client.settings
        place = LaunchFolder(folder.launch)
        with _lock(folder) as lock:
            before = read_remote(folder)
            if lock is None:
                raise BackendError(f"job {record.id} is still being brought to Dataflow by an earlier process.")
            launch, uploaded = self._prepare(record, folder)
            is_again = before is not None and before.attempt == launch.number
            launches = before.launches + 1 if before is not None and is_again else 1
            if launches > _MOST_LAUNCHES:
                raise BackendError(
                    f"the program that brings the pipeline to Dataflow was killed {_MOST_LAUNCHES} times.",
                    hint=f"What it said is in {place.log}.",
                )
            earlier = () if before is None else before.earlier
            if before is not None and before.name is not None:
                earlier += (before.name,)
            if launch.number > 1:
                self._client.storage.delete_objects(f"{output_directory('', record.id).removeprefix('/')}/model/")
            remote = RemoteRecord(
                attempt=launch.number,
                project=settings.project,
                region=settings.region,
                sent_time=datetime.now(UTC),
                earlier=earlier,
                output=output_directory(settings.bucket, record.id),
                launches=launches,
                uploaded=uploaded,
            )
            write_remote(folder, remote)
            python = record.spec.python or sys.executable
            command = (python, "-m", record.spec.package.module, *launch_words(record.spec, launch, settings))
            environment = {"GOOGLE_CLOUD_PROJECT": settings.project, **settings.environment}
            request = LaunchRequest(attempt=launch.number, command=command, folder=str(folder.package))
            start_launch(place, request, environment, [lock])
        return remote

    def _prepare(self, record: JobRecord, folder: JobFolder) -> tuple[Launch, dict[str, str]]:
        place = LaunchFolder(folder.launch)
        what = record.spec.package.module.partition(".")[0]
        sdist = build_sdist(kept_package(folder, record, None), distribution_name(record.spec.display_name, what))
        # Beam stages the file itself: this is for what is checked on the way, and to keep it as packages are.
        self._uploader.package(sdist)
        with explained(f"write the package of job {record.id}"):
            write_atomic(place.package, sdist)
        inputs, uploaded = bring_inputs(input_words(record.spec), record.spec.working_directory, self._uploader)
        launch = Launch(
            job_id=record.id,
            number=record.attempt + 1,
            workspace=self._label,
            inputs=inputs,
            package=str(place.package),
            submitted=str(place.job),
            artifact=self._artifact(record) if record.spec.kind is JobKind.BATCH_PREDICTION else None,
        )
        return launch, uploaded

    def _artifact(self, record: JobRecord) -> str:
        reference = parse_model_reference(record.spec.args[record.spec.args.index("--model") + 1])
        version = ModelStore(Database(self._workspace)).resolve(reference)
        return bring_artifact(self._workspace, version, self._uploader)

    def _note(self, folder: JobFolder, remote: RemoteRecord, job: RemoteJob) -> RemoteRecord:
        noted = dataclasses.replace(remote, name=job.name, state=job.state)
        write_remote(folder, noted)
        return noted


@contextlib.contextmanager
def _lock(folder: JobFolder) -> Iterator[int | None]:
    """Hold the lock of the process that asks for a job, and yield its descriptor; None if that still runs."""
    place = LaunchFolder(folder.launch)
    with explained(f"lock {place.lock}"):
        make_folder(place.root)
    with locked(place.lock) as lock:
        yield lock
