"""Roll-outs: the new version gets more requests step by step, or none any more as soon as something is wrong with it.

What is served is written into the spec, as everybody does who changes an endpoint, and served from there: so a change
by somebody else in between is never overwritten, and no request is lost. A step is written into the spec before the
record has it, an end into the record before the spec has it; so whoever comes next knows what is left to be done.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mlmagic.errors import MlmagicError
from mlmagic.serving.supervisor.fleet import Fleet
from mlmagic.serving.supervisor.observations import Observations, minus, plus
from mlmagic.serving.supervisor.rollout_record import RolloutRecord, read_rollout, write_rollout
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec, Rollout
from mlmagic.spec.rollout import Observed, RolloutState, RolloutStatus
from mlmagic.workspace.layout import Workspace

_WRITE_SECONDS = 1.0
_LONGEST_LOOK = 5.0
"""What a step is held in longer pauses does not count: this process may have been stopped, or the machine asleep."""

Sides = tuple[Observed, Observed]


class Rollouts:
    """Keeps the roll-out of an endpoint going. `look` returns at once; what takes longer is done by a task."""

    def __init__(
        self, workspace: Workspace, name: str, fleet: Fleet, observations: Observations, changed: Callable[[], None]
    ) -> None:
        self._workspace = workspace
        self._name = name
        self._folder = workspace.endpoint(name)
        self._fleet = fleet
        self._observations = observations
        self._changed = changed
        self._record = read_rollout(self._folder)
        self._began: Sides | None = None
        """What had been counted when this process first saw the step."""
        self._brought = (Observed(), Observed())
        """What the process before had seen of it."""
        self._deaths = 0
        self._looked_at: float | None = None
        self._written_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def status(self) -> RolloutStatus | None:
        """The newest roll-out, be it under way or over."""
        return None if self._record is None else self._record.status

    def look(self, now: float) -> None:
        """Go on, unless what was begun by the last look is not done."""
        if self._task is not None and not self._task.done():
            return
        served = self._fleet.served
        if served is None or self._fleet.generation != served.spec.generation:
            # Something is being changed.
            self._looked_at = None
        elif served.spec.rollout is not None or (self._record and self._record.status.state is RolloutState.RUNNING):
            self._task = asyncio.create_task(self._go_on(served.spec, now))

    async def give_up(self, spec: EndpointSpec, error: str) -> bool:
        """Roll back, since nothing can be served with the new version; False if that has to be tried again.

        For a supervisor that has just started: it has nothing else to serve.
        """
        plan, record = spec.rollout, self._record
        step = None if plan is None else plan.stage_of(spec.deployed)
        if plan is None or step is None:
            return False
        if record is None or record.plan != plan:
            record = RolloutRecord.at(plan, step)
        try:
            if record.status.state is RolloutState.ROLLED_BACK:
                await self._leave(spec, record)
            else:
                await self._finish(spec, record, RolloutState.ROLLED_BACK, _unloadable(error))
        except (MlmagicError, OSError) as problem:
            self._say(f"it cannot be rolled back now: {' '.join(str(problem).split())}")
            return False
        return True

    async def close(self) -> None:
        """End what is being done; another process can go on from there."""
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._record is not None and self._record.status.state is RolloutState.RUNNING:
            await self._write(self._record)

    async def _go_on(self, spec: EndpointSpec, now: float) -> None:
        try:
            await self._step(spec, now)
        except (MlmagicError, OSError) as error:
            # Such as a full disk. It is tried again; until then what is served stays.
            self._say(f"the roll-out cannot go on now: {' '.join(str(error).split())}")
            await asyncio.sleep(_WRITE_SECONDS)
        except Exception as error:  # noqa: BLE001 - a roll-out must not end the endpoint
            traceback.print_exception(error)
            await asyncio.sleep(_WRITE_SECONDS)

    async def _step(self, spec: EndpointSpec, now: float) -> None:
        plan, record = spec.rollout, self._record
        if plan is None:
            await self._end_by_others(spec)
            return
        if record is not None and record.plan == plan and record.status.state is not RolloutState.RUNNING:
            await self._leave(spec, record)
            return
        step = plan.stage_of(spec.deployed)
        if step is None:
            record = record if record is not None and record.plan == plan else RolloutRecord.at(plan, 0)
            await self._finish(spec, record, RolloutState.ENDED, "somebody has changed what is deployed")
            return
        record = await self._observed(plan, step, now)
        if reason := await self._what_is_wrong(record, spec.model):
            await self._finish(spec, record, RolloutState.ROLLED_BACK, reason)
        elif _is_over(record.status):
            await self._rise(spec, record)
        elif now - self._written_at >= _WRITE_SECONDS:
            await self._write(record)

    async def _observed(self, plan: Rollout, step: int, now: float) -> RolloutRecord:
        """Return the record with what was counted since the step began."""
        record = self._record
        is_new = record is None or record.plan != plan or record.status.step != step
        if record is None or is_new:
            record = RolloutRecord.at(plan, step)
            self._say(f"{plan.stages[step].share} % of the requests go to version {plan.version} now")
        counted = self._counted(plan)
        if is_new or self._began is None:
            self._began, self._brought = counted, (record.candidate, record.current)
            self._deaths, self._looked_at = len(self._fleet.deaths), None
        sides = [
            plus(old, minus(new, began)) for old, new, began in zip(self._brought, counted, self._began, strict=True)
        ]
        record = dataclasses.replace(record, candidate=sides[0], current=sides[1])
        held = record.status.held_seconds
        if self._looked_at is not None and self._fleet.ready:
            held += min(now - self._looked_at, _LONGEST_LOOK)
        self._looked_at = now
        record = record.with_status(held_seconds=held, requests=record.candidate.requests)
        if is_new:
            await self._write(record)
        self._record = record
        return record

    def _counted(self, plan: Rollout) -> Sides:
        counters: list[Mapping[str, Any]] = [worker.counters for worker in self._fleet.workers]
        others = [version.number for version in plan.stages[0].deployed if version.number != plan.version]
        return self._observations.of(plan.version, counters), _together(
            self._observations.of(number, counters) for number in others
        )

    async def _what_is_wrong(self, record: RolloutRecord, model: str) -> str | None:
        name = f"{model}@{record.plan.version}"
        if len(self._fleet.deaths) > self._deaths:
            return f"a worker process {self._fleet.deaths[-1]} while it served {name}"
        if self._fleet.load_error is not None:
            return _unloadable(self._fleet.load_error)
        return await asyncio.to_thread(_compare, record, name, _told(record.plan.before, model))

    async def _rise(self, spec: EndpointSpec, record: RolloutRecord) -> None:
        plan, step = record.plan, record.status.step + 1
        if step == len(plan.stages):
            await self._finish(spec, record, RolloutState.COMPLETED, None)
            return
        await self._change(spec, lambda newest: dataclasses.replace(newest, deployed=plan.stages[step].deployed))

    async def _finish(self, spec: EndpointSpec, record: RolloutRecord, state: RolloutState, reason: str | None) -> None:
        record = record.with_status(state=state, reason=reason)
        await self._write(record)
        told = _told(record.plan.before, spec.model)
        match state:
            case RolloutState.ROLLED_BACK:
                self._say(f"ALERT: version {record.plan.version} is rolled back to {told}: {reason}")
            case RolloutState.COMPLETED:
                self._say(f"version {record.plan.version} has come through all steps")
            case _:
                self._say(f"version {record.plan.version}: ended, since {reason}")
        await self._leave(spec, record)

    async def _leave(self, spec: EndpointSpec, record: RolloutRecord) -> None:
        """Let the spec say what the record says already: the roll-out is over."""
        is_back = record.status.state is RolloutState.ROLLED_BACK

        def edit(newest: EndpointSpec) -> EndpointSpec:
            deployed = record.plan.before if is_back else newest.deployed
            return dataclasses.replace(newest, deployed=deployed, rollout=None)

        await self._change(spec, edit)

    async def _end_by_others(self, spec: EndpointSpec) -> None:
        record = self._record
        if record is None:
            return
        if spec.deployed == record.plan.before:
            state, reason = RolloutState.ROLLED_BACK, "somebody took it back, as %endpoints rollback does"
        else:
            state, reason = RolloutState.ENDED, f"somebody has changed it: {_told(spec.deployed, spec.model)}"
        await self._write(record.with_status(state=state, reason=reason))
        self._say(f"version {record.plan.version}: the roll-out is over, {reason}")

    async def _change(self, spec: EndpointSpec, edit: Callable[[EndpointSpec], EndpointSpec]) -> None:
        """Change the spec, unless somebody else was faster. It is served as soon as the supervisor looks at it."""
        from mlmagic.workspace.database import Database
        from mlmagic.workspace.endpoints import EndpointStore

        def edit_same(newest: EndpointSpec) -> EndpointSpec:
            is_same = (newest.rollout, newest.deployed) == (spec.rollout, spec.deployed)
            return edit(newest) if is_same else newest

        await asyncio.to_thread(EndpointStore(Database(self._workspace)).change, self._name, edit_same)
        self._changed()

    async def _write(self, record: RolloutRecord) -> None:
        await asyncio.to_thread(write_rollout, self._folder, record)
        self._record, self._written_at = record, time.monotonic()
        self._changed()

    def _say(self, text: str) -> None:
        print(f"roll-out of {self._name}: {text}", flush=True)  # noqa: T201 - into the log


def _unloadable(error: str) -> str:
    return f"a worker process cannot be started with it: {error}"


def _is_over(status: RolloutStatus) -> bool:
    return status.held_seconds >= status.hold_seconds and status.requests >= status.least_requests


def _compare(record: RolloutRecord, candidate: str, current: str) -> str | None:
    # It needs numpy, which no other supervisor does.
    from mlmagic.monitoring.versions import Names, what_is_worse

    return what_is_worse(record.candidate, record.current, Names(candidate=candidate, current=current))


def _together(found: Iterable[Observed]) -> Observed:
    whole = Observed()
    for one in found:
        whole = plus(whole, one)
    return whole


def _told(deployed: Iterable[DeployedVersion], model: str) -> str:
    return ", ".join(f"{model}@{version.number} {version.traffic} %" for version in deployed if version.traffic)
