"""One attempt of one job, from the claim to the exit record. A process of its own that nothing else needs to outlive.

Order matters, for it may be killed at any point: claim, user code, log's last lines, version, `exit.json`, row. Readers
who find the row unfinished and this process gone make up the rest (`backends.local.reconcile`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from mlmagic.errors import ConflictError, MlmagicError, WorkspaceError
from mlmagic.runtime.contract import ProgramPlace, free_port, program_environment
from mlmagic.runtime.diagnosis import diagnose, find_traceback
from mlmagic.runtime.ending import (
    REMOVED,
    Ending,
    append_to_log,
    cannot_start,
    failed,
    log_lines,
    quietly,
    read_tail,
    timed_out,
)
from mlmagic.runtime.inspection import Interrupted
from mlmagic.runtime.members import end_leftovers
from mlmagic.runtime.program import Launcher, Program, ReplicaProgram
from mlmagic.runtime.registration import register_model
from mlmagic.runtime.reserve import Reserve, disk_is_full
from mlmagic.runtime.watch import Watch
from mlmagic.spec.codec import dumps
from mlmagic.spec.job import UNFINISHED, ExitRecord, JobSpec, JobState, fields_of
from mlmagic.workspace.database import Database
from mlmagic.workspace.files import make_folder, write_atomic
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.models import ModelStore
from mlmagic.workspace.processes import ProcessIdentity

GRACE_SECONDS = 10.0
"""How long a program may take over SIGTERM before SIGKILL."""
LEFTOVER_GRACE_SECONDS = 2.0
"""The same for what a program leaves running when it ends."""
PAUSES = (0.1, 1.0, 3.0)
"""Before another try to write what could not be written."""
POLL_SECONDS = 1.0
"""How often the row is read for a cancel whose signal was lost."""


class Supervisor:
    """Runs one job. `run` returns when the job is final, or at once if another supervisor has it."""

    def __init__(
        self,
        folder: JobFolder,
        watch: Watch,
        *,
        launcher: Launcher,
        environment: Mapping[str, str],
        grace: float = GRACE_SECONDS,
    ) -> None:
        database = Database(folder.workspace)
        self._folder = folder
        self._jobs = JobStore(database)
        self._models = ModelStore(database)
        self._watch = watch
        self._launcher = launcher
        self._outer = environment
        self._grace = grace
        self._reserve = Reserve(folder.exit_reserve)
        self._raw_traceback: str | None = None
        self._start_time: datetime | None = None
        self._attempt = 0

    def run(self) -> None:
        """Claim the job, run it, and record how it ended."""
        attempt = self._claim()
        if attempt is None:
            return
        self._attempt = attempt
        self._reserve.take()
        try:
            ending = self._supervise(self._jobs.get(self._folder.id).spec)
        except Exception as error:  # noqa: BLE001 - whatever it is, the job must not stay RUNNING for ever
            traceback.print_exc()
            ending = self._own_failure(error)
        # Nothing of the job is left, whatever became of it: not even the children of the reader of signatures.
        end_leftovers(self._folder.id)
        self._finish(ending)

    def _claim(self) -> int | None:
        for pause in PAUSES:
            # A database that is locked or was just rebuilt: nobody may be there to start another supervisor.
            with contextlib.suppress(WorkspaceError):
                return self._jobs.claim(self._folder.id, ProcessIdentity.current(), now=_now())
            time.sleep(pause)
        return self._jobs.claim(self._folder.id, ProcessIdentity.current(), now=_now())

    def _supervise(self, spec: JobSpec) -> Ending:
        for path in (
            self._folder.logs,
            self._folder.model_dir,
            self._folder.checkpoint_dir,
            self._folder.tensorboard_dir,
        ):
            make_folder(path)
        environment = program_environment(self._place(), self._outer, free_port())
        replica = ReplicaProgram(
            python=spec.python,
            module=spec.package.module,
            args=spec.args,
            environment=environment,
            cwd=Path(spec.working_directory or self._folder.root),
            log=self._folder.log(),
            package_dir=self._folder.package,
        )
        if self._is_cancelled():
            return Ending(state=JobState.CANCELLED, message="cancelled before it began")
        try:
            program = self._launcher.start(replica)
        except OSError as error:
            return cannot_start(error, replica.command, replica.cwd)
        self._start_time = _now()
        self._advance(JobState.PENDING, JobState.RUNNING, start_time=self._start_time)
        ending = self._wait_for(program, spec.timeout_seconds)
        self._reserve.give_back()
        if ending.state is JobState.SUCCEEDED:
            return self._register(spec, environment)
        return ending

    def _place(self) -> ProgramPlace:
        return ProgramPlace(
            job_id=self._folder.id,
            package_dir=self._folder.package,
            model_dir=self._folder.model_dir,
            checkpoint_dir=self._folder.checkpoint_dir,
            tensorboard_dir=self._folder.tensorboard_dir,
            metric_file=self._folder.tuning_metrics,
        )

    def _wait_for(self, program: Program, timeout: float | None) -> Ending:
        status = self._wait(program.poll, timeout)
        if status is None:
            cancelled = self._is_cancelled()
            status = self._end(program)
            if cancelled:
                return Ending(state=JobState.CANCELLED, exit_code=status, message=self._why_cancelled())
            return timed_out(timeout, status)
        full = disk_is_full(self._folder.root)
        program.end_group()
        end_leftovers(self._folder.id, grace=LEFTOVER_GRACE_SECONDS)
        if not self._folder.claim(self._attempt).exists():
            return Ending(state=JobState.FAILED, exit_code=status, error=REMOVED, message=REMOVED.message)
        if status == 0:
            return Ending(state=JobState.SUCCEEDED, exit_code=0)
        return self._diagnosed(status, is_full=full)

    def _wait(self, poll: Callable[[], int | None], seconds: float | None) -> int | None:
        """Return the status, or None if the time is up or the job was cancelled before."""
        deadline = time.monotonic() + (float("inf") if seconds is None else seconds)
        while (status := poll()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or self._is_cancelled():
                return None
            self._watch.sleep(min(POLL_SECONDS, left))
        return status

    def _end(self, program: Program) -> int:
        deadline = time.monotonic() + self._grace
        program.signal_group(signal.SIGTERM)
        while (status := program.poll()) is None and (left := deadline - time.monotonic()) > 0:
            self._watch.sleep(left)
        if status is None:
            status = program.kill()
        program.end_group()
        end_leftovers(self._folder.id, grace=min(LEFTOVER_GRACE_SECONDS, max(0.0, deadline - time.monotonic())))
        return status

    def _diagnosed(self, status: int, *, is_full: bool) -> Ending:
        tail = read_tail(self._folder.log())
        self._raw_traceback = find_traceback(tail)
        error = diagnose(status, tail, translate=self._translate, disk_is_full=is_full)
        return Ending(state=JobState.FAILED, exit_code=status, error=error, message=error.message)

    def _translate(self, raw: str) -> str:
        from mlmagic.source.sourcemap import translate

        source_map = self._jobs.source_map(self._folder.id)
        if source_map is None:
            return raw
        try:
            sources = self._jobs.sources(self._folder.id)
            return translate(raw, source_map, sources, folder=str(self._folder.package))
        except Exception:  # noqa: BLE001 - a traceback that cannot be improved is still a traceback
            traceback.print_exc()
            return raw

    def _register(self, spec: JobSpec, environment: dict[str, str]) -> Ending:
        if spec.model is not None:
            self._advance(JobState.RUNNING, JobState.RUNNING, message="registering the model")
        try:
            return register_model(
                self._folder.id,
                spec,
                self._folder.model_dir,
                models=self._models,
                environment=environment,
                wait=self._wait_for_inspection,
                now=_now,
            )
        except Interrupted:
            return Ending(state=JobState.CANCELLED, exit_code=0, message="cancelled before its model became a version")
        except (MlmagicError, OSError) as error:
            traceback.print_exc()
            where = f"What the program wrote is in {self._folder.model_dir}."
            return failed(
                f"the program succeeded, but its model could not be registered: {error}", exit_code=0, hint=where
            )

    def _wait_for_inspection(self, process: subprocess.Popen[bytes], seconds: float) -> int | None:
        status = self._wait(process.poll, seconds)
        if self._is_cancelled():
            raise Interrupted
        return status

    def _is_cancelled(self) -> bool:
        if self._watch.told_to_end:
            return True
        with contextlib.suppress(MlmagicError, OSError):
            return self._jobs.get(self._folder.id).state is JobState.CANCELLING
        return False

    def _why_cancelled(self) -> str:
        with contextlib.suppress(MlmagicError, OSError):
            if self._jobs.get(self._folder.id).state is not JobState.CANCELLING:
                return "nobody cancelled it: its supervisor got SIGTERM, as when the machine shuts down"
        return "cancelled"

    def _advance(self, expect: JobState, to: JobState, **fields: object) -> None:
        # A cancel may have come in between, and a full disk is the program's to report: neither ends the attempt here.
        with contextlib.suppress(ConflictError, WorkspaceError):
            self._jobs.advance(self._folder.id, expect={expect}, to=to, now=_now(), **fields)

    def _own_failure(self, error: Exception) -> Ending:
        if disk_is_full(self._folder.root):
            return failed(f"the disk is full: {error}", hint="Free some space and run it again.")
        return failed(f"mlmagic's supervisor failed: {type(error).__name__}: {error}", hint=f"See {self._folder.root}.")

    def _finish(self, ending: Ending) -> None:
        self._reserve.give_back()
        lines = log_lines(ending, self._raw_traceback)
        quietly(lambda: append_to_log(self._folder.log(), lines))
        record = self._exit_record(ending)
        quietly(lambda: write_atomic(self._folder.exit, dumps(record)))
        for pause in (*PAUSES, None):
            try:
                self._jobs.advance(self._folder.id, expect=UNFINISHED, to=ending.state, now=_now(), **fields_of(record))
            except ConflictError:
                return
            except (MlmagicError, OSError):
                traceback.print_exc()
                if pause is None:
                    return
                time.sleep(pause)
            else:
                return

    def _exit_record(self, ending: Ending) -> ExitRecord:
        return ExitRecord(
            attempt=self._attempt,
            state=ending.state,
            exit_code=ending.exit_code,
            start_time=self._start_time,
            # A clock may be set back.
            end_time=max(_now(), self._start_time or _now()),
            error=ending.error,
            model_version=ending.model_version,
            message=ending.message,
        )


def _now() -> datetime:
    return datetime.now(UTC)


def supervise(folder: JobFolder, *, launcher: Launcher, environment: Mapping[str, str] | None) -> None:
    """Claim a job's next attempt and run it to its end; return at once if another process has it.

    Called in the main thread of a process that is the leader of its session, and that logs to where mlmagic's own
    complaints belong. `environment` is what the job was submitted with; None says that it was lost: this process's
    stands in for it.
    """
    with Watch() as watch:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        given = os.environ if environment is None else environment
        Supervisor(folder, watch, launcher=launcher, environment=given).run()
