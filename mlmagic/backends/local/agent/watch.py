"""The supervisors of running jobs, as the agent sees them: alive, stopped, or gone."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable

from mlmagic.backends.local.reconcile import Reconciler, claim_of
from mlmagic.errors import NotFoundError
from mlmagic.spec.job import JobState
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity, is_alive, is_gone, is_stopped
from mlmagic.workspace.rows import UnfinishedJob

STOPPED_SECONDS = 3.0
"""How long a supervisor may be stopped before it is continued: while it is, nobody heeds the job's timeout or end."""


class SupervisorWatch:
    """Looks after supervisors, about once a second."""

    def __init__(self, workspace: Workspace, *, jobs: JobStore, reconciler: Reconciler) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._reconciler = reconciler
        self._known: dict[tuple[str, int], ProcessIdentity] = {}
        self._stopped: dict[int, float] = {}

    def look(self, unfinished: Iterable[UnfinishedJob], starting: Iterable[int] = ()) -> dict[str, int]:
        """Return the supervisors that run here, by job; record the ends of those that run no more.

        Those in `starting`, which have claimed nothing yet, are only continued should they be stopped.
        """
        claimed = [job for job in unfinished if job.state is not JobState.QUEUED]
        self._known = {(job.id, job.attempt): found for job in claimed if (found := self._find(job)) is not None}
        alive = {}
        for job in claimed:
            supervisor = self._known.get((job.id, job.attempt))
            if supervisor is not None and is_alive(supervisor):
                alive[job.id] = supervisor.pid
            elif supervisor is None or is_gone(supervisor, self._workspace.job(job.id).claim(job.attempt)):
                with contextlib.suppress(NotFoundError):
                    self._reconciler.check(self._jobs.get(job.id))
        self._continue_stopped([*alive.values(), *starting])
        return alive

    def _find(self, job: UnfinishedJob) -> ProcessIdentity | None:
        known = self._known.get((job.id, job.attempt))
        return known if known is not None else claim_of(self._jobs, job.id, job.attempt)

    def _continue_stopped(self, pids: Iterable[int]) -> None:
        now = time.monotonic()
        self._stopped = {pid: self._stopped.get(pid, now) for pid in pids if is_stopped(pid)}
        for pid, since in self._stopped.items():
            if now - since > STOPPED_SECONDS:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGCONT)
