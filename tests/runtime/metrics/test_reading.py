"""How far preprocessing is comes from what its pipeline prints."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.preprocessing.progress import ProgressFile, ProgressTeller
from mlmagic.runtime.reading import ReadingFollower, read_reading, remaining_seconds, with_rate
from mlmagic.spec.report import Reading

LINE = "Read 12,000,000 of 951,000,000 bytes: 126,000 rows\n"
QUARTER = Reading(rows=25, bytes_done=100, bytes_total=400)


def test_what_the_pipeline_prints_is_read(tmp_path: Path) -> None:
    printed: queue.Queue[str] = queue.Queue()
    (tmp_path / "progress").touch()
    with ProgressTeller(tmp_path / "progress", 951_000_000, printed.put, every=0.01):
        ProgressFile(str(tmp_path / "progress")).add(12_000_000, 126_000)
        line = printed.get(timeout=60)
    assert read_reading(f"{line}\n") == Reading(rows=126_000, bytes_done=12_000_000, bytes_total=951_000_000)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (f"loading\n{LINE}", 126_000),
        (f"{LINE}Read 24,000,000 of 951,000,000 bytes: 252,000 rows\nmore\n", 252_000),
        ("Read 0 of 0 bytes: 0 rows\n", 0),
        (f"{LINE}mlmagic: attempt 2 of 3 (attempt 1: ended by SIGKILL)\n", None),
        (f"{LINE}mlmagic: attempt 2 of 3\nRead 5 of 9 bytes: 1 rows\n", 1),
        ("He has " + LINE, None),
        ("Read 9 of 5 bytes: 1 rows\n", None),
        ("Read , of , bytes: , rows\n", 0),
        ("", None),
    ],
)
def test_logs_tell_how_far_it_is(log: str, expected: int | None) -> None:
    reading = read_reading(log)
    assert (None if reading is None else reading.rows) == expected


@given(st.text(alphabet="Read 0123456789,of bytes:\nows"), st.integers(min_value=1, max_value=9))
def test_however_a_log_is_cut_it_tells_the_same(text: str, size: int) -> None:
    follower, log = ReadingFollower(), LINE + text + "\n"
    told = [follower.feed(log[at : at + size]) for at in range(0, len(log), size)]
    assert told[-1] == read_reading(log)
    assert told[-1] is not None


def test_long_lines_are_not_kept() -> None:
    follower = ReadingFollower()
    follower.feed(LINE + "x" * 100_000)
    assert len(follower._rest) <= 1000
    assert follower.feed("\n" + LINE.replace("126", "127")).rows == 127_000


@pytest.mark.parametrize(
    ("since", "seconds", "rate", "left"),
    [
        (None, 10.0, 10.0, 30.0),
        (Reading(rows=0, bytes_done=50, bytes_total=400), 10.0, 5.0, 60.0),
        (QUARTER, 10.0, None, None),
        (None, 0.0, None, None),
    ],
)
def test_what_remains_is_told_by_bytes(
    since: Reading | None, seconds: float, rate: float | None, left: float | None
) -> None:
    reading = with_rate(QUARTER, seconds, since=since)
    assert (reading.bytes_per_second, remaining_seconds(reading)) == (rate, left)


def test_at_the_end_nothing_remains() -> None:
    whole = Reading(rows=100, bytes_done=400, bytes_total=400)
    assert (whole.fraction, remaining_seconds(whole)) == (1.0, 0.0)
    assert Reading(rows=0, bytes_done=0, bytes_total=0).fraction == 0.0
