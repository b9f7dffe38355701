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
    return log.read_bytes()[start_of(index, line) :][:12].split(b"\n")[0]


def start_of(index: LogIndex, line: int) -> int:
    with index.open() as log:
        return log.start_of(line)


def extent(index: LogIndex) -> tuple[int, int]:
    with index.open() as log:
        return log.lines, log.size_bytes


def lines(index: LogIndex) -> int:
    return extent(index)[0]


@pytest.mark.parametrize(
    ("data", "count"), [(b"", 0), (b"\n", 1), (b"one", 1), (b"one\n", 1), (b"one\n\ntwo", 3), (b"\r\b\r\n", 1)]
)
def test_lines_are_counted_and_the_last_needs_no_end(log: Path, data: bytes, count: int) -> None:
    log.write_bytes(data)
    assert extent(LogIndex(log)) == (count, len(data))


def test_a_log_that_is_not_there_has_no_lines(log: Path) -> None:
    assert lines(LogIndex(log)) == 0


def test_each_line_is_found_however_many_there_are(log: Path) -> None:
    log.write_bytes(b"".join(b"%d\n" % number for number in range(300_000)))
    index = LogIndex(log)
    assert lines(index) == 300_000
    for line in (0, 1, 9_999, 10_000, 65_535, 65_536, 123_456, 299_999):
        assert begins(log, line, index) == b"%d" % line


def test_lines_that_are_longer_than_blocks_are_found(log: Path) -> None:
    log.write_bytes(b"first\n" + b"x" * (3 * MEGABYTE) + b"\nthird\nfourth")
    index = LogIndex(log)
    assert lines(index) == 4
    assert [begins(log, line, index) for line in (0, 1, 2, 3)] == [b"first", b"x" * 12, b"third", b"fourth"]


def test_lines_at_the_edges_of_blocks_are_found(log: Path) -> None:
    block = 1 << 16
    for length in (block - 1, block, block + 1):
        log.write_bytes(b"x" * (length - 1) + b"\nsecond\n")
        index = LogIndex(log)
        assert lines(index) == 2
        assert begins(log, 1, index) == b"second"


def test_what_grows_in_any_pieces_is_counted_as_if_read_at_once(log: Path) -> None:
    data = b"".join(b"line %d\n" % number for number in range(40_000))
    grown = LogIndex(log)
    with log.open("ab") as file:
        for at in range(0, len(data), 77_777):
            file.write(data[at : at + 77_777])
            file.flush()
            lines(grown)
    whole = LogIndex(log)
    assert extent(grown) == extent(whole)
    assert [start_of(grown, line) for line in range(0, 40_000, 991)] == [
        start_of(whole, line) for line in range(0, 40_000, 991)
    ]


def test_only_what_came_is_read_again(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_bytes(b"line\n" * MEGABYTE)
    index = LogIndex(log)
    lines(index)
    with log.open("ab") as file:
        file.write(b"one more\n")
    read: list[int] = []
    plain_read = os.pread

    def pread(descriptor: int, count: int, start: int) -> bytes:
        read.append(start)
        return plain_read(descriptor, count, start)

    monkeypatch.setattr(os, "pread", pread)
    assert lines(index) == MEGABYTE + 1
    lines(index)
    # What is new, and at each look the last bytes that were known.
    end = 5 * MEGABYTE
    assert read == [end - 64, end, end + len("one more\n") - 64]


@pytest.mark.parametrize(
    "new", [b"short\n", b"another text of the very same size\n", b"longer than it was before\n" * 9]
)
def test_a_log_that_was_emptied_starts_anew(log: Path, new: bytes) -> None:
    log.write_bytes(b"one\ntwo\nthree, and so much more: \n")
    index = LogIndex(log)
    assert lines(index) == 3
    log.write_bytes(new)
    assert lines(index) == new.count(b"\n")
    assert extent(index)[1] == len(new)


def test_a_log_that_was_replaced_starts_anew(log: Path) -> None:
    log.write_bytes(b"one\n")
    index = LogIndex(log)
    lines(index)
    other = log.with_name("other")
    other.write_bytes(b"one\ntwo\n")
    other.replace(log)
    assert lines(index) == 2


def test_a_pipe_by_the_name_of_a_log_holds_nobody_up(log: Path) -> None:
    os.mkfifo(log)
    assert lines(LogIndex(log)) == 0


def test_few_indexes_are_kept_and_those_that_were_used_last(tmp_path: Path) -> None:
    indexes = LogIndexes()
    first = indexes.of(tmp_path / "first")
    for number in range(63):
        indexes.of(tmp_path / str(number))
    assert indexes.of(tmp_path / "first") is first
    for number in range(64):
        indexes.of(tmp_path / str(number))
    assert indexes.of(tmp_path / "first") is not first


def test_a_log_that_is_open_stays_what_it_was(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    index = LogIndex(log)
    with index.open() as opened:
        log.unlink()
        log.write_bytes(b"another\none\nand more\n")
        with index.open() as other:
            assert (opened.lines, other.lines) == (2, 3)
            assert opened.file != other.file
            assert opened.read(opened.start_of(1), 99) == b"two\n"
            assert other.read(other.start_of(1), 99) == b"one\nand more\n"


def test_a_log_is_known_as_the_same_while_it_grows(log: Path) -> None:
    index = LogIndex(log)
    names = []
    for text in ("one\n", "two\n"):
        with log.open("a") as file:
            file.write(text)
        with index.open() as opened:
            names.append(opened.file)
    assert names[0] == names[1] != ""


def test_nothing_is_held_open(log: Path) -> None:
    log.write_bytes(b"one\n")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        extent(LogIndex(log))
        extent(LogIndex(log.with_name("none")))
    with pytest.raises(IsADirectoryError):
        LogIndex(log.parent).open()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
