"""The versions of a worker: loaded beside those that serve, swapped, closed."""

from __future__ import annotations

import asyncio
import gc
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.errors import MlmagicError
from mlmagic.serving.supervisor.observations import add_counts
from mlmagic.serving.supervisor.table import Table, VersionToServe
from mlmagic.serving.supervisor.token import read_token
from mlmagic.spec.codec import DecodeError, loads
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.runtime_folder import RuntimeFolder

if TYPE_CHECKING:
    from mlmagic.serving.app.application import Application
    from mlmagic.serving.app.served import ServedVersion
    from mlmagic.serving.engines.base import Engine
    from mlmagic.serving.request_log.log import RequestLog
    from mlmagic.spec.endpoint import EndpointSpec, EndpointStatus, VersionStatus
    from mlmagic.spec.request_log import RequestLogStatus

_COLLECT_AFTER = (100_000, 50, 100)
"""Objects made, and so on: a collection every few hundred requests would cost more than what they leave behind."""


class Versions:
    """What is loaded, and what of it is served. Belongs to one event loop."""

    def __init__(self, workspace: Workspace) -> None:
        from mlmagic.serving.app.deployed import Deployed

        self.deployed = Deployed()
        self.table: Table | None = None
        self.wanted: Table | None = None
        """What is to be served next, or is already."""
        self._workspace = workspace
        self._loaded: dict[str, ServedVersion] = {}
        self._callers: dict[ServedVersion, ThreadPoolExecutor] = {}
        self._closed: list[VersionStatus] = []
        self._closed_logs: list[RequestLogStatus] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._loading = asyncio.Lock()
        # One at a time: more would only take the processor from those that are being answered.
        self._loader = ThreadPoolExecutor(1, "load")

    async def load(self, table: Table) -> None:
        """Load what has not been loaded, while what is served goes on being served.

        Of several calls the newest counts: what only the others want is loaded no more, or dropped again.

        Raises:
            Exception: whatever a model raises.
        """
        self.wanted = table
        if self._loaded.keys() >= table.versions_as_text.keys():
            # What is loading now must not keep anybody from going back.
            return
        async with self._loading:
            for text, version in table.versions_as_text.items():
                if text not in self._loaded and self._wants(text):
                    await self._load(table, text, version)

    async def _load(self, table: Table, text: str, version: VersionToServe) -> None:
        from mlmagic.serving.app.served import ServedVersion

        engine = await asyncio.get_running_loop().run_in_executor(self._loader, _load_engine, version)
        if self._wants(text):
            label = f"{table.spec.model}@{version.number}"
            # Of its own: a version that is slow must hold up no other. Its thread starts when it is needed.
            caller = ThreadPoolExecutor(1, f"predict-{version.number}")
            served = ServedVersion(label, version.number, engine, table.spec.limits, executor=caller)
            self._loaded[text], self._callers[served] = served, caller
        else:
            await asyncio.get_running_loop().run_in_executor(self._loader, engine.close)
        _freeze()

    def _wants(self, text: str) -> bool:
        return any(table is not None and text in table.versions_as_text for table in (self.wanted, self.table))

    def serve(self, table: Table) -> None:
        """Serve this, which is loaded, from the next request on; the rest is closed after what it still answers."""
        from mlmagic.serving.app import deployed

        texts = table.versions_as_text
        self.deployed.swap(
            deployed.Table(
                endpoint=table.spec.name,
                model=table.spec.model,
                versions={version.number: self._loaded[text] for text, version in texts.items()},
                traffic={version.number: version.traffic for version in table.spec.deployed},
                aliases=table.aliases,
            )
        )
        self.table = table
        self._look_at_predictions(is_wanted=table.spec.rollout is not None)
        self._log_requests(table.spec)
        self._copy_requests(table.spec)
        for text in [text for text in self._loaded if text not in texts]:
            task = asyncio.create_task(self._close(self._loaded.pop(text)))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def application(self, table: Table) -> Application:
        """Return the ASGI application that answers for what is served."""
        from mlmagic.serving.app.access import Access
        from mlmagic.serving.app.application import create_app

        spec = table.spec
        token = read_token(self._workspace, spec.name) if spec.needs_token else None
        access = Access(token=token, host=spec.host, needs_token=spec.needs_token)
        return create_app(self.deployed, access, spec.limits, read_status=lambda: self._read_status(spec.name))

    def _read_status(self, name: str) -> EndpointStatus | None:
        """Return what the supervisor said last of all workers."""
        from mlmagic.spec.endpoint import EndpointStatus

        try:
            return loads(EndpointStatus, self._workspace.endpoint(name).status.read_bytes())
        except (OSError, DecodeError):
            return None

    @property
    def is_stuck(self) -> bool:
        """A model has not come back from a call in time, and may never."""
        return any(served.is_stuck for served in self._loaded.values())

    def counters(self) -> dict[str, Any]:
        """Return what has been asked and answered, for the supervisor."""
        versions: dict[str, dict[str, Any]] = {}
        for status in (*self._closed, *(served.status for served in self._loaded.values())):
            counts = versions.setdefault(str(status.number), {"requests": 0, "instances": 0, "errors": 0})
            for name in ("requests", "instances", "errors"):
                counts[name] += getattr(status, name)
            counts["engine"], counts["latency"] = status.engine, dict(status.latency_ms)
            counts["seconds"] = counts.get("seconds", 0.0) + status.latency_seconds
            counts["latencies"] = add_counts(counts.get("latencies", ()), status.latency_counts)
        for served in self._loaded.values():
            if served.predictions is not None:
                versions[str(served.number)]["predictions"] = served.predictions.told()
        return {
            "versions": versions,
            "requests": sum(counts["requests"] for counts in versions.values()),
            "waiting": sum(served.queue_length for served in self._loaded.values()),
            **self._log_counters(),
            **self._shadow_counters(),
        }

    async def close(self) -> None:
        """Close all versions after what they still answer."""
        await asyncio.gather(*(self._close(served) for served in self._loaded.values()), *self._closing)
        log, self.deployed.log = self.deployed.log, None
        if log is not None:
            await self._close_log(log)
        tap, self.deployed.shadow = self.deployed.shadow, None
        if tap is not None:
            await asyncio.to_thread(tap.close)

    async def _close(self, served: ServedVersion) -> None:
        await served.close()
        self._closed.append(served.status)
        self._callers.pop(served).shutdown(wait=False)

    def _look_at_predictions(self, *, is_wanted: bool) -> None:
        from mlmagic.serving.app.predictions import PredictionCounts

        for served in self._loaded.values():
            # From one step to the next they are counted on.
            served.predictions = (served.predictions or PredictionCounts()) if is_wanted else None

    def _log_requests(self, spec: EndpointSpec) -> None:
        """Begin, change or end the request log, from the next request on."""
        from mlmagic.serving.request_log.log import RequestLog

        log = self.deployed.log
        if (None if log is None else log.settings) == spec.log:
            return
        self.deployed.log = None
        if spec.log is not None:
            folder = self._workspace.endpoint(spec.name).requests
            self.deployed.log = RequestLog(folder, spec.log, endpoint=spec.name, model=spec.model)
        if log is not None:
            task = asyncio.create_task(self._close_log(log))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close_log(self, log: RequestLog) -> None:
        await asyncio.to_thread(log.close)
        self._closed_logs.append(log.status)

    def _log_counters(self) -> dict[str, Any]:
        log = self.deployed.log
        logs = [*self._closed_logs, *([] if log is None else [log.status])]
        if not logs:
            return {}
        sampled, dropped = sum(one.sampled for one in logs), sum(one.dropped for one in logs)
        return {"log": {"sampled": sampled, "dropped": dropped, "error": logs[-1].error}}

    def _copy_requests(self, spec: EndpointSpec) -> None:
        """Begin, change or end the copies to a shadow, from the next request on."""
        from mlmagic.serving.shadow.tap import ShadowTap

        tap = self.deployed.shadow
        if (None if tap is None else tap.plan) == spec.shadow:
            return
        self.deployed.shadow = None
        if spec.shadow is not None:
            try:
                address = RuntimeFolder.make(self._workspace, os.environ).shadow_socket(spec.name)
                self.deployed.shadow = ShadowTap(spec.shadow, address)
            except (MlmagicError, OSError, RuntimeError) as error:
                # Such as no thread any more: what is served is served without a shadow.
                print(f"no copies go to a shadow: {error}", flush=True)  # noqa: T201 - into the log
        if tap is not None:
            task = asyncio.create_task(asyncio.to_thread(tap.close))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _shadow_counters(self) -> dict[str, Any]:
        tap = self.deployed.shadow
        if tap is None:
            return {}
        return {"shadow": {"dropped": tap.dropped, "since": tap.plan.create_time.isoformat()}}


def _load_engine(version: VersionToServe) -> Engine:
    from mlmagic.serving.engines.load import load_engine

    return load_engine(
        Path(version.artifact),
        signature=version.signature,
        choice=version.engine,
        converted=_converted(version),
    )


def _converted(version: VersionToServe) -> Path | None:
    path = None if version.converted is None else Path(version.converted)
    # It may have been removed since, or made anew by other libraries: then the other engine is there.
    is_needed = version.engine is EngineChoice.ONNX
    return path if path is None or is_needed or path.exists() else None


def _freeze() -> None:
    """Keep the collector from looking at a model's objects again and again: that has held up requests for 0.2 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
