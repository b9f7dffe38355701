from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from mlmagic.server.log_index import LogIndex, OpenLog
from mlmagic.server.log_lines import LONGEST_LINE, MOST_LINES, read_lines
from mlmagic.spec.log import Severity
from mlmagic.spec.panel_rows import LogLines

Written = Callable[[bytes], LogIndex]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(data: bytes) -> LogIndex:
        (tmp_path / "chief-0.log").write_bytes(data)
        return LogIndex(tmp_path / "chief-0.log")

    return write


def texts(lines: LogLines) -> list[str]:
    return [line.text for line in lines.lines]


def test_a_part_is_read_by_number_or_from_the_end(written: Written) -> None:
    index = written(b"".join(b"line %d\n" % number for number in range(5_000)))
    middle = read_lines(index, 2_500, 3)
    assert (middle.first, texts(middle), middle.total) == (2_500, ["line 2500", "line 2501", "line 2502"], 5_000)
    end = read_lines(index, -2, 100)
    assert (end.first, texts(end)) == (4_998, ["line 4998", "line 4999"])


@pytest.mark.parametrize(("first", "expected"), [(-100, 0), (2, 2), (3, 3), (100, 3)])
def test_there_are_no_lines_beyond_the_ends(written: Written, first: int, expected: int) -> None:
    lines = read_lines(written(b"a\nb\nc"), first, 50)
    assert lines.first == expected
    assert texts(lines) == ["a", "b", "c"][expected:]


def test_an_empty_log_has_no_lines(written: Written) -> None:
    lines = read_lines(written(b""), -100, 100)
    assert (lines.first, lines.lines, lines.total, lines.size_bytes) == (0, (), 0, 0)


def test_no_more_lines_are_read_than_can_be_sent(written: Written) -> None:
    lines = read_lines(written(b"x\n" * 5_000), 0, 5_000)
    assert len(lines.lines) == MOST_LINES


def test_a_long_line_is_cut_while_it_is_read(written: Written) -> None:
    index = written(b"before\n" + b"x" * (64 << 20) + b"\nafter\n")
    index.open().close()
    tracemalloc.start()
    try:
        lines = read_lines(index, 0, 3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [len(line.text) for line in lines.lines] == [6, LONGEST_LINE, 5]
    assert [line.is_cut for line in lines.lines] == [False, True, False]
    assert peak < 8 << 20


def test_what_is_as_long_as_a_line_may_be_is_whole(written: Written) -> None:
    lines = read_lines(written("ä".encode() * LONGEST_LINE + b"\n" + "ä".encode() * (LONGEST_LINE + 1)), 0, 2).lines
    assert [(len(line.text), line.is_cut) for line in lines] == [(LONGEST_LINE, False), (LONGEST_LINE, True)]


def test_a_progress_bar_shows_its_last_state(written: Written) -> None:
    states = [b"\x1b[1m%d/100\x1b[0m step" % step for step in range(1, 101)]
    lines = read_lines(written(b"Epoch 1/2\r\n" + b"\b\b\b\b\r".join(states) + b"\nab\b\bcd\n"), 0, 10)
    assert texts(lines) == ["Epoch 1/2", "\x1b[1m100/100\x1b[0m step", "cd"]


def test_a_progress_bar_of_a_megabyte_shows_its_last_state_uncut(written: Written) -> None:
    bar = b"\r".join(b"%d/100000 loss" % step for step in range(1, 100_001))
    (line,) = read_lines(written(bar + b"\n"), 0, 1).lines
    assert (line.text, line.is_cut) == ("100000/100000 loss", False)


def test_bytes_that_are_no_text_are_shown_as_such(written: Written) -> None:
    assert texts(read_lines(written(b"a\xffb\n"), 0, 1)) == ["a�b"]


def test_lines_are_as_grave_as_they_say_whatever_their_colour(written: Written) -> None:
    lines = read_lines(written(b"ERROR: no\n\x1b[33mWARNING:root:hm\x1b[0m\nINFO:x:y\nplain\n"), 0, 9).lines
    assert [line.severity for line in lines] == [Severity.ERROR, Severity.WARNING, Severity.INFO, Severity.NONE]
    assert lines[1].text == "\x1b[33mWARNING:root:hm\x1b[0m"


def test_lines_within_a_traceback_are_errors_though_its_head_was_not_asked_for(written: Written) -> None:
    frames = b"".join(b'  File "a.py", line %d, in f\n    f()\n' % line for line in range(20))
    index = written(b"fine\nTraceback (most recent call last):\n" + frames + b"ValueError: no\nfine\n")
    lines = read_lines(index, 10, 3).lines
    assert [line.severity for line in lines] == [Severity.ERROR] * 3
    assert read_lines(index, -1, 1).lines[0].severity is Severity.NONE


def test_of_a_line_of_gigabytes_only_the_ends_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "chief-0.log"
    with log.open("wb") as file:
        file.write(b"first\nbegin\r")
        file.truncate(256 << 20)  # of which the disk holds nothing
        file.seek(0, 2)
        file.write(b"\rend\nlast")
    index, read = LogIndex(log), []
    index.open().close()
    plain_read = os.pread
    monkeypatch.setattr(os, "pread", lambda *given: read.append(given[1]) or plain_read(*given))
    assert texts(read_lines(index, 0, 9)) == ["first", "end", "last"]
    assert sum(read) < 8 << 20


def test_a_log_that_is_emptied_while_it_is_read_is_read_anew(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    index = written(b"old\n" * 9)
    plain_open = LogIndex.open

    def emptied(self: LogIndex) -> OpenLog:
        monkeypatch.setattr(LogIndex, "open", plain_open)
        opened = plain_open(self)
        self.path.write_bytes(b"new\n")
        return opened

    monkeypatch.setattr(LogIndex, "open", emptied)
    lines = read_lines(index, -5, 5)
    assert (texts(lines), lines.total) == (["new"], 1)
