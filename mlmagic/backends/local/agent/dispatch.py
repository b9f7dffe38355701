"""From the queue to supervisors: which jobs are to be started, which are being started, and which cannot be."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from mlmagic.backends.local.forkserver.servers import ForkServers, NotStarted, Started
from mlmagic.backends.local.machine import Machine, this_machine
from mlmagic.backends.local.scheduler import choose, demands, in_order
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.runtime.contract import outer_environment
from mlmagic.runtime.ending import LOG_PREFIX, append_to_log, quietly
from mlmagic.runtime.environments import EnvironmentStore
from mlmagic.spec.job import JobError, JobKind, JobRecord, JobState
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity, is_alive
from mlmagic.workspace.rows import UnfinishedJob

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Before another supervisor is started for a job whose last one ended before it had claimed the job.

Or could not be started at all: where the machine has no room for a process, that may pass, and the queue waits for it.
"""
ANSWER_SECONDS = 180.0
"""After this long, a supervisor that nobody has heard of is taken to have ended."""


@dataclass(slots=True, kw_only=True)
class _Start:
    """A job for which a supervisor was asked, and that nobody has claimed yet."""

    record: JobRecord
    since: float
    supervisor: ProcessIdentity | None = None
    is_answered: bool = False
    failures: int = 0
    again: float | None = None
    """When to ask once more."""

    def has_failed(self) -> bool:
        """Say whether its supervisor has come to an end."""
        if self.again is not None:
            return False
        if not self.is_answered:
            return time.monotonic() - self.since > ANSWER_SECONDS
        return self.supervisor is None or not is_alive(self.supervisor)


class Dispatcher:
    """Starts queued jobs as far as the machine has room. It forgets nothing that the database does not know."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        jobs: JobStore,
        servers: ForkServers,
        environments: EnvironmentStore,
        machine: Callable[[], Machine] = this_machine,
    ) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._servers = servers
        self._environments = environments
        self._machine = machine
        self._starts: dict[str, _Start] = {}

    @property
    def is_idle(self) -> bool:
        """Nothing is being started."""
        return not self._starts

    @property
    def starting(self) -> list[int]:
        """The supervisors that run and have not claimed their jobs yet."""
        asked = [start.supervisor for start in self._starts.values() if start.again is None]
        return [supervisor.pid for supervisor in asked if supervisor is not None and is_alive(supervisor)]

    def dispatch(self) -> list[UnfinishedJob]:
        """Start what fits, and return the jobs that have not ended."""
        # In this order: a supervisor that is gone when the row is read as QUEUED has not claimed the job, nor will it.
        failed = [start for start in self._starts.values() if start.has_failed()]
        unfinished = self._jobs.unfinished(backend="local")
        queue = in_order(unfinished)
        attempts = {job.id: job.attempt for job in queue}
        self._starts = {
            job_id: start for job_id, start in self._starts.items() if attempts.get(job_id) == start.record.attempt
        }
        for start in failed:
            if start.record.id in self._starts:
                self._put_off(start, "its supervisor ended before it had begun, several times")
        holding = demands(job for job in unfinished if job.state is not JobState.QUEUED or job.id in self._starts)
        waiting = demands(job for job in queue if job.id not in self._starts)
        for chosen in choose(waiting, holding, self._machine()):
            with contextlib.suppress(NotFoundError):
                record = self._jobs.get(chosen.id)
                # It may have been cancelled since, or given up just now.
                if record.state is JobState.QUEUED:
                    self._ask(_Start(record=record, since=time.monotonic()))
        for start in list(self._starts.values()):
            if start.again is not None and start.again <= time.monotonic():
                self._ask(start)
        return unfinished

    def settle(self, outcomes: Iterable[Started | NotStarted]) -> None:
        """Take what the fork servers answered."""
        for outcome in outcomes:
            start = self._starts.get(outcome.job_id)
            if start is None:
                continue
            if isinstance(outcome, Started):
                start.is_answered, start.supervisor = True, ProcessIdentity.of(outcome.pid)
                self._tell_if_unexpected(start.record, outcome)
            else:
                self._put_off(start, f"its supervisor could not be started: {outcome.reason}")

    def _ask(self, start: _Start) -> None:
        start.since, start.again = time.monotonic(), None
        start.is_answered, start.supervisor = False, None
        self._starts[start.record.id] = start
        if not self._workspace.job(start.record.id).root.is_dir():
            self._give_up(start, "its folder was removed before it began")
            return
        digest = start.record.spec.environment or self._environments.put(outer_environment(os.environ))
        environment = self._environments.get(digest)
        self._servers.start(start.record, environment, None if environment is None else digest)

    def _put_off(self, start: _Start, reason: str) -> None:
        if start.failures >= len(PAUSES):
            self._give_up(start, reason)
            return
        start.again = time.monotonic() + PAUSES[start.failures]
        start.failures += 1

    def _give_up(self, start: _Start, reason: str) -> None:
        job_id = start.record.id
        now = datetime.now(UTC)
        log = self._workspace.job(job_id).supervisor_log
        error = JobError(message=reason, hint=f"Run it again. {log} may say more.")
        with contextlib.suppress(ConflictError, NotFoundError):
            self._jobs.advance(
                job_id,
                expect={JobState.QUEUED},
                to=JobState.FAILED,
                now=now,
                end_time=now,
                error=error,
                message=reason,
            )
        self._starts.pop(job_id, None)

    def _tell_if_unexpected(self, record: JobRecord, started: Started) -> None:
        if (
            started.reason
            and record.spec.kind is not JobKind.TUNING
            and not record.spec.fresh
            and record.spec.warm_starts
            and record.spec.package.cold_reason is None
        ):
            print(f"{record.id} is started cold: {started.reason}", flush=True)  # noqa: T201 - this is the agent's log
            told = f"{LOG_PREFIX}TensorFlow is imported anew, no warm start: {started.reason}"
            quietly(lambda: append_to_log(self._workspace.job(record.id).log(), [told]))
