"""The supervisor's loop: what it is told, what its workers tell, and the next second."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

import mlmagic
from mlmagic.runtime.agent_lock import holds_lock
from mlmagic.runtime.linux import set_process_name
from mlmagic.serving.supervisor.fleet import Fleet, terminate
from mlmagic.serving.supervisor.gate import Gate
from mlmagic.serving.supervisor.mailbox import Mailbox
from mlmagic.serving.supervisor.record import SupervisorRecord, living_workers
from mlmagic.serving.supervisor.scaling import Autoscaler, Load
from mlmagic.serving.supervisor.sharing import surplus
from mlmagic.serving.supervisor.status import StatusFile, Tally
from mlmagic.serving.supervisor.table import RefusedSpecError, make_table, with_aliases
from mlmagic.serving.supervisor.token import forget_token
from mlmagic.serving.supervisor.wishes import Wishes
from mlmagic.serving.supervisor.worker import LoadFailedError
from mlmagic.spec.codec import dumps
from mlmagic.spec.endpoint import EndpointSpec, EndpointState, EndpointStatus
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity, is_alive
from mlmagic.workspace.runtime_folder import RuntimeFolder

_TICK_SECONDS = 0.5
_MEASURE_SECONDS = 1.0
_HEARTBEAT_SECONDS = 10.0
_RETRY_SECONDS = 30.0
_LONGEST_LOG = 4 << 20


class Supervision:
    """See the package. `run` returns when the endpoint was stopped or deleted, and its workers have ended."""

    def __init__(self, workspace: Workspace, name: str, lock: int, listener: int) -> None:
        self._folder = workspace.endpoint(name)
        self._workspace = workspace
        self._name = name
        self._lock = lock
        self._news = asyncio.Event()
        self._mailbox = Mailbox(RuntimeFolder.make(workspace, os.environ).supervisor_socket(name))
        self._wishes = Wishes(workspace, name)
        self._fleet = Fleet(self._folder.root, self._news.set)
        self._gate = Gate(name, self._on_connection)
        if listener >= 0:
            self._gate.adopt(listener)
        now = time.monotonic()
        self._autoscaler = Autoscaler(now)
        self._tally = Tally()
        self._status_file = StatusFile(self._folder)
        self._start_time = datetime.now(UTC)
        self._identity = ProcessIdentity.current()
        self._orphans = living_workers(self._folder)
        self._recorded: tuple[tuple[ProcessIdentity, ...], ...] = ()
        self._measured_at = self._beaten_at = float("-inf")
        self._change: asyncio.Task[None] | None = None
        self._refused_generation = 0
        self._error: str | None = None
        self._retry_at = float("inf")
        self._is_told_to_look = True
        self._is_stopping = False

    async def run(self) -> None:
        """Keep the endpoint until it is stopped or deleted."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._mailbox.fileno(), self._read_mail)
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        self._record()
        while not self._is_over():
            self._news.clear()
            self._begin_change()
            await self._look_after_workers()
            self._publish()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _TICK_SECONDS)
        await self._end()

    def _is_over(self) -> bool:
        return self._is_stopping or not self._wishes.is_there or not self._is_ours()

    def _is_ours(self) -> bool:
        """Say whether the folder is still the one of this endpoint: it may have been deleted, and made again."""
        return holds_lock(self._folder.lock, self._lock)

    def _stop(self) -> None:
        self._is_stopping = True
        self._news.set()

    def _read_mail(self) -> None:
        for message, descriptor in self._mailbox.receive():
            if descriptor is not None:
                self._gate.adopt(descriptor)
            if message.get("do") == "stop":
                self._is_stopping = True
            self._is_told_to_look = True
        self._news.set()

    def _on_connection(self) -> None:
        self._autoscaler.ask(time.monotonic())
        self._news.set()

    def _begin_change(self) -> None:
        """Look for news of what is to be served, unless the last news is still being dealt with."""
        if self._change is not None:
            if not self._change.done():
                return
            if not self._change.cancelled() and (error := self._change.exception()) is not None:
                traceback.print_exception(error)
            self._change = None
        is_retry = time.monotonic() >= self._retry_at
        if self._is_told_to_look or is_retry or self._wishes.has_changed or not self._gate.is_open:
            is_new_try = self._is_told_to_look or is_retry
            self._is_told_to_look, self._retry_at = False, float("inf")
            self._change = asyncio.create_task(self._follow_wishes(is_new_try=is_new_try))
            self._change.add_done_callback(lambda _: self._news.set())

    async def _follow_wishes(self, *, is_new_try: bool) -> None:
        spec = await self._wishes.read()
        if spec is None:
            return
        is_where_wanted = await self._gate.open(spec)
        if not self._gate.is_open:
            return
        served = self._fleet.served
        if is_new_try:
            self._fleet.restarts.forget()
        if served is None or spec.generation != served.spec.generation:
            if not is_where_wanted:
                await self._refuse(spec, self._gate.error or "")
            elif spec.generation != self._refused_generation or is_new_try:
                await self._deploy(spec)
        elif (renamed := with_aliases(served, self._wishes.aliases)) != served:
            await self._fleet.redirect(renamed)

    async def _deploy(self, spec: EndpointSpec) -> None:
        try:
            table = await asyncio.to_thread(make_table, self._workspace, spec, self._wishes.aliases)
            await self._fleet.deploy(table, self._gate.listener, self._orphans)
        except (RefusedSpecError, LoadFailedError, OSError) as error:
            await self._refuse(spec, " ".join(str(error).split()))
        else:
            self._error = None
            self._fleet.restarts.forget()
            if self._fleet.active:
                # That which loaded it stays for a while.
                self._autoscaler.ask(time.monotonic())

    async def _refuse(self, spec: EndpointSpec, error: str) -> None:
        print(f"generation {spec.generation} is refused: {error}", flush=True)  # noqa: T201 - into the log
        self._error, self._refused_generation = error, spec.generation
        served = self._fleet.served
        if served is None:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            return
        # So that the next start does not stumble over it again.
        given_back = await self._wishes.give_back(spec, served.spec)
        if given_back is not None and given_back.deployed == served.spec.deployed:
            await self._fleet.redirect(type(served)(spec=given_back, versions=served.versions, aliases=served.aliases))

    async def _look_after_workers(self) -> None:
        now = time.monotonic()
        self._fleet.sweep()
        for worker in self._fleet.lost:
            self._tally.forget(worker)
        self._fleet.lost.clear()
        self._measure(now)
        served = self._fleet.served
        if served is not None and self._gate.is_open:
            wanted = self._autoscaler.look(now, served.spec.scaling, self._load())
            if not self._is_changing:
                self._fleet.resize(wanted, self._gate.listener)
        await self._gate.set(
            is_apologizing=self._state() is EndpointState.FAILED,
            is_watching=served is not None and not self._fleet.active and not self._is_changing,
        )
        self._record()

    def _measure(self, now: float) -> None:
        if now - self._measured_at >= _MEASURE_SECONDS:
            self._measured_at = now
            for worker in self._fleet.workers:
                worker.measure()
            self._tally.look(now, self._fleet.workers)
            for worker, connections in surplus(self._fleet.ready):
                worker.shed(connections)
        if now - self._beaten_at >= _HEARTBEAT_SECONDS:
            self._beaten_at = now
            with contextlib.suppress(OSError):
                os.utime(self._folder.supervisor)
                if os.fstat(1).st_size > _LONGEST_LOG:
                    os.ftruncate(1, 0)

    def _load(self) -> Load:
        ready = self._fleet.ready
        served = self._fleet.served
        return Load(
            workers=len(ready),
            starting=len(self._fleet.active) - len(ready),
            # Loading is no load.
            cpu_percent=0.0 if self._is_changing else sum(worker.cpu_percent for worker in ready),
            waiting=self._tally.waiting,
            queue=served.spec.limits.queue if served is not None else 1,
            requests=self._tally.requests,
        )

    @property
    def _is_changing(self) -> bool:
        return self._change is not None and not self._change.done()

    def _state(self) -> EndpointState:
        fleet = self._fleet
        if self._is_stopping:
            return EndpointState.STOPPING
        if not self._gate.is_open:
            return EndpointState.FAILED if self._gate.error else EndpointState.STARTING
        if fleet.served is None:
            has_failed = self._error is not None and not self._is_changing
            return EndpointState.FAILED if has_failed else EndpointState.STARTING
        spec = self._wishes.spec
        if spec is not None and spec.generation != fleet.generation and self._is_changing:
            return EndpointState.UPDATING
        if fleet.ready:
            return EndpointState.READY
        if fleet.restarts.is_hopeless:
            return EndpointState.FAILED
        return EndpointState.STARTING if fleet.active or self._autoscaler.wanted else EndpointState.IDLE

    def _publish(self) -> None:
        fleet, served = self._fleet, self._fleet.served
        state = self._state()
        error = self._gate.error or self._error
        if state is EndpointState.FAILED and error is None:
            error = fleet.restarts.reason
        numbers = [version.number for version in served.versions] if served is not None else []
        status = EndpointStatus(
            state=state,
            generation=fleet.generation,
            refused_generation=self._refused_generation,
            error=error,
            workers=tuple(worker.status for worker in fleet.workers),
            versions=self._tally.versions(numbers, fleet.workers),
            requests_per_second=self._tally.rate,
            last_request=self._tally.last_request,
            start_time=self._start_time,
            update_time=datetime.now(UTC),
        )
        self._write(status, time.monotonic())

    def _write(self, status: EndpointStatus, now: float) -> None:
        with contextlib.suppress(OSError):
            if self._is_ours():
                self._status_file.write(status, now)

    def _record(self) -> None:
        """Say who this is and which the workers are, when that has changed."""
        workers = tuple(worker.identity for worker in self._fleet.workers)
        orphans = tuple(worker for worker in self._orphans if is_alive(worker))
        if (workers, orphans) == self._recorded or not self._is_ours():
            return
        identity = self._identity
        record = SupervisorRecord(
            pid=identity.pid,
            start_time=identity.start_time,
            boot_id=identity.boot_id,
            host=identity.host,
            namespace=identity.namespace,
            socket=str(self._mailbox.path),
            version=mlmagic.__version__,
            lock=os.fstat(self._lock).st_ino,
            workers=workers,
            orphans=orphans,
        )
        with contextlib.suppress(OSError):
            write_atomic(self._folder.supervisor, dumps(record), sync=False)
            self._recorded = workers, orphans

    async def _end(self) -> None:
        self._is_stopping = True
        if self._change is not None:
            self._change.cancel()
            await asyncio.wait([self._change])
        self._publish()
        await self._gate.close()
        for orphan in self._orphans:
            terminate(orphan)
        await self._fleet.end()
        self._mailbox.close()
        now = datetime.now(UTC)
        self._write(
            EndpointStatus(state=EndpointState.DOWN, start_time=self._start_time, update_time=now), float("inf")
        )
        if not self._wishes.is_there:
            forget_token(self._workspace, self._name)


def run_supervisor(root: str, name: str, lock: int, listener: int) -> None:
    """Keep an endpoint, as this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.set_inheritable(lock, False)  # noqa: FBT003 - the name of the method says what it means
    set_process_name(f"serve {name}")

    async def keep() -> None:
        await Supervision(Workspace(Path(root)), name, lock, listener).run()

    asyncio.run(keep())
