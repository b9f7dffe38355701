"""The files of a board, in the folder that is this user's alone, and the process that is behind it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mlmagic.errors import NotFoundError
from mlmagic.spec.board import BoardSpec
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.noun import Noun
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity, is_alive
from mlmagic.workspace.runtime_folder import RuntimeFolder

HOST = "127.0.0.1"
ALIVE = "/-/alive"
"""The path below the prefix by which it is asked whether it answers."""
_KEY = re.compile(r"b[0-9a-f]{15}")
_MOST_ENDED = 100


@dataclass(frozen=True, slots=True)
class BoardFolder:
    """`<the workspace's runtime folder>/boards/<key>/`, and the lock beside it."""

    root: Path

    @property
    def lock(self) -> Path:
        """By which there is one process for a board. It stays when the folder is removed."""
        return self.root.with_name(f"{self.root.name}.lock")

    @property
    def spec(self) -> Path:
        """The `BoardSpec`."""
        return self.root / "spec.json"

    @property
    def record(self) -> Path:
        """The `BoardRecord`, as long as the board answers."""
        return self.root / "board.json"

    @property
    def runs(self) -> Path:
        """What TensorBoard reads: links to the folders of logs, called as the runs are."""
        return self.root / "runs"

    @property
    def log(self) -> Path:
        """What TensorBoard has to say."""
        return self.root / "log"

    def clear(self) -> None:
        """Remove all but the spec: by that it is told how a board that ended is started again."""
        for path in self.root.iterdir() if self.root.is_dir() else ():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path != self.spec:
                path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRecord(Noun):
    """`board.json`: the process, where it listens, and the secret by which it answers."""

    process: ProcessIdentity
    key: str
    spec: BoardSpec
    port: int
    prefix: str
    """The path below which everything is; nobody else can guess it."""
    create_time: datetime

    @property
    def url(self) -> str:
        """What a browser on this machine opens."""
        return f"http://{HOST}:{self.port}{self.prefix}/"


def key_of(spec: BoardSpec) -> str:
    """Return what tells the board from those that show something else."""
    told = sorted(dumps(source) for source in spec.sources)
    told += [f"--{name}={value}" for name, value in sorted(spec.flags.items())]
    # It begins with a letter, as all names in addresses do.
    return f"b{hashlib.sha256(chr(10).join(told).encode()).hexdigest()[:15]}"


def board_folder(workspace: Workspace, key: str) -> BoardFolder:
    """Return the folder of a board, which need not be there.

    Raises:
        NotFoundError: no board has such a key.
        WorkspaceError: the folder above it cannot be trusted or made.
    """
    if not _KEY.fullmatch(key):
        raise NotFoundError(f"there is no TensorBoard {key!r:.60}.", hint="%tensorboard --list shows all that run.")
    return BoardFolder(RuntimeFolder.make(workspace, os.environ).boards / key)


def read_board(folder: BoardFolder) -> BoardRecord | None:
    """Return the board that runs; None if there is none, or its process was killed."""
    try:
        record = loads(BoardRecord, folder.record.read_bytes())
    except (OSError, DecodeError):
        return None
    return record if is_alive(record.process) else None


def read_spec(folder: BoardFolder) -> BoardSpec | None:
    """Return what a board shows, or showed before it ended; None if that is not known any more."""
    try:
        return loads(BoardSpec, folder.spec.read_bytes())
    except (OSError, DecodeError):
        return None


def forget_ended(folder: BoardFolder) -> None:
    """Remove what is left of boards that ended beside this one, but for the newest."""
    ended = [path for path in folder.root.parent.iterdir() if path.is_dir() and path != folder.root]
    ended = [path for path in ended if not BoardFolder(path).record.exists()]
    for path in sorted(ended, key=_age)[_MOST_ENDED:]:
        shutil.rmtree(path, ignore_errors=True)


def running_boards(workspace: Workspace) -> Iterator[BoardRecord]:
    """Give the boards of a workspace that run."""
    boards = RuntimeFolder.make(workspace, os.environ).boards
    for path in sorted(boards.iterdir()) if boards.is_dir() else ():
        record = read_board(BoardFolder(path)) if path.is_dir() else None
        if record is not None:
            yield record


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0
