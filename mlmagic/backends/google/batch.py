"""Batch predictions on Vertex AI: sent once, whoever is killed, and brought here as a run here would have written them.

The rows that fit the model go into the bucket as instances, each with a key; the model goes into Vertex AI's registry.
The answers come back in any order, and are joined with the rows by their keys.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from mlmagic.backends.google.batch_steps import end_step, run_step
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.endings import ending_of, runs_too_long, translator
from mlmagic.backends.google.models import Registrar
from mlmagic.backends.google.names import attempt_filter, job_labels, output_directory, workspace_label
from mlmagic.backends.google.objects import below, fetch, is_same
from mlmagic.backends.google.refusals import UnavailableError, looking
from mlmagic.backends.google.remote import RemoteJob, RemoteRecord, read_remote, write_remote
from mlmagic.backends.google.states import state_of
from mlmagic.backends.google.uploads import Uploader
from mlmagic.backends.google.vertex_models import ensure_uploaded
from mlmagic.errors import BackendError, MlmagicError, WorkspaceError
from mlmagic.runtime.ending import Ending, quietly, stopped_early
from mlmagic.runtime.inspection import Interrupted
from mlmagic.runtime.predicted import read_predicted
from mlmagic.spec.batch import KEY_FIELD
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.names import parse_model_reference
from mlmagic.workspace.database import Database
from mlmagic.workspace.files import explained, make_folder
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.models import ModelStore

_ANSWERS = ("prediction.results-", "prediction.errors_stats-")
"""How the names of Vertex AI's output files begin; files of errors may be empty."""
MOST_MACHINES = 10
"""What gcloud's batch predictions take at most, if nobody says otherwise."""
_PREDICTED = frozenset({JobState.SUCCEEDED, JobState.PARTIALLY_SUCCEEDED})
"""What Vertex AI could not predict is told row by row."""


class BatchSender:
    """Sends the next attempt of batch predictions that are QUEUED. Only who holds a job's lock may call it."""

    def __init__(self, workspace: Workspace, jobs: JobStore, client: GoogleClient, uploader: Uploader) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._client = client
        self._uploader = uploader
        self._models = ModelStore(Database(workspace))
        self._label = workspace_label(str(workspace.root))

    def find(self, record: JobRecord) -> RemoteRecord | None:
        """See `Sender.find`."""
        folder = self._workspace.job(record.id)
        remote = read_remote(folder)
        if remote is None or remote.attempt != record.attempt + 1:
            return None
        if remote.name is not None:
            return remote
        with looking():
            found = self._client.jobs.batches.list(attempt_filter(record.id, remote.attempt, self._label))
        if found:
            return self._note(folder, remote, found[0])
        age = (datetime.now(UTC) - remote.sent_time).total_seconds()
        return remote if 0 <= age < self._client.settings.settle_seconds else None

    def prepare(self, record: JobRecord) -> Ending | None:
        """Write the instances unless they are there, and return how the job ends if that cannot be done.

        Raises:
            UnavailableError: no answer came.
            Interrupted: the job is to end.
        """
        folder = self._workspace.job(record.id)
        if self.find(record) is not None or folder.batch_prepared.exists():
            return None

        def go_on() -> None:
            if self._jobs.get(record.id).state is not JobState.QUEUED:
                raise Interrupted

        self._uploader.say("writing the rows as instances")
        return run_step(folder, record.spec, "prepare", go_on, self._client.settings.environment)

    def send(self, record: JobRecord) -> RemoteRecord:
        """See `Sender.send`; the instances are there."""
        if (known := self.find(record)) is not None:
            return known
        folder, settings = self._workspace.job(record.id), self._client.settings
        with explained(f"read {folder.batch_prepared}"):
            names = json.loads(folder.batch_prepared.read_bytes())["files"]
        files = {name: folder.batch / name for name in names}
        place = self._uploader.folder(files)
        reference = parse_model_reference(record.spec.args[record.spec.args.index("--model") + 1])
        version = self._models.resolve(reference)
        model = ensure_uploaded(self._client, self._workspace, version, uploader=self._uploader)
        before = read_remote(folder)
        earlier = () if before is None else (*before.earlier, *filter(None, [before.name]))
        remote = RemoteRecord(
            attempt=record.attempt + 1,
            project=settings.project,
            region=settings.region,
            sent_time=datetime.now(UTC),
            earlier=earlier,
            output=output_directory(settings.bucket, record.id),
        )
        write_remote(folder, remote)
        try:
            job = self._client.jobs.batches.create(
                self._message(record, remote, model, [f"{place}{name}" for name in files])
            )
        except UnavailableError:
            if (adopted := self.find(record)) is not None and adopted.name is not None:
                return adopted
            raise
        return self._note(folder, remote, job)

    def _message(self, record: JobRecord, remote: RemoteRecord, model: str, uris: list[str]) -> dict[str, Any]:
        settings, spec = self._client.settings, record.spec
        account = spec.vertex.service_account or settings.service_account
        return {
            "display_name": record.id,
            "model": model,
            "input_config": {"instances_format": "jsonl", "gcs_source": {"uris": uris}},
            "instance_config": {"instance_type": "object", "key_field": KEY_FIELD},
            "output_config": {
                "predictions_format": "jsonl",
                "gcs_destination": {"output_uri_prefix": _answers_place(remote)},
            },
            "dedicated_resources": {
                "machine_spec": {"machine_type": spec.resources.worker_pools[0].machine_type},
                "starting_replica_count": 1,
                "max_replica_count": min(len(uris), MOST_MACHINES),
            },
            "labels": job_labels(record.id, remote.attempt, self._label, dict(spec.labels)),
            **({} if account is None else {"service_account": account}),
        }

    def _note(self, folder: JobFolder, remote: RemoteRecord, job: RemoteJob) -> RemoteRecord:
        noted = dataclasses.replace(remote, name=job.name, state=job.state)
        write_remote(folder, noted)
        return noted


class BatchCollector:
    """Brings answers here. Only who holds a job's lock may call it for that job."""

    def __init__(self, workspace: Workspace, jobs: JobStore, client: GoogleClient) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._client = client

    def watch(self, record: JobRecord, job: RemoteJob) -> None:
        """End a job that runs longer than it may; of batch predictions Vertex AI takes no timeout."""
        if runs_too_long(record, job):
            self._client.jobs.batches.cancel(job.name)

    def ending(
        self, record: JobRecord, remote: RemoteRecord, job: RemoteJob, has_time: Callable[[], bool] | None
    ) -> Ending | None:
        """Return how a job ends that is over on Vertex AI; None as long as its output is not written.

        Args:
            record: as it was until now.
            remote: of its attempt.
            job: in one of Vertex AI's final states.
            has_time: says whether this process has time to write it, asked again and again; None if others do.
        """
        ending = self._ending(record, remote, job, has_time)
        if ending is not None:
            self.clear(record)
        return ending

    def clear(self, record: JobRecord) -> None:
        """Remove what was only needed to write the output."""
        folder = self._workspace.job(record.id)
        with suppress(WorkspaceError):
            end_step(folder)
        quietly(lambda: shutil.rmtree(folder.batch, ignore_errors=True))

    def _ending(
        self, record: JobRecord, remote: RemoteRecord, job: RemoteJob, has_time: Callable[[], bool] | None
    ) -> Ending | None:
        if state_of(job.state) not in _PREDICTED:
            return ending_of(record, job, self._workspace.job(record.id), translator(self._jobs, record.id))
        return self.collect(record, has_time, (f"{_answers_place(remote)}/", _ANSWERS))

    def collect(
        self, record: JobRecord, has_time: Callable[[], bool] | None, answers: tuple[str, tuple[str, ...]]
    ) -> Ending | None:
        """Write the output of a job that has predicted, and return how it ends with that.

        Args:
            record: as it was until now.
            has_time: as of `ending`.
            answers: the folder of the bucket, `gs://…/`, and how the names of the files in it begin that are needed.
        """
        folder, registrar = self._workspace.job(record.id), Registrar(self._workspace, self._jobs, self._client)
        if folder.predictions.exists():
            return read_predicted(folder)
        if record.state is JobState.CANCELLING:
            return _cancelled(record)
        if has_time is None:
            return None

        def go_on() -> None:
            if not has_time() or self._jobs.get(record.id).state is JobState.CANCELLING:
                raise Interrupted

        try:
            registrar.say(record, "fetching the predictions")
            self._fetch(folder, answers, go_on)
            wrong = run_step(folder, record.spec, "finish", go_on, self._client.settings.environment)
            return wrong or read_predicted(folder)
        except Interrupted:
            now = self._jobs.get(record.id)
            return _cancelled(now) if now.state is JobState.CANCELLING else None
        except MlmagicError as error:
            registrar.say(record, f"its predictions could not be fetched yet: {error.message}")
            return None

    def _fetch(self, folder: JobFolder, answers: tuple[str, tuple[str, ...]], go_on: Callable[[], None]) -> None:
        place, names = answers
        found = {
            path: stored
            for path, stored in below(self._client, place).items()
            if path.rpartition("/")[2].startswith(names)
        }
        if not found:
            raise BackendError(f"Google Cloud has predicted, but there are no files of it in {place}.")
        with explained(f"write the answers of job {folder.id}"):
            make_folder(folder.batch_answers)
            for path, stored in found.items():
                target = folder.batch_answers / path.rpartition("/")[2]
                if not is_same(self._client, stored, target):
                    fetch(self._client, stored, target, beside=folder.fetched, go_on=go_on)


def _cancelled(record: JobRecord) -> Ending:
    if record.stop_reason is not None:
        return stopped_early(record.stop_reason, None)
    return Ending(state=JobState.CANCELLED, message="cancelled before its predictions were written")


def _answers_place(remote: RemoteRecord) -> str:
    return f"{remote.output}/predictions/{remote.attempt}"
