"""A worker process as its supervisor sees it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from mlmagic.serving.supervisor.channel import Channel, Message
from mlmagic.serving.supervisor.measure import ProcessMeter, Usage
from mlmagic.serving.supervisor.table import Table, VersionToServe
from mlmagic.spec import codec
from mlmagic.spec.endpoint import WorkerStatus
from mlmagic.workspace.processes import ProcessIdentity

_ENTRY = Path(__file__).parents[1] / "endpoint_worker" / "__main__.py"
_REAP_SECONDS = 5.0


class WorkerDiedError(Exception):
    """The process ended before it answered. `how` says it in words."""

    def __init__(self, how: str) -> None:
        self.how = how
        super().__init__(how)


class LoadFailedError(Exception):
    """A version cannot be loaded; the text is one line for its user."""


class Worker:
    """A process of `mlmagic.serving.endpoint_worker`. Lives in the supervisor's loop."""

    def __init__(
        self, process: subprocess.Popen[bytes], identity: ProcessIdentity, changed: Callable[[], None]
    ) -> None:
        self.process = process
        self.identity = identity
        self.start_time = datetime.now(UTC)
        self.table: Table | None = None
        """What it serves now; None until it takes connections."""
        self.served: tuple[VersionToServe, ...] = ()
        """The versions of it, as they are loaded."""
        self.is_admitted = False
        """It is to take connections."""
        self.is_spare = False
        """It loads what is to be served next, and is none of the endpoint's workers until that is served."""
        self.is_outdated = False
        """Others take its place."""
        self.ready_at: float | None = None
        self.is_draining = False
        self.drain_until = float("inf")
        self.counters: Mapping[str, Any] = {}
        self.heard_at = time.monotonic()
        """When it last said that it can answer, as it does every few seconds."""
        self.died: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """How it ended, once it has."""
        self._meter = ProcessMeter(process.pid)
        self._usage = Usage()
        self._changed = changed
        self._channel: Channel | None = None
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self._last = 0
        self._turn = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    def start(cls, table: Table, listener: socket.socket, endpoint: Path, changed: Callable[[], None]) -> Self:
        """Start a process that inherits the listening socket. `changed` is called whenever there is news of it.

        Raises:
            OSError: the system refuses.
        """
        ours, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as unless_started:
            unless_started.enter_context(ours)
            command = [table.spec.python or sys.executable, "-P", str(_ENTRY), str(endpoint)]
            process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(listener.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), listener.fileno()],
                env=worker_environment(os.environ),
                cwd="/",
                # A signal to the supervisor's group is none to it: it serves on without.
                start_new_session=True,
            )
            unless_started.pop_all()
        identity = ProcessIdentity.of(process.pid) or ProcessIdentity(pid=process.pid, start_time=0, boot_id="")
        worker = cls(process, identity, changed)
        worker._listening = asyncio.create_task(worker._listen(ours))
        return worker

    @property
    def is_alive(self) -> bool:
        """It has not ended."""
        return not self.died.done()

    @property
    def is_ready(self) -> bool:
        """It takes connections."""
        return self.table is not None and self.is_alive and not self.is_draining

    async def load(self, table: Table) -> None:
        """Have it load what it has not loaded; it serves what it served meanwhile.

        Raises:
            LoadFailedError: a version cannot be loaded.
            WorkerDiedError: the process ended instead.
        """
        async with self._turn:
            answer = await self._ask({"do": "load", "table": codec.encode(table)})
        if "error" in answer:
            raise LoadFailedError(str(answer["error"]))

    async def serve(self, table: Table, *, translated: Table | None = None) -> None:
        """Have it serve this and nothing else; what it has not loaded, it loads first.

        Args:
            table: what all are to serve.
            translated: the same, as this worker has loaded it.

        Raises:
            LoadFailedError: a version cannot be loaded.
            WorkerDiedError: the process ended instead.
        """
        self.is_admitted = True
        async with self._turn:
            answer = await self._ask({"do": "serve", "table": codec.encode(translated or table)})
        if "error" in answer:
            raise LoadFailedError(str(answer["error"]))
        self.table, self.served = table, (translated or table).versions
        self.ready_at = self.ready_at or time.monotonic()
        self._changed()

    def shed(self, connections: int) -> None:
        """Have it close some connections, each after its next answer."""
        self._tell({"do": "shed", "connections": connections})

    def drain(self, seconds: float) -> None:
        """Have it take no more connections, answer what it has, and end."""
        if not self.is_draining:
            self.is_draining = True
            self.drain_until = time.monotonic() + seconds
            self._tell({"do": "drain", "seconds": seconds})

    def in_its_terms(self, table: Table) -> Table | None:
        """Return the table with the versions as this one has loaded them; None if it lacks one."""
        loaded = {version.number: version for version in self.served}
        if any(version.number not in loaded for version in table.versions):
            return None
        return dataclasses.replace(table, versions=tuple(loaded[version.number] for version in table.versions))

    async def step_down(self, seconds: float) -> None:
        """Do the same, and return when it takes no more connections."""
        self.drain(seconds)
        with contextlib.suppress(WorkerDiedError):
            await self._ask({"do": "drain", "seconds": seconds})

    def kill(self) -> None:
        """End it at once."""
        self.is_draining = True
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)

    def measure(self) -> None:
        """Look at its memory, and at its processor use since the last look."""
        self._usage = self._meter.measure()

    @property
    def cpu_percent(self) -> float:
        """Of one core, as last measured."""
        return self._usage.cpu_percent

    @property
    def status(self) -> WorkerStatus:
        """What is told of it."""
        return WorkerStatus(
            pid=self.process.pid,
            state="draining" if self.is_draining else "loading" if self.table is None else "ready",
            start_time=self.start_time,
            memory_bytes=self._usage.memory_bytes,
            cpu_percent=round(self._usage.cpu_percent),
            connections=int(self.counters.get("connections", 0)),
        )

    async def _ask(self, message: dict[str, Any]) -> Message:
        if not self.is_alive:
            raise WorkerDiedError(self.died.result())
        self._last += 1
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[self._last] = answer
        self._tell({**message, "id": self._last})
        return await answer

    def _tell(self, message: Mapping[str, Any]) -> None:
        if self._channel is not None:
            self._channel.tell(message)
        elif self.is_alive:
            # It was started in this very moment.
            asyncio.get_running_loop().call_soon(self._tell, message)

    async def _listen(self, connection: socket.socket) -> None:
        self._channel = await Channel.open(connection)
        while (message := await self._channel.hear()) is not None:
            # One with a model that does not come back is ended as one that says nothing.
            if not message.get("is_stuck", False):
                self.heard_at = time.monotonic()
            if "id" in message:
                answer = self._answers.pop(message["id"], None)
                if answer is not None and not answer.done():
                    answer.set_result(message)
            elif "draining" in message:
                # Somebody has told it to end.
                self.is_draining, self.drain_until = True, time.monotonic() + message["draining"]
            else:
                self.counters = message
            self._changed()
        self._channel.close()
        await self._reap()

    async def _reap(self) -> None:
        deadline = time.monotonic() + _REAP_SECONDS
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self.process.kill()
            await asyncio.sleep(0.01)
        how = how_it_ended(self.process.returncode)
        self.died.set_result(how)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(WorkerDiedError(how))
        self._answers.clear()
        self._changed()


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that serves."""
    # A server that waits must not take the whole GPU from the training jobs beside it.
    return {"TF_CPP_MIN_LOG_LEVEL": "1", "TF_FORCE_GPU_ALLOW_GROWTH": "true", "KERAS_BACKEND": "tensorflow", **environ}


def how_it_ended(status: int) -> str:
    """Return what became of a process, from its exit status: what follows its name in a sentence."""
    if status >= 0:
        return f"ended with exit code {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    out_of_memory = " (out of memory?)" if name == "SIGKILL" else ""
    return f"was ended by {name}{out_of_memory}"
