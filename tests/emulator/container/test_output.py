"""What a program prints, in entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlmagic.emulator.container.output import LONGEST_LINE, EntryLog, Stream
from mlmagic.emulator.container.task import LogEntry
from mlmagic.spec import codec


def entries(path: Path) -> list[LogEntry]:
    return [codec.loads(LogEntry, line) for line in path.read_bytes().splitlines() if line.startswith(b"{")]


def printed(path: Path, *pieces: bytes) -> list[str]:
    """The entries of what comes in these pieces."""
    log = EntryLog(path)
    stream = Stream("INFO", log)
    for piece in pieces:
        stream.take(piece)
    stream.end()
    log.close()
    return [entry.text for entry in entries(path)]


def test_lines_come_in_any_pieces(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert printed(tmp_path / "log", b"a\nb", b"c\n\nd", "é".encode()[:1], "é".encode()[1:]) == ["a", "bc", "", "dé"]
    assert capfd.readouterr().out == "a\nbc\n\ndé"


def test_a_line_without_end_is_divided(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = printed(tmp_path / "log", b"x" * (2 * LONGEST_LINE + 5))
    assert [len(text) for text in found] == [LONGEST_LINE, LONGEST_LINE, 5]
    assert len(capfd.readouterr().out) == 2 * LONGEST_LINE + 5


def test_no_two_entries_share_a_moment(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    printed(tmp_path / "log", b"line\n" * 1000)
    times = [entry.time for entry in entries(tmp_path / "log")]
    assert times == sorted(set(times))


def test_a_torn_line_costs_itself_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_bytes(b'{"time": "20')
    log = EntryLog(tmp_path / "log")
    log.write("INFO", [b"next"])
    log.close()
    assert (tmp_path / "log").read_bytes().splitlines()[0] == b'{"time": "20'
    assert codec.loads(LogEntry, (tmp_path / "log").read_bytes().splitlines()[1]).text == "next"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device is Linux's own")
def test_a_full_disk_costs_entries_and_not_the_program(capfd: pytest.CaptureFixture[str]) -> None:
    log = EntryLog(Path("/dev/full"))
    Stream("INFO", log).take(b"said\n")
    log.close()
    assert capfd.readouterr().out == "said\n"
