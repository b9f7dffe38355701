"""An endpoint's supervisor as others see it: started, woken, stopped, and told of truthfully.

Whoever calls has written the endpoint's spec before. A new supervisor reads it after it has begun to listen to calls,
so of message and start one always works.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from mlmagic.errors import BackendError
from mlmagic.runtime.agent_lock import take_lock
from mlmagic.runtime.detached import start_detached
from mlmagic.serving.supervisor.listening import listen
from mlmagic.serving.supervisor.record import is_supervised, living_workers, read_supervisor, tell_supervisor
from mlmagic.serving.supervisor.token import ensure_token, forget_token
from mlmagic.spec.endpoint import EndpointRecord, EndpointSpec, EndpointState, EndpointStatus
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoint_folder import EndpointFolder
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.files import explained
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity, heartbeat_age, is_alive, same_boot

START_SECONDS = 30.0
"""A lock older than this is not that of a supervisor that is still starting."""
_ENTRY = Path(__file__).with_name("__main__.py")
_LONGEST_LOG = 4 << 20
_POLL_SECONDS = 0.02


def ensure_supervisor(workspace: Workspace, name: str) -> bool:
    """Start the endpoint's supervisor unless there is one, or somebody is about to; say whether this call did.

    When it returns, the port takes connections, unless something else has it, as the endpoint's status then says.

    Raises:
        NotFoundError: there is no such endpoint.
        BackendError: the system refuses to start a process.
        WorkspaceError: the workspace cannot be written.
    """
    spec = EndpointStore(Database(workspace)).get(name)
    folder = workspace.endpoint(name)
    with explained(f"lock {folder.lock}"):
        lock = take_lock(folder.lock)
        if lock is None and _nobody_answers(folder):
            folder.lock.unlink(missing_ok=True)
            lock = take_lock(folder.lock)
    if lock is None:
        return False
    try:
        with explained(f"start the endpoint {name}"):
            before = read_supervisor(folder)
            if before is not None and not same_boot(before):
                forget_token(workspace, name)
            ensure_token(workspace, name)
        with contextlib.ExitStack() as listening:
            listener: socket.socket | None = None
            # Workers of a supervisor that was killed have the port, and hand it over; or it is taken, as it then says.
            with contextlib.suppress(OSError):
                listener = listening.enter_context(listen(spec.host, spec.port))
            start_supervisor(workspace, spec, lock, -1 if listener is None else listener.fileno())
    finally:
        os.close(lock)
    return True


def wake_supervisor(workspace: Workspace, name: str) -> None:
    """Have the supervisor look at the endpoint's spec and at its model's aliases; start one if there is none.

    Raises:
        NotFoundError: there is no such endpoint.
        BackendError: the system refuses to start a process.
        WorkspaceError: the workspace cannot be written.
    """
    if not tell_supervisor(workspace.endpoint(name), {"do": "look"}):
        ensure_supervisor(workspace, name)


def start_supervisor(workspace: Workspace, spec: EndpointSpec, lock: int, listener: int) -> None:
    """Start the process, which inherits the lock and, unless that is -1, the listening socket.

    It is isolated from the notebook's folder and PYTHONPATH, and keeps none of this process's files and terminal.

    Raises:
        BackendError: the system refuses to start a process.
    """
    root = os.path.abspath(workspace.root)  # noqa: PTH100 - as it is named, links and all
    command = [spec.python or sys.executable, "-I", str(_ENTRY), root, spec.name, str(lock), str(listener)]
    start_detached(
        command,
        workspace.endpoint(spec.name).log,
        longest_log=_LONGEST_LOG,
        descriptors=[lock, *([] if listener < 0 else [listener])],
        what=f"the process that keeps the endpoint {spec.name!r}",
    )


def read_endpoint(workspace: Workspace, name: str) -> EndpointRecord:
    """Return the endpoint with what is true of it now: one whose processes are gone is DOWN, whatever they said last.

    Raises:
        NotFoundError: there is no such endpoint.
        WorkspaceError: its spec cannot be read.
    """
    store, folder = EndpointStore(Database(workspace)), workspace.endpoint(name)
    spec = store.get(name)
    # In the order in which a supervisor comes about, backwards: so none of its steps goes unseen between two looks.
    is_starting = _is_starting(folder)
    is_served = is_supervised(folder) or bool(living_workers(folder))
    status, now = store.status(name), datetime.now(UTC)
    said = status or EndpointStatus(state=EndpointState.DOWN, start_time=now, update_time=now)
    if is_served and said.state is not EndpointState.DOWN:
        # Workers without a supervisor serve on, and start another one.
        return EndpointRecord(spec=spec, status=said)
    if is_starting:
        # What the supervisor before it said is not so any more.
        starting = EndpointStatus(state=EndpointState.STARTING, start_time=now, update_time=now)
        return EndpointRecord(spec=spec, status=starting)
    versions = tuple(dataclasses.replace(v, engine=None, is_converting=False) for v in said.versions)
    down = dataclasses.replace(said, state=EndpointState.DOWN, workers=(), versions=versions, requests_per_second=0.0)
    return EndpointRecord(spec=spec, status=down)


def stop_supervisor(workspace: Workspace, name: str, *, seconds: float = 45.0) -> None:
    """End the endpoint's processes after what they are answering, and return when they are gone.

    Those that take longer are killed. The token is forgotten.

    Raises:
        BackendError: the endpoint is kept by another machine.
    """
    folder = workspace.endpoint(name)
    deadline, told = time.monotonic() + seconds, 0.0
    while (processes := _processes(folder)) or _is_starting(folder):
        now = time.monotonic()
        if now >= deadline:
            if not processes:
                # Nobody is starting: the clock was set back, and the lock seems new for as long.
                break
            for process in processes:
                _signal(process, signal.SIGKILL)
        elif now - told > 1.0:
            told = now
            # Workers whose supervisor was killed must not start another one meanwhile.
            if not tell_supervisor(folder, {"do": "stop"}):
                for process in processes:
                    _signal(process, signal.SIGTERM)
        time.sleep(_POLL_SECONDS)
    if is_supervised(folder):
        raise BackendError(
            f"the endpoint {name!r} is kept by a process on another machine.", hint="Stop it from there."
        )
    forget_token(workspace, name)


def _processes(folder: EndpointFolder) -> list[ProcessIdentity]:
    record = read_supervisor(folder)
    known = [] if record is None else [record, *record.all_workers]
    return [process for process in known if is_alive(process)]


def _signal(process: ProcessIdentity, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process.pid, number)


def _is_starting(folder: EndpointFolder) -> bool:
    """Say whether somebody took the lock a short while ago, and the supervisor has not yet told who it is."""
    age, told = heartbeat_age(folder.lock), heartbeat_age(folder.supervisor)
    return age is not None and age < START_SECONDS and (told is None or told > age)


def _nobody_answers(folder: EndpointFolder) -> bool:
    """Say whether the lock is held by another process than a supervisor, which has inherited it by accident."""
    age = heartbeat_age(folder.lock)
    return age is not None and age > START_SECONDS and not is_supervised(folder)
