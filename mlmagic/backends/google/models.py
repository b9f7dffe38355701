"""The version of a model that a job in Google Cloud leaves here: made once, whoever is killed in between."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.outputs import RemoteModel, fetch_model, find_model
from mlmagic.backends.google.remote import RemoteRecord
from mlmagic.errors import ConflictError, MlmagicError
from mlmagic.runtime.ending import LOG_PREFIX, Ending, append_to_log, failed, quietly, stopped_early
from mlmagic.runtime.inspection import Interrupted
from mlmagic.runtime.registration import register_model, version_line
from mlmagic.spec.job import UNFINISHED, JobKind, JobRecord, JobState
from mlmagic.workspace.database import Database
from mlmagic.workspace.datasets import DatasetStore
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

_LOOK_SECONDS = 0.1


def makes_version(record: JobRecord) -> bool:
    """Say whether a job is to leave a model's version when it succeeds."""
    spec = record.spec
    return spec.kind is JobKind.TRAINING and spec.model is not None and spec.parent is None


class Registrar:
    """Makes versions of what jobs exported. Only who holds a job's lock may call it for that job."""

    def __init__(self, workspace: Workspace, jobs: JobStore, client: GoogleClient) -> None:
        database = Database(workspace)
        self._workspace = workspace
        self._jobs = jobs
        self._client = client
        self._models = ModelStore(database)
        self._datasets = DatasetStore(database)

    def made(self, record: JobRecord) -> Ending | None:
        """Return how a job ends that needs nothing more of the bucket: its version is there, or is not wanted."""
        model = record.spec.model or ""
        if (version := self._models.adopt(model, record.id)) is not None:
            if record.spec.set_default:
                self._models.set_default(model, version.number)
            line = version_line(model, version.number, self._models.get(model).aliases.get("default"))
            return Ending(state=JobState.SUCCEEDED, exit_code=0, model_version=str(version), message=line)
        if record.state is not JobState.CANCELLING:
            return None
        if record.stop_reason is not None:
            return stopped_early(record.stop_reason, 0)
        return Ending(state=JobState.CANCELLED, exit_code=0, message="cancelled before its model became a version")

    def make(self, record: JobRecord, remote: RemoteRecord, wants: Callable[[], bool]) -> Ending | None:
        """Fetch the model, make a version of it, and return how the job ends with that.

        Args:
            record: of a job whose program succeeded.
            remote: of its attempt.
            wants: says whether this process has time for it; asked again and again.

        Returns:
            None if the process has no more time.

        Raises:
            MlmagicError: the model cannot be fetched; another time it may.
        """
        try:
            return self._make(record, remote, self.while_wanted(record, wants))
        except Interrupted:
            return self.made(self._jobs.get(record.id))

    def say(self, record: JobRecord, message: str) -> None:
        """Let the record tell what is being done."""
        record = self._jobs.get(record.id)
        if record.message != message:
            with suppress(ConflictError):
                self._jobs.advance(
                    record.id,
                    expect={record.state} & UNFINISHED,
                    to=record.state,
                    now=datetime.now(UTC),
                    message=message,
                )

    def while_wanted(self, record: JobRecord, wants: Callable[[], bool]) -> Callable[[], None]:
        """Return what raises `Interrupted` as soon as there is no more time, or the job is to end."""

        def go_on() -> None:
            if not wants() or self._jobs.get(record.id).state is JobState.CANCELLING:
                raise Interrupted

        return go_on

    def fetch(self, record: JobRecord, remote: RemoteRecord, what: str, go_on: Callable[[], None]) -> RemoteModel:
        """Bring the model or the dataset that a job wrote into its folder, and say so; no files if there is none.

        Raises:
            Interrupted: as `go_on` did.
            MlmagicError: it cannot be fetched; another time it may.
        """
        folder = self._workspace.job(record.id)
        found = find_model(self._client, folder, remote)
        if found.files:
            self.say(record, f"fetching the {what}: {found} from {found.place}")
            fetch_model(self._client, folder, found, go_on)
            line = f"{LOG_PREFIX}fetched the {what}: {found} from {found.place}"
            quietly(lambda: append_to_log(folder.log(), [line]))
        return found

    def _make(self, record: JobRecord, remote: RemoteRecord, go_on: Callable[[], None]) -> Ending:
        folder = self._workspace.job(record.id)
        model = self.fetch(record, remote, "model", go_on)
        self.say(record, "registering the model")
        try:
            return register_model(
                record.id,
                record.spec,
                folder.model_dir,
                package_dir=folder.package,
                tensorboard_dir=folder.tensorboard_dir,
                models=self._models,
                datasets=self._datasets,
                # A signature is read on the processor: a GPU of this machine is for its own jobs.
                environment={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
                wait=lambda process, seconds: _wait(process, seconds, go_on),
                now=lambda: datetime.now(UTC),
            )
        except (MlmagicError, OSError) as error:
            return failed(
                f"the program succeeded, but its model could not be registered: {error}",
                exit_code=0,
                hint=f"What the program wrote is in {model.place}.",
            )


def _wait(process: subprocess.Popen[bytes], seconds: float, go_on: Callable[[], None]) -> int | None:
    deadline = time.monotonic() + seconds
    while (status := process.poll()) is None and time.monotonic() < deadline:
        go_on()
        time.sleep(_LOOK_SECONDS)
    return status
