from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mlmagic.runtime.ending import Ending, append_to_log, failed, log_lines, quietly, read_tail
from mlmagic.spec.job import JobError, JobState


@pytest.mark.parametrize(("before", "after"), [("", "x\n"), ("a\n", "a\nx\n"), ("50 %\r", "50 %\r\nx\n")])
def test_lines_begin_on_their_own_line(tmp_path: Path, before: str, after: str) -> None:
    log = tmp_path / "chief-0.log"
    log.write_bytes(before.encode())
    append_to_log(log, ["x"])
    assert log.read_bytes() == after.encode()


def test_a_log_is_made_for_this_user_alone(tmp_path: Path) -> None:
    append_to_log(tmp_path / "a.log", ["x"])
    append_to_log(tmp_path / "b.log", [])
    assert (tmp_path / "a.log").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "b.log").exists()


def test_the_mapped_traceback_is_told_once() -> None:
    error = JobError(message="ValueError: x", traceback="Cell [5], line 3\nValueError: x", hint="Try y.")
    ending = Ending(state=JobState.FAILED, exit_code=1, error=error)
    assert log_lines(ending) == [
        "mlmagic: in your notebook:",
        "Cell [5], line 3",
        "ValueError: x",
        "mlmagic: failed: ValueError: x",
        "mlmagic: Try y.",
    ]
    told = dataclasses.replace(ending, raw_traceback=error.traceback)
    assert log_lines(told)[0] == "mlmagic: failed: ValueError: x"


def test_a_good_end_is_one_line_or_none() -> None:
    assert log_lines(Ending(state=JobState.SUCCEEDED, message="taxi@1")) == ["mlmagic: taxi@1"]
    assert log_lines(Ending(state=JobState.SUCCEEDED)) == []
    assert log_lines(failed("no")) == ["mlmagic: failed: no"]


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"caf\xc3\xa9")
    assert read_tail(tmp_path / "log", limit=1) == "\N{REPLACEMENT CHARACTER}"
    assert read_tail(tmp_path / "missing") == ""


def test_quietly_says_whether_it_worked(tmp_path: Path) -> None:
    assert quietly(lambda: None)
    assert not quietly((tmp_path / "missing").read_bytes)
