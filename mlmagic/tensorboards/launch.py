"""A board as others see it: started or found, asked whether it answers, ended."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import shutil
import signal
import site
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlmagic.errors import BackendError
from mlmagic.runtime.agent_lock import take_lock
from mlmagic.runtime.detached import start_detached
from mlmagic.spec.board import BoardSpec
from mlmagic.spec.codec import dumps
from mlmagic.tensorboards.record import (
    ALIVE,
    HOST,
    BoardFolder,
    BoardRecord,
    board_folder,
    forget_ended,
    key_of,
    read_board,
)
from mlmagic.workspace.files import explained, make_folder, write_atomic
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import is_alive

_ENTRY = Path(__file__).with_name("__main__.py")
_LONGEST_LOG = 1 << 20
_START_SECONDS = 120.0
_ANSWER_SECONDS = 10.0
_END_SECONDS = 5.0
_POLL_SECONDS = 0.02
_LOOKS = (
    "A board looks where this kernel's TensorBoard is and where pip installs packages, but nowhere else along "
    "PYTHONPATH: install what it did not find."
)


def ensure_board(workspace: Workspace, spec: BoardSpec) -> BoardRecord:
    """Return the board that shows this, and start it if there is none; it answers when this returns.

    Raises:
        BackendError: it cannot be started; has the last of what it said.
        WorkspaceError: the folder for it cannot be trusted or made.
    """
    folder = board_folder(workspace, key_of(spec))
    deadline = time.monotonic() + _START_SECONDS
    is_started = False
    while time.monotonic() < deadline:
        record = read_board(folder)
        if record is not None and _answers(record):
            return record
        if record is not None:
            # Stopped, or stuck: one that answers takes its place.
            stop_board(folder, record)
            is_started = False
        with _lock(folder) as lock:
            if lock is not None and is_started:
                raise _not_started(folder)
            if lock is not None:
                _start(folder, spec, lock)
                is_started = True
        time.sleep(_POLL_SECONDS)
    raise _not_started(folder)


def stop_board(folder: BoardFolder, record: BoardRecord) -> None:
    """End the process of a board, and return when it is gone. One that takes longer is killed.

    Raises:
        BackendError: not even that ends it.
    """
    deadline = time.monotonic() + _END_SECONDS
    _signal(record, signal.SIGTERM)
    # One that was stopped would never hear of it.
    _signal(record, signal.SIGCONT)
    while is_alive(record.process):
        if time.monotonic() > deadline:
            _signal(record, signal.SIGKILL)
        if time.monotonic() > deadline + _END_SECONDS:
            # It waits for a disk, mostly one that is on another machine.
            raise BackendError(
                f"the TensorBoard of {record.spec.title} does not end: its process {record.process.pid} was killed.",
                hint="It ends as soon as what it waits for is there, such as a disk on the network.",
            )
        time.sleep(_POLL_SECONDS)
    with _lock(folder) as lock:
        # Of one that was killed; another kernel may be starting it again.
        if lock is not None:
            folder.clear()
            folder.lock.unlink(missing_ok=True)


@contextmanager
def _lock(folder: BoardFolder) -> Iterator[int | None]:
    with explained(f"lock {folder.lock}"):
        make_folder(folder.lock.parent)
        lock = take_lock(folder.lock)
    try:
        yield lock
    finally:
        if lock is not None:
            os.close(lock)


def _start(folder: BoardFolder, spec: BoardSpec, lock: int) -> None:
    with explained(f"start a board in {folder.root}"):
        # What one that was killed has left.
        shutil.rmtree(folder.root, ignore_errors=True)
        make_folder(folder.root)
        forget_ended(folder)
        write_atomic(folder.spec, dumps(spec), sync=False)
    start_detached(
        [sys.executable, "-I", str(_ENTRY), str(folder.root), str(lock), *package_folders()],
        folder.log,
        longest_log=_LONGEST_LOG,
        descriptors=[lock],
        what="TensorBoard",
    )


def package_folders() -> list[str]:
    """Return where this process finds TensorBoard, and where its user installs packages.

    The process of a board, which is to be led astray by no variable, would know of neither.
    """
    spec = importlib.util.find_spec("tensorboard")
    # Without an origin, it is a folder of logs that is called so.
    places = (spec.submodule_search_locations or ()) if spec is not None and spec.origin is not None else ()
    found = [Path(place).parent for place in places]
    if site.ENABLE_USER_SITE:
        found.append(Path(site.getusersitepackages()))
    return list(dict.fromkeys(str(folder.absolute()) for folder in found if folder.is_dir()))


def _answers(record: BoardRecord) -> bool:
    """Say whether the board answers; it counts as a request, so that the board does not end just now."""
    connection = http.client.HTTPConnection(HOST, record.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", record.prefix + ALIVE)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _signal(record: BoardRecord, number: signal.Signals) -> None:
    if is_alive(record.process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(record.process.pid, number)


def _not_started(folder: BoardFolder) -> BackendError:
    try:
        said = folder.log.read_text("utf-8", "replace").strip().splitlines()[-5:]
    except OSError:
        said = []
    is_missing = any(line.startswith("ModuleNotFoundError: ") for line in said)
    return BackendError(
        "TensorBoard could not be started" + ("; the last that it said:" if said else "."),
        problems=said,
        hint=_LOOKS if is_missing else "Look whether it works by itself: !tensorboard --version",
    )
