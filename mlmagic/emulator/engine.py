"""The local engine below the emulator: runs the jobs that the API has written down, as jobs of a workspace.

A job's name in the engine is made of the API's number for it, so that each finds the other whatever was killed: the API
writes its document first, and starting a job of a name twice makes one.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.emulator.container.machine import PREEMPTION
from mlmagic.emulator.container.task import ENTRIES, FILE_NAME, PREEMPTED, ContainerJob
from mlmagic.emulator.errors import ApiError
from mlmagic.errors import ConflictError, MlmagicError, NotFoundError, UsageError
from mlmagic.source.digest import digest_of
from mlmagic.spec import codec
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, PackageReference, ReplicaRole
from mlmagic.spec.names import trial_job_id
from mlmagic.spec.package import CellShape, TrainerPackage
from mlmagic.spec.resources import Resources, WorkerPool
from mlmagic.spec.study import StudySpec, Trial
from mlmagic.spec.tiers import CUSTOM
from mlmagic.spec.usage import Usage
from mlmagic.workspace.files import make_folder
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.studies import read_trials

CONTAINER_MODULE = "mlmagic.emulator.container.run"
POOLS: Mapping[ReplicaRole, str] = {role: f"workerpool{number}" for number, role in enumerate(ReplicaRole)}
"""What Vertex AI calls the replicas of a role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the engine is to run for a resource of the API."""

    name: str
    """Its name in the engine, of which there is one job."""
    containers: ContainerJob
    pools: tuple[WorkerPool, ...]
    timeout_seconds: float | None = None
    study: StudySpec | None = None


class Engine:
    """Jobs by the names that the API gives them."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._workspace = Workspace(folder)
        self._backend = LocalBackend(self._workspace)
        self._ids: dict[str, str] = {}
        self._starting = threading.Lock()

    def start(self, work: Work) -> None:
        """Start a job, if there is none of that name.

        Raises:
            ApiError: this machine is too small for it, or its disk is full.
        """
        with self._starting, refusals():
            if self.find(work.name) is None:
                self._ids[work.name] = self._backend.submit(_job_spec(work), _package(work)).id

    def find(self, name: str) -> JobRecord | None:
        """Return the job of that name as it is now; None if the engine has none."""
        job_id = self._ids.get(name)
        if job_id is None:
            found = self._backend.list(display_name=name, limit=1)
            if not found:
                return None
            job_id = self._ids[name] = found[0].id
        try:
            return self._backend.get(job_id)
        except NotFoundError:
            self._ids.pop(name, None)
            return None

    def cancel(self, name: str) -> None:
        """Ask a job to end."""
        if record := self.find(name):
            self._backend.cancel(record.id)

    def delete(self, name: str) -> None:
        """Forget a job that has ended; what it wrote to Cloud Storage stays."""
        if record := self.find(name):
            with contextlib.suppress(ConflictError, NotFoundError):
                self._backend.delete(record.id)

    def preemptible(self, name: str, *, all_replicas: bool) -> tuple[int, ...]:
        """Return the processes that play the machine of a running job's chief, or those of all replicas."""
        record = self.find(name)
        if record is None:
            return ()
        logs, found = self._workspace.job(record.id).logs, []
        for replica in self._backend.replicas(record.id):
            is_meant = all_replicas or replica.role is ReplicaRole.CHIEF
            # Before it has its file, the signal would be the end of it.
            is_ready = (logs / f"{POOLS[replica.role]}-{replica.index}{ENTRIES}").exists()
            if is_meant and is_ready and replica.end_time is None:
                found.append(replica.pid)
        return tuple(found)

    @staticmethod
    def preempt(processes: Iterable[int]) -> None:
        """Take the machines away that these processes play."""
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, PREEMPTION)

    def was_preempted(self, record: JobRecord) -> bool:
        """Say whether a container ended with its machine."""
        return any(self._workspace.job(record.id).logs.glob(f"*{PREEMPTED}"))

    def trials(self, record: JobRecord) -> tuple[Trial, ...]:
        """Return the trials of a tuning job as far as it has come."""
        return read_trials(self._workspace.job(record.id))

    def trial_record(self, record: JobRecord, number: int) -> JobRecord | None:
        """Return the job of a trial, once it was made."""
        try:
            return self._backend.get(trial_job_id(record.id, number))
        except NotFoundError:
            return None

    def folder(self, record: JobRecord) -> JobFolder:
        """Return the job's folder."""
        return self._workspace.job(record.id)

    def usage(self, record: JobRecord) -> Usage:
        """Return what the job's replicas took of this machine."""
        return self._backend.usage(record.id)


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Turn what the engine refuses into what the API answers."""
    try:
        yield
    except UsageError as error:
        # As the real one answers to what no quota allows.
        message = f"{error.message} {'; '.join(error.problems)}".strip()
        raise ApiError(status="RESOURCE_EXHAUSTED", message=message) from error
    except MlmagicError as error:
        raise ApiError(status="UNAVAILABLE", message=str(error)) from error


def _package(work: Work) -> TrainerPackage:
    files = {FILE_NAME: codec.dumps(work.containers).encode()}
    return TrainerPackage(shape=CellShape.GIVEN, module=CONTAINER_MODULE, files=files, digest=digest_of(files))


def _job_spec(work: Work) -> JobSpec:
    return JobSpec(
        display_name=work.name,
        kind=JobKind.TRAINING if work.study is None else JobKind.TUNING,
        package=PackageReference(digest=_package(work).digest, module=CONTAINER_MODULE),
        resources=Resources(scale_tier=CUSTOM, worker_pools=work.pools, is_exact=True),
        timeout_seconds=work.timeout_seconds,
        study=work.study,
        # The container starts the user's program itself.
        fresh=True,
        working_directory=work.containers.root,
    )
