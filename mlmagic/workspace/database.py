"""The workspace's rows, in SQLite: who may change what, and what happens when the file is missing or damaged.

A connection is opened for each piece of work and closed after it, at the cost of a fraction of a millisecond. So any
thread of any process may use a `Database`, none is carried over a fork, and a file that was replaced is noticed.
"""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from mlmagic.errors import NewerWorkspaceError, WorkspaceError, WorkspaceWarning
from mlmagic.spec.text import contains, fold
from mlmagic.workspace.files import explained, open_to_append
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.schema import FORMAT, bring_up_to_date, format_of, make_tables

if TYPE_CHECKING:
    import sqlite3

    from mlmagic.workspace.rebuild import Restored

_BESIDE = ("-wal", "-shm", "-journal")


class Database:
    """The database of a workspace, made on first use and rebuilt from the folders when it is missing or damaged."""

    def __init__(self, workspace: Workspace, *, busy_seconds: float = 10.0) -> None:
        self.workspace = workspace
        self._path = workspace.database
        self._busy_seconds = busy_seconds
        self._kept: tuple[sqlite3.Connection, int] | None = None
        self._interrupts: list[KeyboardInterrupt] = []

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for one query.

        Raises:
            WorkspaceError: the database cannot be read.
            NewerWorkspaceError: a newer mlmagic made it.
        """
        with self._lend() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection in a transaction beside which there is no other writer; undone if the block raises.

        It also serves as the mutex for files that go with the rows.

        Raises:
            WorkspaceError: the database cannot be written, and was not.
            NewerWorkspaceError: a newer mlmagic made it.
        """
        with self._lend() as connection, _transaction(connection):
            yield connection

    def rebuild(self) -> Restored:
        """Keep the database aside and make it again from the folders.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        from mlmagic.workspace.rebuild import Restored

        with explained(f"rebuild the database {self._path}"):
            self._put_aside(self._touch())
            self._touch()
            with contextlib.closing(self._connect()) as connection:
                # None: another process was faster, which is as good.
                return self._fill(connection) or Restored()

    def keep_open(self) -> None:
        """Keep a connection open from now on; call it again now and then, for the file may be replaced.

        Which connection is the last to be closed brings the log into the file, and that takes longer than most writes.
        A process that lives on spares all others this. It must not fork meanwhile.

        Raises:
            WorkspaceError: the database cannot be opened.
            NewerWorkspaceError: a newer mlmagic made it.
        """
        with explained(f"open the database {self._path}"):
            if self._kept is not None and self._kept[1] == self._touch():
                return
            self.let_go()
            self._kept = self._open()

    def let_go(self) -> None:
        """Close what `keep_open` has opened."""
        if self._kept is not None:
            self._kept[0].close()
            self._kept = None

    @contextlib.contextmanager
    def _lend(self) -> Iterator[sqlite3.Connection]:
        import sqlite3

        with explained(f"open the database {self._path}"):
            connection, inode = self._open()
        try:
            with contextlib.closing(connection):
                yield connection
        except sqlite3.DatabaseError as error:
            if self._interrupts:
                raise self._interrupts.pop() from None
            if _is_damage(error):
                with explained(f"rebuild the database {self._path}"):
                    self._replace_damaged(inode)
                raise WorkspaceError(
                    f"the database {self._path} was damaged and has been rebuilt from the folders.",
                    hint="Run it again.",
                ) from error
            self._raise_explained(error)

    def _open(self) -> tuple[sqlite3.Connection, int]:
        import sqlite3

        inode = self._touch()
        try:
            return self._prepared(), inode
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                self._raise_explained(error)
            self._replace_damaged(inode)
        return self._prepared(), self._touch()

    def _prepared(self, kept: Path | None = None) -> sqlite3.Connection:
        connection = self._connect()
        try:
            self._check_format(connection, kept)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> sqlite3.Connection:
        import sqlite3

        connection = sqlite3.connect(self._path, timeout=self._busy_seconds, isolation_level=None)
        # A power cut may take back the last transactions, but never harm the file: what was running is lost then in any
        # case, and what had ended is told by its folder. To wait for the disk at each commit takes as long as the rest.
        connection.execute("PRAGMA synchronous = NORMAL")
        add_functions(connection, self._interrupts)
        return connection

    def _check_format(self, connection: sqlite3.Connection, kept: Path | None) -> None:
        found = format_of(connection)
        if found > FORMAT:
            raise NewerWorkspaceError(
                f"the workspace {self.workspace.root} has format {found}, of a newer mlmagic; "
                f"this mlmagic knows formats up to {FORMAT}.",
                hint="Upgrade with `pip install --upgrade mlmagic` and restart the kernel, "
                "or choose another workspace with the environment variable MLMAGIC_HOME.",
            )
        if found == FORMAT:
            return
        if found > 0:
            self._bring_up_to_date(connection)
            return
        restored = self._fill(connection)
        if restored is not None and (restored or kept):
            cause = f"was damaged and is kept as {kept.name}" if kept else "was missing"
            warnings.warn(f"the database {self._path} {cause}; {restored}", WorkspaceWarning, stacklevel=2)

    def _fill(self, connection: sqlite3.Connection) -> Restored | None:
        """Make the tables of an empty database and fill them; None if another process did it meanwhile."""
        from mlmagic.workspace.rebuild import restore

        with self._alone():
            self._choose_journal(connection)
            with _transaction(connection):
                if format_of(connection) == FORMAT:
                    return None
                make_tables(connection)
                restored = restore(connection, self.workspace)
        return restored

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        with self._alone(), _transaction(connection):
            left_out = bring_up_to_date(connection) if format_of(connection) < FORMAT else []
        if left_out:
            warnings.warn(
                f"the database {self._path} was of an older mlmagic and is up to date now, without these jobs, "
                f"which could not be read: {', '.join(left_out)}",
                WorkspaceWarning,
                stacklevel=2,
            )

    def _choose_journal(self, connection: sqlite3.Connection) -> None:
        """Choose the write-ahead log, which lets readers and a writer work at once, wherever it can work.

        It needs memory that all processes share, so all must be on one machine. SQLite keeps the rollback journal by
        itself where there is no shared memory, but cannot know of other machines.
        """
        import sqlite3

        from mlmagic.workspace.filesystem import is_on_network

        if is_on_network(self.workspace.root):
            return
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()

    def _touch(self) -> int:
        """Return the file's inode, having made the file if it is missing."""
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            self._require_folder()
        with self._alone():
            if not self._path.exists():
                # What lies beside belonged to a file that somebody removed; SQLite would replay it into the new one.
                for suffix in _BESIDE:
                    self._beside(suffix).unlink(missing_ok=True)
            # SQLite gives its other files the mode of this one.
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.fchmod(descriptor, 0o600)
                return os.fstat(descriptor).st_ino
            finally:
                os.close(descriptor)

    def _require_folder(self) -> None:
        if not self.workspace.root.is_dir():
            raise WorkspaceError(
                f"the workspace {self.workspace.root} does not exist any more.",
                hint="If it was moved, move it back; to begin a new one, restart the kernel.",
            )

    def _replace_damaged(self, inode: int) -> None:
        kept = self._put_aside(inode)
        self._touch()
        self._prepared(kept).close()

    def _put_aside(self, inode: int) -> Path | None:
        """Rename the file with this inode; None if another process did it already."""
        with self._alone():
            with contextlib.suppress(FileNotFoundError):
                if self._path.stat().st_ino != inode:
                    return None
            kept = self._path.with_name(f"{self._path.name}.kept-{time.strftime('%Y%m%d-%H%M%S')}-{inode}")
            # The file itself comes last: nobody may find a new one with the old one's log beside it.
            for suffix in (*_BESIDE, ""):
                with contextlib.suppress(FileNotFoundError):
                    self._beside(suffix).rename(kept.with_name(kept.name + suffix))
            return kept

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from making or replacing the file; the system lets go when this process ends."""
        import fcntl

        descriptor = open_to_append(self.workspace.repair_lock)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _raise_explained(self, error: sqlite3.DatabaseError) -> NoReturn:
        import sqlite3

        if not isinstance(error, sqlite3.OperationalError):
            raise error
        hints = {
            5: f"Another process has kept it locked for {self._busy_seconds:g} s: run it again, or find that process.",
            8: "Make the folder writable, or choose another one with the environment variable MLMAGIC_HOME.",
            10: "Is the disk full? Free some space and run it again.",
            13: "The disk is full: free some space and run it again.",
            14: "Make the folder writable, or choose another one with the environment variable MLMAGIC_HOME.",
        }
        raise WorkspaceError(
            f"the database {self._path} cannot be used: {error}.", hint=hints.get(_code(error))
        ) from error


def add_functions(connection: sqlite3.Connection, interrupts: list[KeyboardInterrupt] | None = None) -> None:
    """Add what filters need beyond SQLite's own: `value REGEXP pattern`, and `fold`, both NULL of NULL.

    SQLite takes the interrupt of a search, which some patterns make a very long one, for a failure of its own; so it is
    put into `interrupts` as well.
    """
    noted = [] if interrupts is None else interrupts

    def regexp(pattern: str, value: str | float | None) -> bool | None:
        try:
            return None if value is None else contains(pattern, value)
        except KeyboardInterrupt as interrupt:
            noted.append(interrupt)
            raise

    connection.create_function("regexp", 2, regexp, deterministic=True)
    connection.create_function("fold", 1, _fold, deterministic=True)


def _fold(value: str | float | None) -> str | None:
    return None if value is None else fold(value)


def _code(error: sqlite3.Error) -> int:
    # The lower byte is the primary result code: 5 BUSY, 8 READONLY, 11 CORRUPT, 13 FULL, 14 CANTOPEN, 26 NOTADB.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_damage(error: sqlite3.Error) -> bool:
    return _code(error) in (11, 26)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
