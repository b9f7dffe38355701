"""What a board's process does: serve, keep the runs as they are, and end when nobody needs it any more."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

from mlmagic.errors import MlmagicError
from mlmagic.runtime.linux import set_process_name
from mlmagic.spec.board import BoardSpec
from mlmagic.spec.codec import dumps, loads
from mlmagic.tensorboards.record import BoardFolder, BoardRecord, read_board
from mlmagic.tensorboards.runs import link_runs, runs_of
from mlmagic.tensorboards.server import Server, serve
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.processes import ProcessIdentity

IDLE_SECONDS = 1800.0
"""A board that was asked for nothing for so long ends."""
_IDLE_VARIABLE = "MLMAGIC_BOARD_IDLE_SECONDS"
_LOOK_SECONDS = 2.0


def run_board(path: str, lock: int) -> None:
    """Be the process of the board whose folder that is, until it is told to end or nobody needs it.

    Args:
        path: the folder, with the spec in it.
        lock: the descriptor of the lock, held as long as this process runs.
    """
    os.set_inheritable(lock, False)  # noqa: FBT003 - the name of the function says what it means
    set_process_name("mlmagic-board")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    folder = BoardFolder(Path(path))
    spec = loads(BoardSpec, folder.spec.read_bytes())
    link_runs(folder.runs, runs_of(spec))
    # Made here, so that it stands in no command line and no environment.
    prefix = f"/{secrets.token_urlsafe(32)}"
    server = serve(folder.runs, prefix=prefix, title=spec.title, flags=spec.flags)
    record = BoardRecord(
        process=ProcessIdentity.current(),
        key=folder.root.name,
        spec=spec,
        port=server.port,
        prefix=prefix,
        create_time=datetime.now(UTC),
    )
    write_atomic(folder.record, dumps(record), sync=False)
    idle_seconds = float(os.environ.get(_IDLE_VARIABLE) or IDLE_SECONDS)
    while not stop.wait(min(_LOOK_SECONDS, idle_seconds)):
        if not _is_needed(folder, spec, server, idle_seconds):
            break
        # What cannot be read now may be readable at the next look; meanwhile the runs stay as they are.
        with contextlib.suppress(OSError, MlmagicError):
            link_runs(folder.runs, runs_of(spec))
    _end(folder, spec, server)


def _is_needed(folder: BoardFolder, spec: BoardSpec, server: Server, idle_seconds: float) -> bool:
    record = read_board(folder)
    # Without its record nobody finds it: somebody has tidied up, or put another board in its place.
    return _is_ours(record) and server.gate.idle_seconds < idle_seconds and Path(spec.workspace).is_dir()


def _end(folder: BoardFolder, spec: BoardSpec, server: Server) -> None:
    # First what others find it by: nobody is to be sent to a board that is about to end.
    record = read_board(folder)
    is_ours = _is_ours(record)
    if is_ours:
        folder.record.unlink(missing_ok=True)
    server.close()
    if not is_ours:
        return
    folder.clear()
    if not Path(spec.workspace).is_dir():
        # What is left tells how the board is started again, which it cannot be any more.
        shutil.rmtree(folder.root, ignore_errors=True)
    folder.lock.unlink(missing_ok=True)


def _is_ours(record: BoardRecord | None) -> bool:
    return record is not None and record.process.pid == os.getpid()
