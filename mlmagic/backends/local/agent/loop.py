"""The agent's loop: waits for calls, for its fork servers and for the next second, and never for a job."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import shutil
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import mlmagic
from mlmagic.backends.local.agent.dispatch import Dispatcher
from mlmagic.backends.local.agent.mailbox import Mailbox
from mlmagic.backends.local.agent.schedule import Schedule
from mlmagic.backends.local.agent.watch import SupervisorWatch
from mlmagic.backends.local.cancelling import Canceller
from mlmagic.backends.local.forkserver.servers import IDLE_SECONDS as SERVER_IDLE_SECONDS
from mlmagic.backends.local.forkserver.servers import ForkServers
from mlmagic.backends.local.reconcile import Reconciler
from mlmagic.backends.local.sampling.sampler import Sampler
from mlmagic.errors import NewerWorkspaceError, WorkspaceError
from mlmagic.runtime.agent_call import LONGEST_LOG, AgentRecord, read_agent, start_agent
from mlmagic.runtime.agent_lock import holds_lock
from mlmagic.runtime.environments import EnvironmentStore
from mlmagic.runtime.linux import set_process_name
from mlmagic.spec.codec import dumps
from mlmagic.workspace.database import Database
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.leftovers import remove_all_leftovers
from mlmagic.workspace.processes import is_elsewhere, same_boot
from mlmagic.workspace.rows import UnfinishedJob
from mlmagic.workspace.runtime_folder import RuntimeFolder

IDLE_VARIABLE = "MLMAGIC_AGENT_IDLE_SECONDS"
"""How long the agent and its warm fork servers stay without work, where their defaults do not suit."""
IDLE_SECONDS = 60.0


class Agent:
    """See the package. `run` returns when there is nothing to do any more, or when another has taken its place."""

    def __init__(
        self,
        workspace: Workspace,
        runtime_folder: RuntimeFolder,
        lock: int,
        *,
        idle_seconds: float = IDLE_SECONDS,
        server_idle_seconds: float = SERVER_IDLE_SECONDS,
    ) -> None:
        self._workspace = workspace
        self._runtime_folder = runtime_folder
        self._lock = lock
        self._idle_seconds = idle_seconds
        self._database = Database(workspace)
        self._jobs = JobStore(self._database)
        self._environments = EnvironmentStore(runtime_folder)
        self._servers = ForkServers(workspace, runtime_folder, idle_seconds=server_idle_seconds)
        self._dispatcher = Dispatcher(
            workspace, jobs=self._jobs, servers=self._servers, environments=self._environments
        )
        reconciler = Reconciler(self._database)
        self._canceller = Canceller(self._jobs, reconciler)
        self._watch = SupervisorWatch(workspace, jobs=self._jobs, reconciler=reconciler)
        self._sampler = Sampler(workspace)
        self._unfinished: list[UnfinishedJob] = []
        self._schedule = Schedule()
        self._is_told_to_end = False
        self._is_homeless = False
        """Nobody can call it any more."""
        self._last_said = ""

    def run(self, message: Mapping[str, str] = MappingProxyType({})) -> None:
        """Heed a first message, and work until there is nothing to do."""
        if not holds_lock(self._workspace.agent_lock, self._lock):
            # It took so long to start that it was given up, and another has its place.
            return
        self._mailbox = Mailbox(self._runtime_folder.socket)
        # Whoever does not find this file yet has written its job before the first look at the queue.
        self._introduce()
        try:
            self._heed(message)
            while self._goes_on():
                try:
                    self._wait()
                    self._work()
                except NewerWorkspaceError:
                    return
                except Exception as error:  # noqa: BLE001 - whatever it is, it may pass, and other jobs wait
                    self._say(error)
                    time.sleep(self._schedule.next_pause())
        finally:
            self._leave()

    def _goes_on(self) -> bool:
        if self._is_told_to_end or self._is_homeless or not holds_lock(self._workspace.agent_lock, self._lock):
            return False
        return self._is_busy or not self._schedule.has_rested(self._idle_seconds)

    @property
    def _is_busy(self) -> bool:
        return bool(self._unfinished) or not self._dispatcher.is_idle or not self._servers.is_idle

    def _wait(self) -> None:
        select.select([self._mailbox.fileno(), *self._servers.files()], [], [], self._schedule.seconds_left())
        for message in self._mailbox.receive():
            self._heed(message)

    def _heed(self, message: Mapping[str, str]) -> None:
        match message:
            case {"do": "wake"}:
                self._schedule.called()
            case {"do": "prewarm", "python": python, "environment": digest}:
                self._schedule.called()
                environment = self._environments.get(digest)
                if environment is not None:
                    self._servers.prewarm(python, environment)
            case {"do": "cool"}:
                self._servers.cool()
            case {"do": "end"}:
                self._is_told_to_end = True

    def _work(self) -> None:
        is_tick = self._schedule.tick_is_due
        if is_tick:
            self._show_life()
            self._servers.tick()
        self._dispatcher.settle(self._servers.receive())
        if is_tick or self._schedule.look_is_due:
            with self._schedule.looking():
                self._unfinished = self._dispatcher.dispatch()
        if is_tick:
            self._database.keep_open()
            self._canceller.cancel_orphans(self._unfinished)
            self._sampler.sample(self._watch.look(self._unfinished, self._dispatcher.starting))
            if self._schedule.prune_is_due():
                self._tidy_up()
            self._schedule.ticked(is_busy=self._is_busy)
            self._schedule.idles_until(self._idle_seconds)

    def _tidy_up(self) -> None:
        self._environments.prune({job.environment for job in self._unfinished if job.environment is not None})
        remove_all_leftovers(self._workspace)
        if self._workspace.agent_log.stat().st_size > LONGEST_LOG:
            os.truncate(self._workspace.agent_log, 0)

    def _say(self, error: Exception) -> None:
        """Write to the log what went wrong, once for as long as nothing else does."""
        text = "".join(traceback.format_exception(error))
        if text != self._last_said:
            self._last_said = text
            print(text, end="", flush=True)  # noqa: T201 - this process's output is the agent's log

    def _introduce(self) -> None:
        record = dataclasses.replace(
            AgentRecord.current(),
            socket=str(self._runtime_folder.socket),
            runtime_folder=str(self._runtime_folder.root),
            version=mlmagic.__version__,
            lock=os.fstat(self._lock).st_ino,
        )
        with contextlib.suppress(OSError):
            write_atomic(self._workspace.agent, dumps(record))

    def _show_life(self) -> None:
        try:
            self._mailbox.renew()
        except OSError:
            self._is_homeless = True
            return
        try:
            os.utime(self._workspace.agent)
        except FileNotFoundError:
            self._introduce()

    def _leave(self) -> None:
        self._servers.close()
        self._sampler.close()
        self._database.let_go()
        self._mailbox.close()
        if not self._workspace.root.exists():
            # With the jobs, nobody needs what they were submitted with.
            shutil.rmtree(self._runtime_folder.root, ignore_errors=True)
        if not holds_lock(self._workspace.agent_lock, self._lock):
            return
        for path in (self._workspace.agent, self._workspace.agent_lock):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        # From here on callers start another agent; whoever called before has written its job before.
        with contextlib.suppress(Exception):
            if not self._is_told_to_end and self._jobs.unfinished(backend="local"):
                start_agent(self._workspace)


def run_agent(root: str, lock: int, message: str, environ: Mapping[str, str]) -> None:
    """Be the agent of the workspace in this process, which holds the lock; `message` is from whoever started it."""
    os.set_inheritable(lock, False)  # noqa: FBT003 - the name of the function says what it means
    set_process_name("mlmagic-agent")
    workspace = Workspace(Path(root))
    agent = Agent(
        workspace,
        _runtime_folder(workspace, environ),
        lock,
        idle_seconds=_seconds(environ, IDLE_SECONDS),
        server_idle_seconds=_seconds(environ, SERVER_IDLE_SECONDS),
    )
    agent.run(json.loads(message))


def _runtime_folder(workspace: Workspace, environ: Mapping[str, str]) -> RuntimeFolder:
    """Return the folder of the agent before, should that have been killed: there is what queued jobs were given."""
    before = read_agent(workspace)
    if before is not None and before.runtime_folder and same_boot(before) and not is_elsewhere(before):
        with contextlib.suppress(WorkspaceError):
            return RuntimeFolder(Path(before.runtime_folder)).check()
    return RuntimeFolder.make(workspace, environ)


def _seconds(environ: Mapping[str, str], default: float) -> float:
    try:
        return max(0.0, float(environ.get(IDLE_VARIABLE, "")))
    except ValueError:
        return default
