"""The backend of Google Cloud: jobs as custom jobs of Vertex AI, their records in the workspace like all others."""

from __future__ import annotations

import dataclasses
import platform
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.backends.base import LogChunk, Summaries, check_owner
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.dataflow_files import BucketFiles, delete_files, find_files
from mlmagic.backends.google.dataflow_seen import seen_files
from mlmagic.backends.google.dataflow_words import check_pipeline, runs_on_dataflow
from mlmagic.backends.google.environments import check_image, image_for
from mlmagic.backends.google.following import Follower
from mlmagic.backends.google.logs import fetch_logs
from mlmagic.backends.google.names import output_directory
from mlmagic.backends.google.project_jobs import project_jobs
from mlmagic.backends.google.refusals import LoggedOutError, UnavailableError
from mlmagic.backends.google.remote import RemoteRecord, held, read_remote
from mlmagic.backends.google.replicas import replicas_of
from mlmagic.backends.google.settings import GoogleSettings, emulator_settings, read_settings
from mlmagic.backends.google.studies import study_of
from mlmagic.backends.google.study_spec import study_note
from mlmagic.backends.google.submission import check_reporting, check_submission
from mlmagic.backends.google.waiting import why_queued
from mlmagic.backends.google.watcher import Watcher
from mlmagic.errors import BackendError, ConflictError, MlmagicError, NotFoundError, UsageError
from mlmagic.spec.job import UNFINISHED, JobKind, JobRecord, JobSpec, JobState, Placement
from mlmagic.spec.project_jobs import ProjectJobs
from mlmagic.spec.usage import Usage
from mlmagic.workspace.cloud_trouble import read_trouble, write_trouble
from mlmagic.workspace.database import Database
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

if TYPE_CHECKING:
    from mlmagic.filters.sort import SortKey
    from mlmagic.filters.tree import Filter
    from mlmagic.spec.dataset import DatasetVersion
    from mlmagic.spec.job import Replica
    from mlmagic.spec.package import TrainerPackage
    from mlmagic.spec.report import StateChange

_LOGGED = frozenset({JobState.RUNNING, JobState.CANCELLING})


class GoogleBackend:
    """Jobs on Vertex AI, or on the emulator of it. What happens to them is told by Google, whoever asks."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        name: str = "google",
        config: Mapping[str, str] | None = None,
        client: GoogleClient | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Make a backend; Google is not asked for anything, and nothing of it is imported.

        Args:
            workspace: where the records are.
            name: `google` or `emulator`.
            config: what `read_settings` takes; of the emulator, `emulator_root`.
            client: in place of the one that the settings give.
            tell: says to whoever submits a job what is done before it can be sent.
        """
        database = Database(workspace)
        self.name = name
        self._config = config or {}
        self._workspace = workspace
        self._jobs = JobStore(database)
        self._events = EventLog(database)
        self._client = client
        self._tell = tell
        self._is_own_client = client is None
        self._lock = threading.RLock()
        self._looked: dict[str, float] = {}
        self._trouble: dict[str, str] = {}
        self._watcher = Watcher(workspace, self._jobs, name, self._connect, self._fetch)

    def place(self, spec: JobSpec) -> JobSpec:
        """See `Backend.place`."""
        check_submission(spec)
        settings = self._settings()
        if runs_on_dataflow(spec):
            check_pipeline(spec, settings)
            # The program that looks at the input and asks Dataflow for the job runs here, whoever looks after the job.
            spec = dataclasses.replace(spec, python=spec.python or sys.executable)
        note = None if spec.study is None else study_note(spec.study)
        placement = Placement(replicas=spec.resources.replicas, cores=0, memory_bytes=0, note=note)
        return dataclasses.replace(spec, backend=self.name, environment=None, placement=placement)

    def prepare(self, spec: JobSpec) -> None:
        """See `Backend.prepare`."""
        del spec  # All jobs need the same of this process.
        with suppress(MlmagicError):
            self._connect()[0].warm()

    def submit(self, spec: JobSpec, package: TrainerPackage) -> JobRecord:
        """See `Backend.submit`. Without an answer from Google the job stays QUEUED, and is sent once there is one."""
        placed = self.place(spec)
        python = platform.python_version()
        if not runs_on_dataflow(placed) and placed.kind is not JobKind.BATCH_PREDICTION:
            check_image(image_for(placed, self._settings().image, python=python), placed, package, python=python)
        check_reporting(placed, package)
        record = self._jobs.create(
            placed, package_files=package.files, source_map=package.source_map, now=datetime.now(UTC)
        )
        self._check(record, wait=True, tell=self._tell)
        self._watcher.wake()
        return record

    def get(self, job_id: str) -> JobRecord:
        """See `Backend.get`. While Google does not answer, it is what was last heard."""
        record = self._jobs.get(job_id)
        what = record.spec.parent or job_id
        if self._is_ours(record) and not record.state.is_final and self._may_look(what):
            try:
                record = self._check(record)
            except MlmagicError:
                with self._lock:
                    self._looked.pop(what, None)  # whoever asks next is told as well
                raise
            if read_trouble(self._workspace, self.name) is not None:
                self._watcher.wake()  # it finds out whether that is over
            elif not record.state.is_final:
                self._watcher.attend(job_id)  # it fetches what takes long
        return record

    def list(
        self,
        *,
        limit: int | None = None,
        display_name: str | None = None,
        states: Collection[JobState] | None = None,
        where: Filter | None = None,
        sort_by: Sequence[SortKey] = (),
        trials: bool = False,
    ) -> Summaries:
        """See `Backend.list`. While Google does not answer, it is what was last heard."""
        from mlmagic.filters.sort import order
        from mlmagic.filters.sql import condition
        from mlmagic.filters.tree import about_trials

        if self._may_look(""):
            with suppress(BackendError):
                self._watcher.look()
            self.tend()
        return self._jobs.list(
            limit=limit,
            display_name=display_name,
            states=states,
            trials=trials or about_trials(where),
            where=None if where is None else condition(where, datetime.now(UTC)),
            order=order(sort_by),
        )

    def tend(self) -> None:
        """See `Backend.tend`."""
        if self._jobs.list(states=UNFINISHED, backend=self.name, limit=1):
            self._watcher.wake()

    def resolve(self, reference: str) -> str:
        """See `Backend.resolve`."""
        return self._jobs.resolve(reference)

    def cancel(self, job_id: str) -> JobRecord:
        """See `Backend.cancel`."""
        record = self._end_early(self._fresh(job_id))
        if record.spec.study is not None:
            return record  # Vertex AI ends its trials
        for trial in self._jobs.list(parent=job_id, states=UNFINISHED):
            with suppress(NotFoundError):
                self._end_early(self._fresh(trial.id))
        return record

    def stop(self, job_id: str, reason: str) -> JobRecord:
        """See `Backend.stop`."""
        return self._end_early(self._fresh(job_id), reason)

    def delete(self, job_id: str) -> None:
        """See `Backend.delete`. In the bucket, the models that its jobs exported stay."""
        self._fresh(job_id)
        doomed = [job_id, *(trial.id for trial in self._jobs.list(parent=job_id))]
        kept = [(one, read_remote(self._workspace.job(one))) for one in doomed]
        if any(remote is not None for _, remote in kept):
            self._settings()  # without them, what is in the cloud would be forgotten and stay
        self._jobs.check_deletable(job_id)
        # Refused or not answered, it stays in the list: what runs or lies there may cost.
        for one, remote in kept:
            if remote is not None:
                self._delete_remote(one, remote)
        self._jobs.delete(job_id)

    def package(self, job_id: str) -> TrainerPackage:
        """See `Backend.package`."""
        from mlmagic.backends.kept import kept_package

        record = self._jobs.get(job_id)
        return kept_package(self._workspace.job(job_id), record, self._jobs.source_map(job_id))

    def changes(self, job_id: str) -> tuple[StateChange, ...]:
        """See `Backend.changes`."""
        from mlmagic.backends.kept import state_changes

        return state_changes(self.get(job_id), self._events.state_changes(job_id))

    def replicas(self, job_id: str) -> tuple[Replica, ...]:
        """See `Backend.replicas`."""
        return replicas_of(self.get(job_id), read_remote(self._workspace.job(job_id)))

    def usage(self, job_id: str) -> Usage:
        """See `Backend.usage`. While Google does not answer, there is none."""
        from mlmagic.backends.google.usage import read_usage

        record = self.get(job_id)
        remote = read_remote(self._workspace.job(job_id))
        is_program = not runs_on_dataflow(record.spec) and record.spec.kind is not JobKind.BATCH_PREDICTION
        is_measured = record.spec.study is None and is_program
        if remote is not None and is_measured and self._is_ours(record):
            with suppress(UnavailableError):
                return read_usage(self._connect()[0], record, remote)
        return Usage()

    def waiting_for(self, job_id: str) -> str | None:
        """See `Backend.waiting_for`."""
        if self.get(job_id).state is not JobState.QUEUED:
            return None
        return why_queued(self._workspace.job(job_id), self._trouble.get(job_id))

    def logs(self, job_id: str, *, offset: int = 0, role: str = "chief", index: int = 0) -> LogChunk:
        """See `Backend.logs`."""
        from mlmagic.backends.log_files import read_log

        # The state first: what is read after a job's end is all that there is.
        record = self.get(job_id)
        # The logs of studies and of Vertex AI's batch predictions are our own.
        is_ours = record.spec.kind is JobKind.BATCH_PREDICTION and not runs_on_dataflow(record.spec)
        is_program = record.spec.study is None and not is_ours
        is_told = self._is_ours(record) and is_program
        if is_told and record.state in _LOGGED and self._may_look(f"{job_id} logs"):
            self._fetch(job_id)
        return read_log(
            self._workspace.job(job_id), offset=offset, role=role, index=index, is_final=record.state.is_final
        )

    def project_jobs(self) -> ProjectJobs:
        """Return the newest jobs of project and region that this workspace has not made.

        Raises:
            UsageError: settings are missing.
            MissingDependencyError: Google's libraries are.
        """
        known: set[str] = set()
        for summary in self._jobs.list(backend=self.name):
            remote = read_remote(self._workspace.job(summary.id))
            known.update(() if remote is None else filter(None, (remote.name, *remote.earlier)))
        return project_jobs(self._connect()[0], self.name, known)

    def dataset_files(self, version: DatasetVersion) -> BucketFiles:
        """Return what Dataflow wrote of a dataset into its bucket; errors are those of `find_files`."""
        return find_files(self._connect()[0], version)

    def seen_files(self, words: Sequence[str]) -> str | None:
        """Return a digest of files as they are now; errors are those of `dataflow_seen.seen_files`."""
        return seen_files(self._connect()[0], words, str(Path.cwd()))

    def delete_dataset_files(self, files: BucketFiles) -> None:
        """Remove them; errors are those of `delete_files`."""
        delete_files(self._connect()[0], files)

    def close(self) -> None:
        """End the watch over jobs, which go on; who looks at them next brings their records up to date."""
        self._watcher.close()

    def _fetch(self, job_id: str) -> None:
        folder = self._workspace.job(job_id)
        with held(folder) as is_ours:
            remote = read_remote(folder)
            # The end of a job that is final by now has been read by who wrote that, and our own words are below it.
            if is_ours and remote is not None and remote.name and self._jobs.get(job_id).state in _LOGGED:
                with suppress(UnavailableError):
                    fetch_logs(self._connect()[0], folder, remote)

    def _end_early(self, record: JobRecord, stop_reason: str | None = None) -> JobRecord:
        if not record.state.is_final and (study := study_of(self._jobs, record)) is not None:
            raise UsageError(
                f"{record.id} is a trial of a study on Vertex AI, which alone decides when it ends.",
                hint=f"To end the study with all its trials: %jobs cancel {study.id}",
            )
        while record.state in UNFINISHED and record.state is not JobState.CANCELLING:
            changes: dict[str, Any] = {"stop_reason": stop_reason} if record.state is JobState.RUNNING else {}
            try:
                record = self._jobs.advance(
                    record.id, expect={record.state}, to=JobState.CANCELLING, now=datetime.now(UTC), **changes
                )
            except ConflictError:
                record = self._jobs.get(record.id)
            else:
                record = self._check(record, wait=True)
                self._watcher.wake()
        return record

    def _fresh(self, job_id: str) -> JobRecord:
        record = self._jobs.get(job_id)
        check_owner(record, self.name)
        return self._check(record, wait=True)

    def _check(self, record: JobRecord, *, wait: bool = False, tell: Callable[[str], None] | None = None) -> JobRecord:
        if record.state.is_final:
            return record
        try:
            client, follower = self._connect()
            if tell is not None:
                follower = Follower(self._workspace, self._jobs, client, tell=tell)
            return follower.check(record, wait=wait)
        except LoggedOutError:
            raise
        except UnavailableError as error:
            self._trouble[record.id] = error.message
            write_trouble(self._workspace, self.name, error)
            return self._jobs.get(record.id)

    def _delete_remote(self, job_id: str, remote: RemoteRecord) -> None:
        client = self._connect()[0]
        # A trial goes with its study.
        names = () if remote.trial is not None else (*remote.earlier, *filter(None, [remote.name]))
        for name in names:
            client.jobs.delete_job(name)
        output = remote.output or output_directory(client.settings.bucket, job_id)
        folder = output.removeprefix(f"{client.settings.bucket}/")
        for part in ("checkpoints", "logs", "predictions"):
            client.storage.delete_objects(f"{folder}/{part}/")

    def _is_ours(self, record: JobRecord) -> bool:
        return record.spec.backend == self.name

    def _may_look(self, what: str) -> bool:
        """Say whether it is time to ask Google about something again, and take that for being done."""
        with self._lock:
            now = time.monotonic()
            seconds = self._client.settings.poll_seconds if self._client else 0.0
            if now - self._looked.get(what, float("-inf")) < seconds:
                return False
            self._looked[what] = now
            return True

    def _settings(self) -> GoogleSettings:
        if not self._is_own_client and self._client is not None:
            return self._client.settings
        if self.name == "emulator":
            return emulator_settings(Path(self._config.get("emulator_root") or self._workspace.emulator))
        return read_settings(self._config)

    def _connect(self) -> tuple[GoogleClient, Follower]:
        """Return the client of the settings and the login as they are now: a new emulator has another address."""
        with self._lock:
            settings = self._settings()
            is_old = self._is_own_client and self._client is not None and self._client.is_logged_out
            if self._client is None or self._client.settings != settings or is_old:
                self._client = GoogleClient(settings)
            return self._client, Follower(self._workspace, self._jobs, self._client)
