"""What a supervisor tells others in its endpoint's folder: who it is, which its workers are, what it does."""

from __future__ import annotations

import contextlib
import os
import time
from datetime import UTC, datetime
from typing import Any

import mlmagic
from mlmagic.runtime.agent_lock import holds_lock
from mlmagic.serving.supervisor.fleet import Fleet
from mlmagic.serving.supervisor.record import SupervisorRecord
from mlmagic.serving.supervisor.status import StatusFile
from mlmagic.spec.codec import dumps
from mlmagic.spec.endpoint import EndpointState, EndpointStatus
from mlmagic.spec.rollout import RolloutStatus
from mlmagic.spec.shadow import ShadowStatus
from mlmagic.workspace.endpoint_folder import EndpointFolder
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.processes import ProcessIdentity, is_alive

_HEARTBEAT_SECONDS = 10.0
_LONGEST_LOG = 4 << 20


class Reports:
    """Writes as long as the folder is the one of this endpoint."""

    def __init__(self, folder: EndpointFolder, lock: int, socket: str) -> None:
        self._folder = folder
        self._lock = lock
        self._socket = socket
        self._status_file = StatusFile(folder)
        self._start_time = datetime.now(UTC)
        self._identity = ProcessIdentity.current()
        self._recorded: tuple[tuple[ProcessIdentity, ...], ...] = ()
        self._beaten_at = float("-inf")

    @property
    def is_ours(self) -> bool:
        """Say whether the folder is still the one of this endpoint: it may have been deleted, and made again."""
        return holds_lock(self._folder.lock, self._lock)

    def record(self, fleet: Fleet) -> None:
        """Say who this is and which the workers are, when that has changed."""
        workers = tuple(worker.identity for worker in fleet.workers)
        orphans = tuple(worker for worker in fleet.orphans if is_alive(worker))
        if (workers, orphans) == self._recorded or not self.is_ours:
            return
        identity = self._identity
        record = SupervisorRecord(
            pid=identity.pid,
            start_time=identity.start_time,
            boot_id=identity.boot_id,
            host=identity.host,
            namespace=identity.namespace,
            socket=self._socket,
            version=mlmagic.__version__,
            lock=os.fstat(self._lock).st_ino,
            workers=workers,
            orphans=orphans,
        )
        with contextlib.suppress(OSError):
            write_atomic(self._folder.supervisor, dumps(record), sync=False)
            self._recorded = workers, orphans

    def say(self, state: EndpointState, **details: Any) -> None:
        """Say what the endpoint does; `details` are fields of its status."""
        status = EndpointStatus(state=state, start_time=self._start_time, update_time=datetime.now(UTC), **details)
        self._write(status, time.monotonic())

    def say_goodbye(self, rollout: RolloutStatus | None, shadow: ShadowStatus | None) -> None:
        """Say that nothing runs any more, and let the next one start."""
        now = datetime.now(UTC)
        self._write(
            EndpointStatus(
                state=EndpointState.DOWN,
                rollout=rollout,
                shadow=shadow,
                start_time=self._start_time,
                update_time=now,
            ),
            float("inf"),
        )
        os.close(self._lock)

    def beat(self, now: float) -> None:
        """Show that this process lives, every few seconds."""
        if now - self._beaten_at >= _HEARTBEAT_SECONDS:
            self._beaten_at = now
            with contextlib.suppress(OSError):
                os.utime(self._folder.supervisor)
                if os.fstat(1).st_size > _LONGEST_LOG:
                    os.ftruncate(1, 0)

    def _write(self, status: EndpointStatus, now: float) -> None:
        with contextlib.suppress(OSError):
            if self.is_ours:
                self._status_file.write(status, now)
