"""The supervisor's loop: what it is told, what its workers tell, and the next second."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

from mlmagic.runtime.linux import set_process_name
from mlmagic.serving.supervisor.changes import Changes
from mlmagic.serving.supervisor.fleet import Fleet, terminate
from mlmagic.serving.supervisor.gate import Gate
from mlmagic.serving.supervisor.mailbox import Mailbox
from mlmagic.serving.supervisor.record import living_workers
from mlmagic.serving.supervisor.reports import Reports
from mlmagic.serving.supervisor.rollouts import Rollouts
from mlmagic.serving.supervisor.scaling import Autoscaler, Load
from mlmagic.serving.supervisor.shadows import Shadows
from mlmagic.serving.supervisor.sharing import surplus
from mlmagic.serving.supervisor.status import Tally
from mlmagic.serving.supervisor.token import forget_token
from mlmagic.serving.supervisor.wishes import Wishes
from mlmagic.spec.endpoint import EndpointState
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.runtime_folder import RuntimeFolder

_TICK_SECONDS = 0.5
_MEASURE_SECONDS = 1.0


class Supervision:
    """See the package. `run` returns when the endpoint was stopped or deleted, and its workers have ended."""

    def __init__(self, workspace: Workspace, name: str, lock: int, listener: int) -> None:
        folder = workspace.endpoint(name)
        self._workspace = workspace
        self._name = name
        self._news = asyncio.Event()
        self._mailbox = Mailbox(RuntimeFolder.make(workspace, os.environ).supervisor_socket(name))
        self._wishes = Wishes(workspace, name)
        self._fleet = Fleet(folder.root, self._news.set, living_workers(folder))
        self._gate = Gate(name, self._ask_for_a_worker)
        if listener >= 0:
            self._gate.adopt(listener)
        self._tally = Tally()
        self._rollouts = Rollouts(workspace, name, self._fleet, self._tally.observations, self._news.set)
        self._changes = Changes(
            workspace,
            self._wishes,
            self._fleet,
            self._gate,
            give_up=self._rollouts.give_up,
            changed=self._news.set,
        )
        self._autoscaler = Autoscaler(time.monotonic())
        self._shadows = Shadows(workspace, name, self._fleet, self._changes.conversions, self._news.set)
        self._reports = Reports(folder, lock, str(self._mailbox.path))
        self._measured_at = float("-inf")
        self._is_told_to_look = True
        self._is_stopping = False

    async def run(self) -> None:
        """Keep the endpoint until it is stopped or deleted."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._mailbox.fileno(), self._read_mail)
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        # Whoever sees that this process is there can rely on the status being its own.
        self._publish()
        self._reports.record(self._fleet)
        while not self._is_over():
            self._news.clear()
            self._changes.go_on(is_told=self._is_told_to_look, on_admission=self._ask_for_a_worker)
            self._is_told_to_look = False
            await self._look_after_workers()
            self._publish()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _TICK_SECONDS)
        await self._end()

    def _is_over(self) -> bool:
        return self._is_stopping or not self._wishes.is_there or not self._reports.is_ours

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

    def _ask_for_a_worker(self) -> None:
        self._autoscaler.ask(time.monotonic())
        self._news.set()

    async def _look_after_workers(self) -> None:
        now = time.monotonic()
        self._fleet.sweep()
        for worker in self._fleet.lost:
            self._tally.forget(worker)
            self._shadows.forget(worker.counters)
        self._fleet.lost.clear()
        self._measure(now)
        served = self._fleet.served
        if served is not None and self._gate.is_open:
            wanted = self._autoscaler.look(now, served.spec.scaling, self._load())
            self._fleet.resize(wanted, self._gate.listener)
        await self._gate.set(
            is_apologizing=self._state() is EndpointState.FAILED,
            is_watching=served is not None and not self._fleet.active,
        )
        self._reports.record(self._fleet)
        self._rollouts.look(now)
        self._shadows.look(now)

    def _measure(self, now: float) -> None:
        if now - self._measured_at >= _MEASURE_SECONDS:
            self._measured_at = now
            for worker in self._fleet.workers:
                worker.measure()
            self._tally.look(now, self._fleet.workers)
            for worker, connections in surplus(self._fleet.ready):
                worker.shed(connections)
        self._reports.beat(now)

    def _load(self) -> Load:
        ready = self._fleet.ready
        served = self._fleet.served
        return Load(
            workers=len(ready),
            starting=max(0, len(self._fleet.active) - len(ready)),
            # Loading is no load.
            cpu_percent=0.0 if self._changes.is_running else sum(worker.cpu_percent for worker in ready),
            waiting=self._tally.waiting,
            queue=served.spec.limits.queue if served is not None else 1,
            requests=self._tally.requests,
        )

    def _state(self) -> EndpointState:
        fleet = self._fleet
        if self._is_stopping:
            return EndpointState.STOPPING
        if not self._gate.is_open:
            return EndpointState.FAILED if self._gate.error else EndpointState.STARTING
        if fleet.served is None:
            has_failed = self._changes.error is not None and not self._changes.is_running
            return EndpointState.FAILED if has_failed else EndpointState.STARTING
        spec = self._wishes.spec
        if spec is not None and spec.generation != fleet.generation and self._changes.is_running:
            return EndpointState.UPDATING
        if fleet.ready:
            return EndpointState.READY
        if fleet.restarts.is_hopeless:
            return EndpointState.FAILED
        return EndpointState.STARTING if fleet.active or self._autoscaler.wanted else EndpointState.IDLE

    def _publish(self) -> None:
        fleet, served, state = self._fleet, self._fleet.served, self._state()
        error = self._gate.error or self._changes.error
        if state is EndpointState.FAILED and error is None:
            error = fleet.restarts.reason
        numbers = [version.number for version in served.versions] if served is not None else []
        converting = self._changes.conversions.pending(served) if served is not None else ()
        self._reports.say(
            state,
            generation=fleet.generation,
            refused_generation=self._changes.refused_generation,
            error=error,
            workers=tuple(worker.status for worker in fleet.workers),
            versions=self._tally.versions(numbers, fleet.workers, converting),
            requests_per_second=self._tally.rate,
            in_flight=self._tally.waiting,
            last_request=self._tally.last_request,
            log=self._tally.log(fleet.workers) if served is not None and served.spec.log is not None else None,
            rollout=self._rollouts.status,
            shadow=self._shadows.status,
        )

    async def _end(self) -> None:
        self._is_stopping = True
        await self._changes.close()
        await self._rollouts.close()
        await self._shadows.close()
        self._publish()
        await self._gate.close()
        for orphan in self._fleet.orphans:
            terminate(orphan)
        await self._fleet.end()
        self._mailbox.close()
        if not self._wishes.is_there:
            forget_token(self._workspace, self._name)
        self._reports.say_goodbye(self._rollouts.status, self._shadows.status)


def run_supervisor(root: str, name: str, lock: int, listener: int) -> None:
    """Keep an endpoint, as this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.set_inheritable(lock, False)  # noqa: FBT003 - the name of the method says what it means
    set_process_name(f"serve {name}")

    async def keep() -> None:
        await Supervision(Workspace(Path(root)), name, lock, listener).run()

    asyncio.run(keep())
