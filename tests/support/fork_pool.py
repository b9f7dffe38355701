"""Fork servers, and jobs that are started by them."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from support.queued import Jobs

from mlmagic.backends.local.forkserver.servers import ForkServers, NotStarted, Started
from mlmagic.runtime.agent_lock import take_lock
from mlmagic.runtime.contract import outer_environment
from mlmagic.runtime.environments import EnvironmentStore
from mlmagic.spec.job import JobRecord, PackageReference
from mlmagic.workspace.runtime_folder import RuntimeFolder

PATIENCE_SECONDS = 120.0
LIGHT = ("json", "multiprocessing.process", "numpy.random", "tempfile")
"""Stands in for TensorFlow where that is not what a test is about."""


WARM = PackageReference(digest="0")
"""Of a package that may be forked."""


class Pool:
    """Fork servers with the part of an agent: they are listened to while somebody waits for an outcome."""

    def __init__(self, jobs: Jobs, servers: ForkServers) -> None:
        self.jobs = jobs
        self.servers = servers
        self.environments = EnvironmentStore(RuntimeFolder.make(jobs.workspace, os.environ))
        self.outcomes: dict[str, Started | NotStarted] = {}
        # Supervisors that end call the agent: what is queued here is not for a real one.
        take_lock(jobs.workspace.agent_lock)

    def start(self, source: str, *, environment: Mapping[str, str] | None = None, **fields: object) -> str:
        """Make a job and ask for it."""
        folder = self.jobs.make(source, **{"package": WARM, **fields})
        given = own_environment() | (environment or {})
        self.servers.start(self.jobs.store.get(folder.id), given, self.environments.put(given))
        return folder.id

    def start_again(self, job_id: str) -> None:
        """Ask for a job once more."""
        environment = own_environment()
        self.servers.start(self.jobs.store.get(job_id), environment, self.environments.put(environment))

    def outcome(self, job_id: str) -> Started | NotStarted:
        self.until(lambda: job_id in self.outcomes)
        return self.outcomes[job_id]

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "what is waited for never came"
            # An old lock is taken for one that nobody answers for.
            os.utime(self.jobs.workspace.agent_lock)
            select.select(self.servers.files(), [], [], 0.02)
            self.outcomes |= {outcome.job_id: outcome for outcome in self.servers.receive()}
            self.servers.tick()

    def end(self, job_id: str) -> JobRecord:
        """Return the record once the job has ended and its supervisor is gone."""
        started = self.outcome(job_id)
        assert isinstance(started, Started), started
        self.until(lambda: not Path(f"/proc/{started.pid}").exists())
        return self.jobs.store.get(job_id)

    def run(self, source: str, **fields: object) -> JobRecord:
        return self.end(self.start(source, **fields))

    def log(self, job_id: str) -> str:
        return self.jobs.workspace.job(job_id).log().read_text("utf-8", "backslashreplace")


def own_environment() -> dict[str, str]:
    """What jobs get: programs that look at themselves must not find the tool that measures coverage."""
    environment = outer_environment(os.environ)
    return {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
