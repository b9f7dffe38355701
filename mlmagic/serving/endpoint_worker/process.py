"""The worker's life: it does what its supervisor tells it, and serves on without one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from mlmagic.runtime.linux import set_process_name
from mlmagic.serving.endpoint_worker.orphan import Orphan
from mlmagic.serving.endpoint_worker.server import Server
from mlmagic.serving.endpoint_worker.versions import Versions
from mlmagic.serving.supervisor.channel import Channel, Message
from mlmagic.serving.supervisor.listening import adopt
from mlmagic.serving.supervisor.table import Table
from mlmagic.spec.codec import decode
from mlmagic.workspace.endpoint_folder import EndpointFolder
from mlmagic.workspace.layout import Workspace

_TELL_SECONDS = 0.5
_HEARTBEAT_SECONDS = 5.0
"""A worker says something at least this often."""
_DRAIN_SECONDS = 30.0
# The system's first choice when memory runs out: a worker is replaced in seconds, a notebook is not.
_OOM_SCORE = "500"


class Process:
    """See the module."""

    def __init__(self, folder: EndpointFolder, connection: socket.socket, listener: socket.socket) -> None:
        self._folder = folder
        self._workspace = Workspace(folder.root.parent.parent)
        self._connection = connection
        self._listener = listener
        self._versions = Versions(self._workspace)
        self._server: Server | None = None
        self._drained = asyncio.Event()
        self._drain_seconds = _DRAIN_SECONDS

    async def run(self) -> None:
        """Serve until told to end."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._drain)
        channel = await Channel.open(self._connection)
        hearing = asyncio.create_task(self._hear(channel))
        telling = asyncio.create_task(self._tell(channel))
        await self._drained.wait()
        channel.tell({"draining": self._drain_seconds})
        if self._server is not None:
            await self._server.drain(self._drain_seconds)
        await self._versions.close()
        hearing.cancel()
        telling.cancel()

    def _drain(self, seconds: float = _DRAIN_SECONDS) -> None:
        self._drain_seconds = seconds
        self._versions.deployed.drain()
        self._drained.set()

    async def _hear(self, channel: Channel) -> None:
        tasks: set[asyncio.Task[None]] = set()
        while (message := await channel.hear()) is not None:
            task = asyncio.create_task(self._do(channel, message))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        channel.close()
        if not self._drained.is_set():
            # Even one that does not serve yet has the socket, and may be the last that has.
            orphan = Orphan(self._workspace, self._folder.root.name, self._listener)
            waiting = asyncio.create_task(orphan.wait_for_successor())
            drained = asyncio.create_task(self._drained.wait())
            await asyncio.wait([waiting, drained], return_when=asyncio.FIRST_COMPLETED)
            if waiting.done() and (error := waiting.exception()) is not None:
                # Whatever it is: to end would take away the last that serves.
                traceback.print_exception(error)
                await self._drained.wait()
            waiting.cancel()
            self._drain()

    async def _do(self, channel: Channel, message: Message) -> None:
        match message["do"]:
            case "load" | "serve" as what:
                answer = await self._change(what, decode(Table, message["table"]))
                channel.tell(self._counters())
                channel.tell({"id": message["id"], **answer})
            case "shed":
                self._versions.deployed.shed(message["connections"])
                if self._server is not None:
                    self._server.hold_back()
            case "drain":
                self._drain(message["seconds"])
                if self._server is not None:
                    self._server.stop()
                if "id" in message:
                    channel.tell({"id": message["id"]})

    async def _change(self, what: str, table: Table) -> dict[str, Any]:
        try:
            await self._versions.load(table)
            if self._versions.wanted is not table:
                return {"error": "something else is wanted by now"}
            if what == "serve":
                self._versions.serve(table)
                if self._server is None:
                    self._server = Server(self._versions.application(table), self._listener)
                    self._server.start()
        except Exception as error:  # noqa: BLE001 - a model may raise anything, and the supervisor has to know
            return {"error": _one_line(error)}
        return {}

    def _counters(self) -> dict[str, Any]:
        return {
            **self._versions.counters(),
            "connections": self._server.connections if self._server is not None else 0,
            "is_stuck": self._versions.is_stuck,
        }

    async def _tell(self, channel: Channel) -> None:
        last: dict[str, Any] = {}
        told_at = 0.0
        while True:
            counters, now = self._counters(), time.monotonic()
            if counters != last or now - told_at >= _HEARTBEAT_SECONDS:
                channel.tell(counters)
                last, told_at = counters, now
            await asyncio.sleep(_TELL_SECONDS)


def run_worker(endpoint: str, channel: int, listener: int) -> None:
    """Serve an endpoint, as this process."""
    import uvloop

    # An interrupt is meant for somebody else; the end of the supervisor's session is none of this process's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    folder = EndpointFolder(Path(endpoint))
    set_process_name(f"work {folder.root.name}")
    _raise_limits()
    os.set_inheritable(channel, False)  # noqa: FBT003 - the name of the method says what it means

    async def serve() -> None:
        await Process(folder, socket.socket(fileno=channel), adopt(listener)).run()

    uvloop.run(serve())
    # TensorFlow's threads and static objects take their time, and sometimes more, to go in an orderly way.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _raise_limits() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, "ascii")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if type(error).__module__.startswith("mlmagic.") else f"{type(error).__name__}: {text}"
