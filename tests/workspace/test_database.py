from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlmagic.errors import NewerWorkspaceError, WorkspaceError, WorkspaceWarning
from mlmagic.spec.job import JobRecord
from mlmagic.workspace import filesystem
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

INSERT = "INSERT INTO events (time, subject, kind, payload) VALUES (0, 'job:x', 'state', '{}')"


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute("SELECT count(*) FROM events").fetchone()[0]


def journal(database: Database) -> str:
    with database.read() as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


def test_a_new_database_is_the_users_alone_and_has_a_write_ahead_log(workspace: Workspace, database: Database) -> None:
    before = os.umask(0)
    try:
        with database.write() as connection:
            connection.execute(INSERT)
            modes = {stat.S_IMODE(path.stat().st_mode) for path in workspace.root.glob("mlmagic.db*")}
    finally:
        os.umask(before)
    assert modes == {0o600}
    assert journal(database) == "wal"


def test_on_a_network_there_is_a_rollback_journal(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "is_on_network", lambda _folder: True)
    with database.write() as connection:
        connection.execute(INSERT)
    assert journal(database) == "delete"
    assert count(database) == 1


def test_a_block_that_raises_changes_nothing(database: Database) -> None:
    with pytest.raises(KeyError), database.write() as connection:
        {}[connection.execute(INSERT)]
    assert count(database) == 0


def test_any_thread_may_use_it(database: Database) -> None:
    def write(_: int) -> None:
        with database.write() as connection:
            connection.execute(INSERT)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(80)))
    assert count(database) == 80


def test_a_forked_process_may_use_it(database: Database) -> None:
    assert count(database) == 0
    pid = os.fork()
    if pid == 0:
        with database.write() as connection:
            connection.execute(INSERT)
        os._exit(0)
    os.waitpid(pid, 0)
    assert count(database) == 1


def test_two_processes_make_one_database(workspace: Workspace, race: Callable[..., list[str]]) -> None:
    setup = "from pathlib import Path; from mlmagic.workspace.layout import Workspace\n"
    setup += "from mlmagic.workspace.database import Database; import sqlite3, mlmagic.workspace.rebuild\n"
    contended = "with Database(Workspace(Path(sys.argv[1]))).write() as connection:\n"
    contended += f'    print(connection.execute("{INSERT}").rowcount)'
    assert race(setup, contended, str(workspace.root), processes=4) == ["1\n"] * 4
    assert count(Database(workspace)) == 4


def test_a_newer_format_is_an_error_that_names_both(workspace: Workspace, database: Database) -> None:
    with database.write() as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(NewerWorkspaceError) as raised:
        count(database)
    assert str(raised.value) == (
        f"the workspace {workspace.root} has format 7, of a newer mlmagic; this mlmagic knows formats up to 4.\n"
        "Upgrade with `pip install --upgrade mlmagic` and restart the kernel, "
        "or choose another workspace with the environment variable MLMAGIC_HOME."
    )


def test_a_damaged_database_is_kept_and_rebuilt(
    workspace: Workspace, jobs: JobStore, submit: Callable[..., JobRecord]
) -> None:
    record = submit()
    workspace.database.write_bytes(b"not a database" * 1000)
    with pytest.warns(WorkspaceWarning, match="was damaged and is kept as mlmagic.db.kept-.*: jobs 1, model"):
        assert jobs.get(record.id) == record
    (kept,) = workspace.root.glob("mlmagic.db.kept-*")
    assert kept.read_bytes() == b"not a database" * 1000
    assert jobs.get(record.id) == record


def test_damage_found_in_the_middle_is_mended_too(
    workspace: Workspace, jobs: JobStore, submit: Callable[..., JobRecord]
) -> None:
    record = submit()
    with workspace.database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (workspace.database.stat().st_size - 4096))
    with pytest.warns(WorkspaceWarning), pytest.raises(WorkspaceError) as raised:
        jobs.get(record.id)
    assert str(raised.value) == (
        f"the database {workspace.database} was damaged and has been rebuilt from the folders.\nRun it again."
    )
    assert jobs.get(record.id) == record


def test_a_missing_database_is_rebuilt(workspace: Workspace, jobs: JobStore, submit: Callable[..., JobRecord]) -> None:
    record = submit()
    workspace.database.unlink()
    with pytest.warns(WorkspaceWarning, match="was missing; rebuilt from the folders: jobs 1, model versions 0."):
        assert jobs.get(record.id) == record


def test_the_log_of_a_removed_database_is_not_replayed(workspace: Workspace, database: Database) -> None:
    with database.write() as connection:
        connection.execute(INSERT)
        connection.execute("COMMIT")
        log = (workspace.root / "mlmagic.db-wal").read_bytes()
        connection.execute("BEGIN")
    workspace.database.unlink()
    (workspace.root / "mlmagic.db-wal").write_bytes(log)
    assert count(database) == 0


def test_a_lock_that_stays_is_an_error(workspace: Workspace, database: Database) -> None:
    impatient = Database(workspace, busy_seconds=0.05)
    with database.write(), pytest.raises(WorkspaceError) as raised, impatient.write():
        pass
    assert str(raised.value) == (
        f"the database {workspace.database} cannot be used: database is locked.\n"
        "Another process has kept it locked for 0.05 s: run it again, or find that process."
    )


def test_a_full_disk_is_an_error(workspace: Workspace, database: Database, full_database: Database) -> None:
    with pytest.raises(WorkspaceError) as raised, full_database.write() as connection:
        connection.executemany(INSERT.replace("'{}'", "?"), [("x" * 100_000,)] * 10)
    assert str(raised.value) == (
        f"the database {workspace.database} cannot be used: database or disk is full.\n"
        "The disk is full: free some space and run it again."
    )
    assert count(database) == 0


@pytest.fixture
def read_only(unprivileged: os.PathLike[str]) -> Iterator[Database]:
    workspace = open_workspace(Workspace(unprivileged / ".mlmagic"))
    database = Database(workspace)
    count(database)
    workspace.database.chmod(0o400)
    workspace.root.chmod(0o500)
    yield database
    workspace.root.chmod(0o700)


def test_a_read_only_workspace_is_an_error(read_only: Database) -> None:
    with pytest.raises(WorkspaceError) as raised, read_only.write() as connection:
        connection.execute(INSERT)
    assert "cannot be used" in str(raised.value)
    assert "Make the folder writable, or choose another one" in str(raised.value)


def test_a_read_only_workspace_without_database_is_an_error(read_only: Database) -> None:
    root = read_only.workspace.root
    root.chmod(0o700)
    read_only.workspace.database.unlink()
    root.chmod(0o500)
    with pytest.raises(WorkspaceError, match=r"cannot open the database .*: Permission denied"):
        count(read_only)


def test_a_workspace_that_is_gone_is_an_error(workspace: Workspace, database: Database) -> None:
    workspace.root.rename(workspace.root.with_name("moved"))
    with pytest.raises(WorkspaceError) as raised:
        count(database)
    assert str(raised.value) == (
        f"the workspace {workspace.root} does not exist any more.\n"
        "If it was moved, move it back; to begin a new one, restart the kernel."
    )


def test_the_interrupt_of_a_long_search_stays_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlmagic.workspace.database.contains", interrupted)
    with pytest.raises(KeyboardInterrupt), database.read() as connection:
        connection.execute("SELECT 'aaaab' REGEXP '(a+)+$'").fetchall()
    with database.read() as connection:
        assert connection.execute("SELECT fold('É')").fetchone() == ("e",)


def test_our_own_mistakes_are_not_the_workspaces(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError), database.write() as connection:
        connection.execute("INSERT INTO versions (model) VALUES ('taxi')")


def test_a_rebuild_on_demand_goes_on_with_event_ids(
    workspace: Workspace, database: Database, submit: Callable[..., JobRecord]
) -> None:
    submit()
    before = EventLog(database).last_id()
    assert str(database.rebuild()) == "rebuilt from the folders: jobs 1, model versions 0."
    submit()
    (event,) = EventLog(database).after(before)
    assert event.id > before


def test_a_connection_that_is_kept_keeps_the_log(database: Database, workspace: Workspace) -> None:
    log = workspace.database.with_name("mlmagic.db-wal")
    with database.read():
        pass
    assert not log.exists()
    database.keep_open()
    with Database(workspace).write() as connection:
        connection.execute("INSERT INTO events (time, subject, kind, payload) VALUES (1, 'job:x', 'state', '{}')")
    assert log.stat().st_size > 0
    database.let_go()
    assert not log.exists()


def test_a_kept_connection_follows_a_file_that_was_replaced(database: Database, workspace: Workspace) -> None:
    database.keep_open()
    Database(workspace).rebuild()
    with Database(workspace).write() as connection:
        connection.execute("INSERT INTO events (time, subject, kind, payload) VALUES (1, 'job:x', 'state', '{}')")
    database.keep_open()
    log = workspace.database.with_name("mlmagic.db-wal")
    with Database(workspace).read() as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)
    assert log.exists()
    database.let_go()
    assert not log.exists()
