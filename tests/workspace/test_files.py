from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlmagic.errors import WorkspaceError
from mlmagic.workspace import files


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_files_and_folders_are_the_users_alone_under_any_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        files.make_folder(tmp_path / "a" / "b")
        files.write_atomic(tmp_path / "a" / "b" / "file", "text")
        files.create_once(tmp_path / "a" / "claim", "text")
        files.append(tmp_path / "a" / "log", "text")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/file", "a/claim", "a/log")]
    assert modes == [0o700, 0o700, 0o600, 0o600, 0o600]


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NotADirectoryError):
            files.make_folder(path)


def test_write_atomic_leaves_all_of_the_old_or_all_of_the_new(
    tmp_path: Path, killed_at_each_step: Callable[..., Iterator[int]]
) -> None:
    path = tmp_path / "record.json"
    files.write_atomic(path, "old")
    found = [path.read_text() for _ in killed_at_each_step(lambda: files.write_atomic(path, b"new"))]
    assert set(found) == {"old", "new"}
    assert path.read_text() == "new"


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        files.write_atomic(tmp_path / "taken", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_create_once_creates_once(tmp_path: Path) -> None:
    assert files.create_once(tmp_path / "claim", "first")
    assert not files.create_once(tmp_path / "claim", "second")
    assert (tmp_path / "claim").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["claim"]


def test_create_once_works_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert files.create_once(tmp_path / "claim", "first")
    assert not files.create_once(tmp_path / "claim", "second")
    assert (tmp_path / "claim").read_text() == "first"


def test_append_makes_and_extends(tmp_path: Path) -> None:
    files.append(tmp_path / "log", "one\n")
    files.append(tmp_path / "log", b"two\n")
    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_tail_goes_on_where_it_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert files.tail(log) == (b"", 0)
    log.write_bytes(b"one two")
    assert files.tail(log, limit=3) == (b"one", 3)
    assert files.tail(log, 3) == (b" two", 7)
    assert files.tail(log, 7) == (b"", 7)


def test_tail_begins_again_when_the_file_became_shorter(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"new")
    assert files.tail(log, 1000) == (b"new", 3)


def test_a_full_disk_is_explained() -> None:
    with pytest.raises(WorkspaceError) as raised, files.explained("write the record"):
        raise OSError(errno.ENOSPC, "No space left on device", "/w/spec.json")
    assert str(raised.value) == (
        "cannot write the record: No space left on device (/w/spec.json).\n"
        "The disk is full: free some space and run it again."
    )


def test_a_failure_without_remedy_is_told_as_it_is() -> None:
    with pytest.raises(WorkspaceError) as raised, files.explained("read the record"):
        raise OSError(errno.EIO, "Input/output error")
    assert str(raised.value) == "cannot read the record: Input/output error."
