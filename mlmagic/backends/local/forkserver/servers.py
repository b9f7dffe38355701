"""The agent's fork servers: which job is started by which of them, and how long each is kept."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlmagic.backends.local.forkserver.conditions import Fingerprint, why_cold, why_never_warm
from mlmagic.backends.local.forkserver.memory import available_memory
from mlmagic.backends.local.forkserver.process import ServerProcess
from mlmagic.spec.job import JobKind, JobRecord
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.runtime_folder import RuntimeFolder

PRELOAD = ("tensorflow", "keras")
"""What a warm server has imported."""
IDLE_SECONDS = 900.0
MOST_WARM = 2
"""Servers at once; the least recently used one makes room."""
MEMORY_TO_START = 2 << 30
MEMORY_TO_KEEP = 1 << 30
ANSWER_SECONDS = 5.0
"""A server that takes longer to fork hangs."""
IMPORT_SECONDS = 60.0
"""A server that takes longer to import is of no use."""
MEMORY_OF_FAILURE_SECONDS = 300.0
"""How long no server is started for a fingerprint that came to nothing."""
_ATTEMPTS = 4
"""How many servers a job is asked for of, should one after the other come to nothing."""


@dataclass(frozen=True, slots=True)
class Started:
    """A job's supervisor runs, or at least did when this was sent."""

    job_id: str
    pid: int
    is_warm: bool
    reason: str | None = None
    """Why it starts its programs cold."""


@dataclass(frozen=True, slots=True)
class NotStarted:
    """A job's supervisor could not be started."""

    job_id: str
    reason: str


@dataclass(slots=True)
class _Asked:
    """A job that is being started."""

    record: JobRecord
    environment: Mapping[str, str] | None
    digest: str | None
    server: ServerProcess | None = None
    since: float = 0.0
    """When the server was asked; meaningless while it is still coming up."""
    cold_reason: str | None = None
    attempts: int = 0


@dataclass(slots=True)
class _Failure:
    reason: str
    time: float = field(default_factory=time.monotonic)


class ForkServers:
    """Starts supervisors by asking fork servers, and never waits for one.

    The agent selects on `files`, calls `receive` when one can be read, and `tick` about once a second.
    """

    def __init__(
        self,
        workspace: Workspace,
        runtime_folder: RuntimeFolder,
        *,
        idle_seconds: float = IDLE_SECONDS,
        preload: Sequence[str] = PRELOAD,
        devices: Path = Path("/dev"),
    ) -> None:
        self._workspace = workspace
        self._runtime_folder = runtime_folder
        self._idle_seconds = idle_seconds
        self._preload = tuple(preload)
        self._devices = devices
        self._plain: ServerProcess | None = None
        self._warm: dict[Fingerprint, ServerProcess] = {}
        self._failures: dict[Fingerprint, _Failure] = {}
        self._asked: dict[str, _Asked] = {}
        self._outcomes: list[Started | NotStarted] = []
        self._ending: list[ServerProcess] = []

    def start(self, record: JobRecord, environment: Mapping[str, str] | None, digest: str | None) -> None:
        """Start a job's supervisor; `receive` says how that went.

        `environment` is what the job was submitted with, `digest` under which the supervisor finds it; None says that
        it was lost.
        """
        asked = self._asked[record.id] = _Asked(record, environment, digest)
        self._start(asked)
        if record.spec.kind is JobKind.TUNING and environment is not None:
            self._prewarm_for_trials(record, environment)

    def prewarm(self, python: str, environment: Mapping[str, str]) -> None:
        """Start the server that a job like this would need, if there is none; what prevents it is no failure."""
        if why_never_warm(environment, devices=self._devices) is None:
            self._warm_server(Fingerprint.of(python, environment))

    def _prewarm_for_trials(self, study: JobRecord, environment: Mapping[str, str]) -> None:
        """Have a server ready when the first trial comes, a moment after its study."""
        trial = dataclasses.replace(study, spec=dataclasses.replace(study.spec, kind=JobKind.TRAINING))
        if why_cold(trial, environment, devices=self._devices) is None:
            self.prewarm(study.spec.python or sys.executable, environment)

    def files(self) -> list[int]:
        """Return the descriptors that can be read when there is something to receive."""
        return [server.descriptor for server in self._servers()]

    def receive(self) -> list[Started | NotStarted]:
        """Return what has become of jobs since the last call."""
        self._hear()
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _hear(self) -> None:
        for server in list(self._servers()):
            messages, is_over = server.receive()
            for message in messages:
                self._take(server, message)
            if is_over and server in self._servers():
                self._drop(server, "the fork server ended unexpectedly")

    def tick(self) -> None:
        """End servers that hang, that nobody uses, or that there is no memory for."""
        # Before one is taken to hang: it may be this process that was stopped while the answer came.
        self._hear()
        now = time.monotonic()
        for server in list(self._servers()):
            if not server.is_ready and now - server.start_time > IMPORT_SECONDS:
                self._drop(server, f"the fork server took longer than {IMPORT_SECONDS:g} s to get ready")
            elif any(now - asked.since > ANSWER_SECONDS for asked in self._asked_of(server) if server.is_ready):
                self._drop(server, f"the fork server did not answer within {ANSWER_SECONDS:g} s")
        for server in self._unused():
            if now - server.last_used > self._idle_seconds:
                self._forget(server)
        if self._warm and available_memory() < MEMORY_TO_KEEP:
            self.cool()
        self._ending = [server for server in self._ending if not server.is_gone()]
        for server in self._ending:
            # Stopped, or lost in an import: it would keep its memory for as long as this process lives.
            if now - server.last_used > ANSWER_SECONDS:
                server.kill()

    def cool(self) -> None:
        """End the warm servers that nobody waits for."""
        for server in self._unused():
            self._forget(server)

    @property
    def is_idle(self) -> bool:
        """Nothing was asked that is not answered, and no warm server is kept."""
        return not self._asked and not self._outcomes and not self._warm

    def close(self) -> None:
        """End the servers; what was forked from them goes on."""
        for server in list(self._servers()):
            self._forget(server)
        for server in self._ending:
            server.kill()
            server.wait()
        self._ending = []

    def _servers(self) -> Iterator[ServerProcess]:
        yield from self._warm.values()
        if self._plain is not None:
            yield self._plain

    def _asked_of(self, server: ServerProcess) -> list[_Asked]:
        return [asked for asked in self._asked.values() if asked.server is server]

    def _unused(self) -> list[ServerProcess]:
        """Return the warm servers that nobody waits for, least recently used first."""
        unused = [server for server in self._warm.values() if not self._asked_of(server)]
        return sorted(unused, key=lambda server: server.last_used)

    def _warm_server(self, fingerprint: Fingerprint) -> ServerProcess | str:
        """Return the server for a fingerprint, which may still be coming up, or why there is none."""
        server = self._warm.get(fingerprint)
        if server is not None:
            return server
        failure = self._failures.get(fingerprint)
        if failure is not None and time.monotonic() - failure.time < MEMORY_OF_FAILURE_SECONDS:
            return failure.reason
        if (available := available_memory()) < MEMORY_TO_START:
            return f"{available >> 20} MiB of memory are available, and a fork server is started with 2048 or more"
        if len(self._warm) >= MOST_WARM:
            unused = self._unused()
            if not unused:
                return f"{MOST_WARM} other fork servers are in use"
            self._forget(unused[0])
        try:
            server = self._new_server(fingerprint.python, self._preload, fingerprint.environment(os.environ))
        except OSError as error:
            return f"no fork server could be started: {error.strerror}"
        self._warm[fingerprint] = server
        return server

    def _new_server(self, python: str, preload: Sequence[str], environment: Mapping[str, str]) -> ServerProcess:
        return ServerProcess(
            python, preload, environment=environment, log=self._workspace.agent_log, is_warm=bool(preload)
        )

    def _start(self, asked: _Asked) -> None:
        spec, given = asked.record.spec, os.environ if asked.environment is None else asked.environment
        asked.cold_reason = asked.cold_reason or why_cold(asked.record, given, devices=self._devices)
        if asked.cold_reason is None:
            found = self._warm_server(Fingerprint.of(spec.python, given))
            if isinstance(found, ServerProcess):
                self._ask(asked, found)
                return
            asked.cold_reason = found
        self._start_cold(asked)

    def _start_cold(self, asked: _Asked) -> None:
        try:
            if self._plain is None:
                self._plain = self._new_server(sys.executable, (), os.environ)
        except OSError as error:
            self._give_up(asked, f"no process could be started: {error.strerror}")
            return
        self._ask(asked, self._plain)

    def _ask(self, asked: _Asked, server: ServerProcess) -> None:
        asked.server, asked.since = server, time.monotonic()
        if server.is_ready:
            server.ask(self._request(asked, server))

    def _request(self, asked: _Asked, server: ServerProcess) -> dict[str, Any]:
        placement = asked.record.spec.placement
        replicas = 1 if placement is None else sum(placement.replicas.values())
        return {
            "job": asked.record.id,
            "folder": str(self._workspace.job(asked.record.id).root),
            "runtime_folder": str(self._runtime_folder.root),
            "environment": asked.digest,
            "replicas": replicas if server.is_warm else 0,
        }

    def _take(self, server: ServerProcess, message: dict[str, Any]) -> None:
        if "ready" in message:
            server.is_ready = True
            for asked in self._asked_of(server):
                self._ask(asked, server)
        elif "unusable" in message:
            self._drop(server, message["unusable"])
        elif "stale" in message:
            self._drop(server, message["stale"], is_stale=True)
        else:
            self._settle(server, message)

    def _settle(self, server: ServerProcess, message: dict[str, Any]) -> None:
        asked = self._asked.get(message["job"])
        if asked is None or asked.server is not server:
            return
        if "error" in message:
            self._give_up(asked, f"no process could be started: {message['error']}")
            return
        del self._asked[message["job"]]
        self._outcomes.append(Started(message["job"], message["pid"], server.is_warm, asked.cold_reason))

    def _give_up(self, asked: _Asked, reason: str) -> None:
        del self._asked[asked.record.id]
        self._outcomes.append(NotStarted(asked.record.id, reason))

    def _remember(self, server: ServerProcess, reason: str) -> None:
        for fingerprint, known in self._warm.items():
            if known is server:
                self._failures[fingerprint] = _Failure(reason)

    def _drop(self, server: ServerProcess, reason: str, *, is_stale: bool = False) -> None:
        """End a server that is of no use any more, and start what it was asked for elsewhere.

        It may have forked without saying so: of a job's supervisors, only one gets the claim.
        """
        if server.is_warm and not server.is_ready:
            self._remember(server, reason)
        orphans = self._asked_of(server)
        self._forget(server)
        server.kill()
        for asked in orphans:
            asked.attempts += 1
            if server.is_warm and not is_stale:
                asked.cold_reason = reason
            if asked.attempts < _ATTEMPTS:
                self._start(asked)
            else:
                self._give_up(asked, reason)

    def _forget(self, server: ServerProcess) -> None:
        self._warm = {key: known for key, known in self._warm.items() if known is not server}
        if self._plain is server:
            self._plain = None
        server.end()
        self._ending.append(server)
