"""What a worker does whose supervisor has died: it serves on, starts another one, and makes room for its workers."""

from __future__ import annotations

import asyncio
import os
import random
import socket

from mlmagic.errors import MlmagicError
from mlmagic.runtime.agent_lock import take_lock
from mlmagic.serving.supervisor.launch import start_supervisor
from mlmagic.serving.supervisor.record import SupervisorRecord, is_supervised, read_supervisor, tell_supervisor
from mlmagic.spec import codec
from mlmagic.spec.endpoint import EndpointSpec, EndpointState, EndpointStatus
from mlmagic.workspace.layout import Workspace

_POLL_SECONDS = 0.2
_LONGEST_POLL_SECONDS = 5.0


class Orphan:
    """Looks after one endpoint without a supervisor."""

    def __init__(self, workspace: Workspace, name: str, listener: socket.socket) -> None:
        self._workspace = workspace
        self._folder = workspace.endpoint(name)
        self._listener = listener
        self._told: int | None = None

    async def wait_for_successor(self) -> None:
        """Return when this process is not needed any more: new workers serve, or the endpoint is gone."""
        pause = _POLL_SECONDS
        while self._folder.spec.exists():
            record = read_supervisor(self._folder)
            # Its own supervisor may not have ended altogether yet.
            is_own = record is not None and os.getpid() in {worker.pid for worker in record.workers}
            if record is not None and not is_own and is_supervised(self._folder):
                self._hand_over(record)
                if self._has_successor(record):
                    return
            else:
                await asyncio.to_thread(self._start_supervisor)
                # One that dies again and again must not keep the machine busy.
                pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
            # Those of the same endpoint need not do everything at the same moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    def _start_supervisor(self) -> None:
        """Start one that inherits the socket, unless somebody else is about to."""
        try:
            lock = take_lock(self._folder.lock)
        except OSError:
            return
        if lock is None:
            return
        try:
            if not is_supervised(self._folder):
                spec = codec.loads(EndpointSpec, self._folder.spec.read_bytes())
                start_supervisor(self._workspace, spec, lock, self._listener.fileno())
        except (OSError, codec.DecodeError, MlmagicError) as error:
            print(error, flush=True)  # noqa: T201 - into the log
        finally:
            os.close(lock)

    def _hand_over(self, record: SupervisorRecord) -> None:
        """Give the socket to a supervisor that somebody else started, which could not bind another."""
        if record.pid != self._told and tell_supervisor(
            self._folder, {"do": "take"}, descriptor=self._listener.fileno()
        ):
            self._told = record.pid

    def _has_successor(self, record: SupervisorRecord) -> bool:
        try:
            status = codec.loads(EndpointStatus, self._folder.status.read_bytes())
        except (OSError, codec.DecodeError):
            return False
        ready = {worker.pid for worker in status.workers if worker.state == "ready"}
        is_serving = status.state in {EndpointState.READY, EndpointState.UPDATING}
        return is_serving and not ready.isdisjoint(worker.pid for worker in record.workers)
