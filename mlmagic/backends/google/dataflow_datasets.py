"""The dataset that a job on Dataflow leaves: fetched, and made a version once, whoever is killed in between."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.models import Registrar
from mlmagic.backends.google.remote import RemoteRecord
from mlmagic.errors import WorkspaceError
from mlmagic.runtime.ending import Ending, failed
from mlmagic.runtime.inspection import Interrupted
from mlmagic.runtime.preprocessed import made_version
from mlmagic.spec.dataset import DatasetOrigin, InputFile
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.workspace.database import Database
from mlmagic.workspace.dataset_folder import read_inputs
from mlmagic.workspace.datasets import DatasetStore
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import DatasetVersionFolder, JobFolder, Workspace


class DatasetRegistrar:
    """Makes versions of the datasets that pipelines wrote. Only who holds a job's lock may call it for that job."""

    def __init__(self, workspace: Workspace, jobs: JobStore, client: GoogleClient) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._datasets = DatasetStore(Database(workspace))
        self._registrar = Registrar(workspace, jobs, client)

    def made(self, record: JobRecord) -> Ending | None:
        """Return how a job ends that needs nothing more of the bucket: its version is there, or is not wanted."""
        version = self._datasets.adopt(record.spec.dataset or record.spec.display_name, record.id)
        if version is not None:
            return made_version(version, self._datasets.statistics(version).rows)
        if record.state is not JobState.CANCELLING:
            return None
        return Ending(state=JobState.CANCELLED, exit_code=0, message="cancelled before its dataset became a version")

    def make(self, record: JobRecord, remote: RemoteRecord, wants: Callable[[], bool]) -> Ending | None:
        """Fetch the dataset, make a version of it, and return how the job ends with that.

        Args:
            record: of a job whose pipeline succeeded.
            remote: of its attempt.
            wants: says whether this process has time for it; asked again and again.

        Returns:
            None if the process has no more time.

        Raises:
            MlmagicError: the dataset cannot be fetched; another time it may.
        """
        folder, go_on = self._workspace.job(record.id), self._registrar.while_wanted(record, wants)
        try:
            found = self._registrar.fetch(record, remote, "dataset", go_on)
        except Interrupted:
            return self.made(self._jobs.get(record.id))
        if not found.files:
            return failed(f"the pipeline succeeded, but there is no dataset in {found.place}", exit_code=0)
        try:
            version = self._datasets.register(
                record.spec.dataset or record.spec.display_name,
                folder.model_dir,
                origin=self._origin(record, remote, folder, found.place),
                now=datetime.now(UTC),
            )
        except WorkspaceError as error:
            return failed(
                f"the pipeline succeeded, but its dataset could not become a version: {error.message}",
                exit_code=0,
                hint=f"What it wrote is in {found.place}.",
            )
        return made_version(version, self._datasets.statistics(version).rows)

    def _origin(self, record: JobRecord, remote: RemoteRecord, folder: JobFolder, place: str) -> DatasetOrigin:
        cell = folder.cell.read_text(encoding="utf-8") if folder.cell.exists() else None
        inputs = read_inputs(DatasetVersionFolder(folder.model_dir)).inputs
        return DatasetOrigin(
            job_id=record.id,
            package_digest=record.spec.package.digest,
            args=record.spec.args,
            cell=cell,
            inputs=tuple(_as_here(each, remote) for each in inputs),
            location=place.rstrip("/"),
        )


def _as_here(file: InputFile, remote: RemoteRecord) -> InputFile:
    """Return an input under the name that it has on this machine, if it was brought to the bucket from here."""
    return dataclasses.replace(file, path=remote.uploaded.get(file.path, file.path))
