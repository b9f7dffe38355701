"""One attempt of one job, from the claim to the exit record. A process of its own that nothing else needs to outlive.

Order matters, for it may be killed at any point: claim, user code, log's last lines, version, `exit.json`, row. Readers
who find the row unfinished and this process gone make up the rest (`backends.local.reconcile`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import traceback
from collections.abc import Collection, Mapping

from mlmagic.errors import MlmagicError
from mlmagic.runtime.agent_call import read_agent, wake_agent
from mlmagic.runtime.attempt import GRACE_SECONDS, Attempt
from mlmagic.runtime.claim import Claim, now
from mlmagic.runtime.closing import close
from mlmagic.runtime.ending import LOG_PREFIX, Ending, append_to_log, failed, quietly
from mlmagic.runtime.inspection import Interrupted
from mlmagic.runtime.linux import become_subreaper, set_process_name
from mlmagic.runtime.members import Household
from mlmagic.runtime.monitored import read_monitored
from mlmagic.runtime.ports import Ports
from mlmagic.runtime.predicted import read_predicted
from mlmagic.runtime.preprocessed import register_dataset
from mlmagic.runtime.program import Launcher
from mlmagic.runtime.registration import register_model
from mlmagic.runtime.reserve import Reserve, disk_is_full
from mlmagic.runtime.retries import attempt_line
from mlmagic.runtime.tuned import read_tuned
from mlmagic.runtime.watch import Watch
from mlmagic.spec.job import UNFINISHED, JobKind, JobState
from mlmagic.workspace.database import Database
from mlmagic.workspace.datasets import DatasetStore
from mlmagic.workspace.files import make_folder
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.models import ModelStore
from mlmagic.workspace.processes import is_alive
from mlmagic.workspace.runtime_folder import RuntimeFolder


class Supervisor:
    """Runs one attempt of a job. `run` returns when it has ended, or at once if another supervisor has the job."""

    def __init__(
        self,
        folder: JobFolder,
        watch: Watch,
        *,
        launcher: Launcher,
        environment: Mapping[str, str] | None,
        grace: float = GRACE_SECONDS,
    ) -> None:
        database = Database(folder.workspace)
        self._folder = folder
        self._jobs = JobStore(database)
        self._models = ModelStore(database)
        self._datasets = DatasetStore(database)
        self._watch = watch
        self._launcher = launcher
        self._environment = environment
        self._grace = grace
        self._reserve = Reserve(folder.exit_reserve)

    def run(self) -> None:
        """Claim the job, run it, and record how it ended."""
        claim = Claim.take(self._folder, self._jobs, self._watch)
        if claim is None:
            return
        head = os.getpid() if os.getsid(0) == os.getpid() and become_subreaper() else None
        household = Household(job_id=self._folder.id, head=head, neighbours=self._neighbours)
        try:
            with contextlib.closing(Ports(RuntimeFolder.make(self._folder.workspace, os.environ).ports)) as ports:
                ending = self._run(claim, household, ports)
        except Exception as error:  # noqa: BLE001 - whatever it is, the job must not stay RUNNING for ever
            traceback.print_exc()
            ending = self._own_failure(error)
        # Nothing of the job is left, whatever became of it: not even the children of the reader of signatures.
        household.end()
        close(claim, ending, self._reserve)

    def _run(self, claim: Claim, household: Household, ports: Ports) -> Ending:
        self._make_ready(claim)
        attempt = Attempt(
            claim,
            launcher=self._launcher,
            environment=os.environ if self._environment is None else self._environment,
            household=household,
            ports=ports,
            reserve=self._reserve,
            grace=self._grace,
        )
        ending = attempt.run()
        self._reserve.give_back()
        if ending.state is not JobState.SUCCEEDED or ending.is_stopped_early:
            return ending
        match claim.spec.kind:
            case JobKind.BATCH_PREDICTION:
                return read_predicted(self._folder)
            case JobKind.TUNING:
                return read_tuned(self._folder)
            case JobKind.MONITORING:
                return read_monitored(self._folder)
        return self._register(claim, attempt.chief_environment)

    def _make_ready(self, claim: Claim) -> None:
        set_process_name(f"mlm:{claim.spec.display_name}")
        lines = []
        if claim.attempt > 1:
            lines.append(attempt_line(claim.spec, self._folder, claim.attempt))
            _empty(self._folder)
        if self._environment is None:
            lines.append("its environment variables are gone, as after a restart of the machine: it gets mlmagic's own")
        quietly(lambda: append_to_log(self._folder.log(), [f"{LOG_PREFIX}{line}" for line in lines]))

    def _register(self, claim: Claim, environment: Mapping[str, str]) -> Ending:
        is_data = claim.spec.kind is JobKind.PREPROCESSING
        noun, name = ("dataset", claim.spec.dataset) if is_data else ("model", claim.spec.model)
        if name is not None:
            claim.advance(JobState.RUNNING, JobState.RUNNING, message=f"registering the {noun}")
        try:
            return self._register_dataset(claim) if is_data else self._register_model(claim, environment)
        except Interrupted:
            return Ending(
                state=JobState.CANCELLED, exit_code=0, message=f"cancelled before its {noun} became a version"
            )
        except (MlmagicError, OSError) as error:
            traceback.print_exc()
            where = f"What the program wrote is in {self._folder.model_dir}."
            return failed(
                f"the program succeeded, but its {noun} could not be registered: {error}", exit_code=0, hint=where
            )

    def _register_dataset(self, claim: Claim) -> Ending:
        if claim.is_cancelled():
            raise Interrupted
        return register_dataset(self._folder, claim.spec, datasets=self._datasets, now=now)

    def _register_model(self, claim: Claim, environment: Mapping[str, str]) -> Ending:
        def wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
            status = claim.wait(process.poll, seconds)
            if claim.is_cancelled():
                raise Interrupted
            return status

        return register_model(
            self._folder.id,
            claim.spec,
            self._folder.model_dir,
            package_dir=self._folder.package,
            tensorboard_dir=self._folder.tensorboard_dir,
            models=self._models,
            datasets=self._datasets,
            environment=environment,
            wait=wait,
            now=now,
        )

    def _neighbours(self) -> Collection[int]:
        """Return what works for other jobs, which a program of this one may have submitted."""
        others = [job.id for job in self._jobs.list(states=UNFINISHED) if job.id != self._folder.id]
        found = [claim for job_id in others for claim in self._jobs.claims(job_id).values()]
        # The number of one that has ended may be that of a process of this job, or even of this very process.
        return {
            process.pid for process in (read_agent(self._folder.workspace), *found) if process and is_alive(process)
        }

    def _own_failure(self, error: Exception) -> Ending:
        if disk_is_full(self._folder.root):
            return failed(f"the disk is full: {error}", hint="Free some space and run it again.")
        return failed(f"mlmagic's supervisor failed: {type(error).__name__}: {error}", hint=f"See {self._folder.root}.")


def _empty(folder: JobFolder) -> None:
    """Remove what an earlier attempt wrote for a model, and reported; its checkpoints and TensorBoard logs stay."""
    shutil.rmtree(folder.tuning_metrics_dir, ignore_errors=True)
    if folder.model_dir.is_symlink():
        # What it leads to is a version by now, or something of the user's.
        quietly(folder.model_dir.unlink)
        quietly(lambda: make_folder(folder.model_dir))
    for path in folder.model_dir.iterdir() if folder.model_dir.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            quietly(path.unlink)


def supervise(folder: JobFolder, *, launcher: Launcher, environment: Mapping[str, str] | None) -> None:
    """Claim a job's next attempt and run it to its end; return at once if another process has it.

    Called in the main thread of a process that is the leader of its session, and that logs to where mlmagic's own
    complaints belong. `environment` is what the job was submitted with; None says that it was lost: this process's
    stands in for it.
    """
    with Watch() as watch:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        Supervisor(folder, watch, launcher=launcher, environment=environment).run()
    # There is room for another job now, or this one waits for its next attempt.
    try:
        wake_agent(folder.workspace)
    except MlmagicError:
        traceback.print_exc()
