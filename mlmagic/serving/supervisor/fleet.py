"""An endpoint's workers: how many there are, and what they serve."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from mlmagic.serving.supervisor.restarts import Restarts
from mlmagic.serving.supervisor.table import Table
from mlmagic.serving.supervisor.worker import LoadFailedError, Worker, WorkerDiedError
from mlmagic.workspace.processes import ProcessIdentity, is_alive

DRAIN_SECONDS = 30.0
"""For what a worker still answers; and for kept-alive connections, whose next answer closes them."""
_OVERDUE_SECONDS = 5.0
_SILENT_SECONDS = 30.0
"""Beyond the time that a request may take, after which a worker that says nothing hangs."""
_LOADING_SECONDS = 600.0
_LOOK_SECONDS = 0.05
_DEATHS_WHILE_LOADING = 3


class Fleet:
    """The workers. `served` is the table that all of them serve, or are about to."""

    def __init__(self, endpoint: Path, changed: Callable[[], None], orphans: Sequence[ProcessIdentity] = ()) -> None:
        self.orphans = orphans
        """Workers of the supervisor before: they answer by what that told them last, until they end."""
        self.workers: list[Worker] = []
        self.served: Table | None = None
        self.generation = 0
        """Of the spec that all of them serve, and no worker serves another."""
        self.restarts = Restarts()
        self.lost: list[Worker] = []
        """Those that have ended since somebody looked."""
        self.deaths: list[str] = []
        """How workers ended that were to go on, or were ended because they said nothing any more."""
        self.load_error: str | None = None
        """Why a worker that was started since could not load what is served."""
        self._endpoint = endpoint
        self._changed = changed
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> list[Worker]:
        """Those that take connections."""
        return [worker for worker in self.workers if worker.is_ready]

    @property
    def active(self) -> list[Worker]:
        """Those that take connections, or will, and go on with that."""
        return [
            worker
            for worker in self.workers
            if worker.is_alive and not (worker.is_draining or worker.is_spare or worker.is_outdated)
        ]

    def sweep(self) -> None:
        """Take note of workers that have ended, and end those that drain for too long or hang."""
        now = time.monotonic()
        for worker in self.workers:
            is_overdue = worker.is_draining and now > worker.drain_until + _OVERDUE_SECONDS
            # A model that never returns may hold its worker's loop, and with it everybody's requests.
            is_silent = now > worker.heard_at + self._patience(worker)
            if worker.is_alive and (is_overdue or is_silent):
                if is_silent and not worker.is_draining:
                    self.deaths.append("hung and was ended")
                worker.kill()
            if not (worker.is_alive or worker.is_draining or worker.is_spare):
                self.deaths.append(worker.died.result())
                self.restarts.died(now, worker.ready_at, f"its process {worker.died.result()}")
        self.lost += [worker for worker in self.workers if not worker.is_alive]
        self.workers = [worker for worker in self.workers if worker.is_alive]

    def _patience(self, worker: Worker) -> float:
        """Return for how many seconds a worker may say nothing. One that loads may be long at its imports."""
        table = worker.table
        return _LOADING_SECONDS if table is None else table.spec.limits.timeout_seconds + _SILENT_SECONDS

    def resize(self, wanted: int, listener: socket.socket) -> None:
        """Start workers, or have the newest ones end, until there are as many as wanted."""
        for worker in self.active[wanted:]:
            worker.drain(DRAIN_SECONDS)
        missing = wanted - len(self.active)
        if missing > 0 and self.served is not None and time.monotonic() >= self.restarts.next_at:
            for _ in range(missing):
                try:
                    worker = self._start(self.served, listener)
                except OSError as error:
                    self.restarts.died(time.monotonic(), None, f"no process could be started: {error}")
                    return
                self._spawn(self._bring_up(worker))

    async def deploy(
        self, table: Table, listener: socket.socket, on_admission: Callable[[], None] | None = None
    ) -> None:
        """Let all workers serve another table: those that have it loaded first, then all of them, then nothing else.

        This may be cancelled at any time, if what is served is settled by another call after that.

        Args:
            table: what is to be served.
            listener: for new workers.
            on_admission: called when workers have been started for it that are the endpoint's from now on.

        Raises:
            LoadFailedError: a version cannot be loaded. What was served before is served on.
            OSError: no process can be started.
        """
        before = self.served
        replaces = before is None or before.needs_other_workers(table)
        fresh: list[Worker] = []
        try:
            if before is None or replaces or not set(table.versions_as_text) <= set(before.versions_as_text):
                await self._load(table, listener, fresh, in_place=not replaces)
        except BaseException:
            for worker in fresh:
                worker.kill()
            raise
        for worker in self.workers:
            worker.is_outdated |= replaces and worker not in fresh
        for worker in fresh:
            worker.is_spare, worker.is_admitted = False, True
        if fresh and on_admission is not None:
            on_admission()
        await self.redirect(table)

    async def redirect(self, table: Table) -> None:
        """Let all workers serve what they have loaded; return when none serves anything else any more."""
        self.served, self.load_error = table, None
        await self._catch_up()
        outdated = [worker for worker in self.workers if worker.is_outdated and worker.is_alive]
        await asyncio.gather(*(worker.step_down(DRAIN_SECONDS) for worker in outdated if not worker.is_draining))
        if behind := [worker.died for worker in self.workers if worker.is_draining and worker.table is not table]:
            await asyncio.wait(behind)
        await _end_orphans(self.orphans)
        self.generation = table.spec.generation

    async def end(self) -> None:
        """Have all workers end after what they answer, and wait for that."""
        while self.workers:
            for worker in self.workers:
                worker.drain(DRAIN_SECONDS)
            self.sweep()
            if self.workers:
                await asyncio.wait([worker.died for worker in self.workers], timeout=1.0)

    async def _load(self, table: Table, listener: socket.socket, fresh: list[Worker], *, in_place: bool) -> None:
        deaths = 0
        while True:
            ready = [worker for worker in self.active if worker.is_ready]
            targets = (ready if in_place else []) or [worker for worker in fresh if worker.is_alive]
            if not targets:
                # One is enough to find out whether it loads; those that replace others must be able to do their work.
                count = 1 if in_place else max(1, table.spec.scaling.min_replicas, len(ready))
                for _ in range(count):
                    fresh.append(self._start(table, listener))
                    fresh[-1].is_spare = True
                targets = fresh[-count:]
            results = await asyncio.gather(*(worker.load(table) for worker in targets), return_exceptions=True)
            dead = []
            for result in results:
                if isinstance(result, WorkerDiedError):
                    dead.append(result)
                elif isinstance(result, BaseException):
                    raise result
            if not dead:
                return
            deaths += len(dead)
            if deaths >= _DEATHS_WHILE_LOADING:
                raise LoadFailedError(f"the process that loads it {dead[-1].how}; so it went {deaths} times")

    async def _catch_up(self) -> None:
        """Return when all workers that take connections, and those that are to from now on, serve what is served."""
        await asyncio.gather(*(self._bring_up(worker) for worker in self.workers if worker.is_admitted))

    async def _bring_up(self, worker: Worker) -> None:
        try:
            while (table := self.served) is not None and worker.table is not table and worker.is_alive:
                if worker.is_draining or worker.is_outdated:
                    # It loads nothing more; but those who are still connected are to hear the same as all others.
                    if (translated := worker.in_its_terms(table)) is None:
                        return
                    await worker.serve(table, translated=translated)
                    continue
                await worker.load(table)
                if table is self.served and not (worker.is_draining or worker.is_outdated):
                    await worker.serve(table)
        except WorkerDiedError:
            return
        except LoadFailedError as error:
            self.load_error = str(error)
            self.restarts.died(time.monotonic(), None, str(error))
            worker.kill()

    def _start(self, table: Table, listener: socket.socket) -> Worker:
        worker = Worker.start(table, listener, self._endpoint, self._changed)
        self.workers.append(worker)
        self._changed()
        return worker

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        # A task that nobody holds may be collected while it runs.
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _end_orphans(orphans: Sequence[ProcessIdentity]) -> None:
    """Have them end after what they answer, and return when they are gone."""
    deadline = time.monotonic() + DRAIN_SECONDS + _OVERDUE_SECONDS
    for orphan in orphans:
        terminate(orphan)
    # Not this process's children, so that nothing tells of their end.
    while any(is_alive(orphan) for orphan in orphans) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)
    for orphan in orphans:
        terminate(orphan, signal.SIGKILL)


def terminate(process: ProcessIdentity, number: signal.Signals = signal.SIGTERM) -> None:
    """Have a process end that is not this one's child."""
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)
