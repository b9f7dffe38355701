"""The shadow of an endpoint: started beside its workers, counted, started anew when it ends.

It is none of the workers: it has a process of its own, so that nothing that a version does touches a request. Workers
find it by the path of its socket, as they do with the next one if it or this supervisor is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlmagic.errors import MlmagicError
from mlmagic.serving.shadow.counting import latency_ms, plus
from mlmagic.serving.shadow.work import ShadowWork
from mlmagic.serving.supervisor.conversions import Conversions
from mlmagic.serving.supervisor.fleet import Fleet
from mlmagic.serving.supervisor.restarts import growing_pause
from mlmagic.serving.supervisor.shadow_process import ShadowProcess
from mlmagic.serving.supervisor.shadow_record import ShadowRecord, read_shadow, write_shadow
from mlmagic.serving.supervisor.table import RefusedSpecError, make_table, unconverted
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec, Shadow
from mlmagic.spec.shadow import ShadowState, ShadowStatus
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.runtime_folder import RuntimeFolder

_WRITE_SECONDS = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Shadows:
    """Keeps the shadow that the spec names. `look` returns at once; what takes longer is done by a task."""

    def __init__(
        self, workspace: Workspace, name: str, fleet: Fleet, conversions: Conversions, changed: Callable[[], None]
    ) -> None:
        self._workspace = workspace
        self._name = name
        self._folder = workspace.endpoint(name)
        self._fleet = fleet
        self._conversions = conversions
        self._changed = changed
        # With the counts of processes that have ended.
        self._record = read_shadow(self._folder)
        self._process: ShadowProcess | None = None
        self._starting: asyncio.Task[None] | None = None
        self._error: str | None = None
        self._failures = 0
        self._next_at = self._written_at = float("-inf")
        self._written = self._record

    @property
    def status(self) -> ShadowStatus | None:
        """What is known of the shadow, while there is one."""
        record = self._known()
        if record is None:
            return None
        return ShadowStatus(
            version=record.plan.version,
            share=record.plan.share,
            state=self._state(),
            error=self._error,
            engine=None if self._process is None else self._process.engine,
            counts=record.counts,
            dropped=record.dropped,
            latency_ms=latency_ms(record.counts.latencies),
            served_latency_ms=latency_ms(record.counts.served_latencies),
            since=record.since,
        )

    def forget(self, counters: Mapping[str, Any]) -> None:
        """Keep the count of a worker that has ended."""
        if self._record is not None:
            dropped = self._record.dropped + _dropped(counters, self._record.plan)
            self._record = dataclasses.replace(self._record, dropped=dropped)

    def look(self, now: float) -> None:
        """Bring it to what is served now."""
        served = self._fleet.served
        if served is None:
            return
        spec = served.spec
        if (self._record.plan if self._record else None) != spec.shadow:
            self._replace(spec.shadow)
        self._sweep(now)
        is_needed = self._record is not None and bool(self._fleet.ready)
        is_free = self._starting is None or self._starting.done()
        if is_needed and self._process is None and is_free and now >= self._next_at:
            self._starting = asyncio.create_task(self._start(spec))
        elif not is_needed and self._process is not None:
            self._process.kill()
        if now - self._written_at >= _WRITE_SECONDS:
            self._write(now)

    async def close(self) -> None:
        """End it; what was counted stays for the next supervisor."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._process is not None:
            await self._process.end()
        with contextlib.suppress(OSError, MlmagicError):
            self._address().unlink(missing_ok=True)
        self._write(time.monotonic())

    def _replace(self, plan: Shadow | None) -> None:
        if self._starting is not None:
            self._starting.cancel()
        if self._process is not None:
            self._process.kill()
        self._process, self._error, self._failures, self._next_at = None, None, 0, float("-inf")
        self._record = None if plan is None else ShadowRecord(plan=plan, since=datetime.now(UTC))
        self._say("there is none any more" if plan is None else f"version {plan.version} gets copies of the requests")

    def _sweep(self, now: float) -> None:
        process = self._process
        if process is None or self._record is None:
            return
        process.check(now)
        if process.engine is not None:
            self._error = None
        if process.is_alive:
            return
        self._record = dataclasses.replace(self._record, counts=plus(self._record.counts, process.counts))
        self._process = None
        if self._fleet.ready:
            self._failed(process.error or "its process ended", now)

    def _failed(self, error: str, now: float) -> None:
        self._error = error
        self._next_at = now + growing_pause(_FIRST_PAUSE, self._failures, _LONGEST_PAUSE)
        self._failures += 1
        self._say(error)

    async def _start(self, spec: EndpointSpec) -> None:
        plan = spec.shadow
        if plan is None:
            return
        alone = dataclasses.replace(spec, deployed=(DeployedVersion(number=plan.version, engine=plan.engine),))
        try:
            needed = await asyncio.to_thread(unconverted, self._workspace, alone)
            converted = {version.number: await self._conversions.convert(version) for version in needed}
            table = await asyncio.to_thread(make_table, self._workspace, alone, {}, conversions=converted)
            work = ShadowWork(
                endpoint=self._name,
                label=f"{spec.model}@{plan.version}",
                version=table.versions[0],
                limits=spec.limits,
                address=str(self._address()),
            )
            self._process = ShadowProcess.start(work, spec.python, self._changed)
        except (RefusedSpecError, OSError) as error:
            self._failed(" ".join(str(error).split()), time.monotonic())
        except Exception as error:  # noqa: BLE001 - a shadow must not end the endpoint
            traceback.print_exception(error)
            self._failed(f"mlmagic failed over it: {type(error).__name__}", time.monotonic())
        self._changed()

    def _address(self) -> Path:
        return RuntimeFolder.make(self._workspace, os.environ).shadow_socket(self._name)

    def _state(self) -> ShadowState:
        if self._process is not None and self._process.engine is not None:
            return ShadowState.RUNNING
        if self._error is not None:
            return ShadowState.FAILED
        return ShadowState.LOADING if self._fleet.ready else ShadowState.WAITING

    def _known(self) -> ShadowRecord | None:
        """Return the record with what living processes have counted."""
        record = self._record
        if record is None:
            return None
        counts = record.counts if self._process is None else plus(record.counts, self._process.counts)
        dropped = sum(_dropped(worker.counters, record.plan) for worker in self._fleet.workers)
        return dataclasses.replace(record, counts=counts, dropped=record.dropped + dropped)

    def _write(self, now: float) -> None:
        known, self._written_at = self._known(), now
        if known != self._written:
            # On a full disk it is tried again; the status tells of it all the same.
            with contextlib.suppress(OSError):
                write_shadow(self._folder, known)
                self._written = known

    def _say(self, text: str) -> None:
        print(f"shadow of {self._name}: {text}", flush=True)  # noqa: T201 - into the log


def _dropped(counters: Mapping[str, Any], plan: Shadow) -> int:
    told = counters.get("shadow", {})
    return int(told["dropped"]) if told.get("since") == plan.create_time.isoformat() else 0
