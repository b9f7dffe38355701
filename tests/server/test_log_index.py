from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlmagic.server.log_index import LogIndex, LogIndexes

MEGABYTE = 1 << 20


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "chief-0.log"


def begins(log: Path, line: int, index: LogIndex) -> bytes:
    return log.read_bytes()[index.start_of(line) :][:12].split(b"\n")[0]


@pytest.mark.parametrize(
    ("data", "lines"), [(b"", 0), (b"\n", 1), (b"one", 1), (b"one\n", 1), (b"one\n\ntwo", 3), (b"\r\b\r\n", 1)]
)
def test_lines_are_counted_and_the_last_needs_no_end(log: Path, data: bytes, lines: int) -> None:
    log.write_bytes(data)
    extent = LogIndex(log).update()
    assert (extent.lines, extent.size_bytes) == (lines, len(data))


def test_a_log_that_is_not_there_has_no_lines(log: Path) -> None:
    assert LogIndex(log).update().lines == 0


def test_each_line_is_found_however_many_there_are(log: Path) -> None:
    log.write_bytes(b"".join(b"%d\n" % number for number in range(300_000)))
    index = LogIndex(log)
    assert index.update().lines == 300_000
    for line in (0, 1, 9_999, 10_000, 65_535, 65_536, 123_456, 299_999):
        assert begins(log, line, index) == b"%d" % line


def test_lines_that_are_longer_than_blocks_are_found(log: Path) -> None:
    log.write_bytes(b"first\n" + b"x" * (3 * MEGABYTE) + b"\nthird\nfourth")
    index = LogIndex(log)
    assert index.update().lines == 4
    assert [begins(log, line, index) for line in (0, 1, 2, 3)] == [b"first", b"x" * 12, b"third", b"fourth"]


def test_lines_at_the_edges_of_blocks_are_found(log: Path) -> None:
    block = 1 << 16
    for length in (block - 1, block, block + 1):
        log.write_bytes(b"x" * (length - 1) + b"\nsecond\n")
        index = LogIndex(log)
        assert index.update().lines == 2
        assert begins(log, 1, index) == b"second"


def test_what_grows_in_any_pieces_is_counted_as_if_read_at_once(log: Path) -> None:
    data = b"".join(b"line %d\n" % number for number in range(40_000))
    grown = LogIndex(log)
    with log.open("ab") as file:
        for at in range(0, len(data), 77_777):
            file.write(data[at : at + 77_777])
            file.flush()
            grown.update()
    whole = LogIndex(log)
    assert grown.update() == whole.update()
    assert [grown.start_of(line) for line in range(0, 40_000, 991)] == [
        whole.start_of(line) for line in range(0, 40_000, 991)
    ]


def test_only_what_came_is_read_again(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_bytes(b"line\n" * MEGABYTE)
    index = LogIndex(log)
    index.update()
    with log.open("ab") as file:
        file.write(b"one more\n")
    read: list[int] = []
    plain_open = LogIndex._count

    def count(self: LogIndex, file: object, size: int) -> None:
        read.append(size - self._size)
        plain_open(self, file, size)

    monkeypatch.setattr(LogIndex, "_count", count)
    assert index.update().lines == MEGABYTE + 1
    index.update()
    assert read == [len("one more\n")]


@pytest.mark.parametrize(
    "new", [b"short\n", b"another text of the very same size\n", b"longer than it was before\n" * 9]
)
def test_a_log_that_was_emptied_starts_anew(log: Path, new: bytes) -> None:
    log.write_bytes(b"one\ntwo\nthree, and so much more: \n")
    index = LogIndex(log)
    assert index.update().lines == 3
    log.write_bytes(new)
    assert index.update().lines == new.count(b"\n")
    assert index.update().size_bytes == len(new)


def test_a_log_that_was_replaced_starts_anew(log: Path) -> None:
    log.write_bytes(b"one\n")
    index = LogIndex(log)
    index.update()
    other = log.with_name("other")
    other.write_bytes(b"one\ntwo\n")
    other.replace(log)
    assert index.update().lines == 2


def test_a_pipe_by_the_name_of_a_log_holds_nobody_up(log: Path) -> None:
    os.mkfifo(log)
    assert LogIndex(log).update().lines == 0


def test_few_indexes_are_kept_and_those_that_were_used_last(tmp_path: Path) -> None:
    indexes = LogIndexes()
    first = indexes.of(tmp_path / "first")
    for number in range(63):
        indexes.of(tmp_path / str(number))
    assert indexes.of(tmp_path / "first") is first
    for number in range(64):
        indexes.of(tmp_path / str(number))
    assert indexes.of(tmp_path / "first") is not first
