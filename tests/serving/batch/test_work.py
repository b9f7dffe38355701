"""Runs that are repeated, broken off, or in each other's way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlmagic.errors import ConflictError, MlmagicError, UsageError
from mlmagic.preprocessing.reading.options import Format
from mlmagic.serving.batch.target import read_target
from mlmagic.serving.batch.work import UnitRecord, Work

COLUMNS = ("--columns", "age,prediction")
PROGRAM = "from mlmagic.serving.batch.main import main; main()"


@pytest.fixture
def many(folder: Path) -> str:
    """Files of three units."""
    for number in range(3):
        text = "".join(f"{number},1,{'t' * 100}\n" for _ in range(60_000))
        (folder / f"{number}.csv").write_text(f"age,rooms,city\n{text}")
    return "0.csv 1.csv 2.csv"


def test_a_finished_run_does_nothing_again(folder: Path, predict, many: str, lines: list[str]) -> None:
    predict("houses", many, "out", *COLUMNS)
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*.csv")}
    predict("houses", many, "out", *COLUMNS)
    assert f"{len(before)} of {len(before)} shards are there already" in lines
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*.csv")} == before


def test_what_is_missing_is_made_again(folder: Path, predict, many: str, lines: list[str]) -> None:
    predict("houses", many, "out", *COLUMNS)
    first, *others = sorted((folder / "out").glob("*.csv"))
    content = first.read_bytes()
    first.unlink()
    predict("houses", many, "out", *COLUMNS)
    assert (first.read_bytes(), len(others) >= 2) == (content, True)
    assert f"{len(others)} of {len(others) + 1} shards are there already" in lines


def test_another_run_is_kept_out_of_a_finished_folder(folder: Path, predict, many: str) -> None:
    predict("houses", many, "out", *COLUMNS)
    with pytest.raises(UsageError) as caught:
        predict("houses", "0.csv", "out", "--columns", "prediction")
    assert str(caught.value) == (
        "--output out has predictions of another run: of other files, other columns.\n"
        "Name a new folder, or remove that one."
    )


def test_an_unfinished_run_of_something_else_makes_room(folder: Path, predict) -> None:
    (folder / "a.csv").write_text("x\nbad\n1\n")
    with pytest.raises(MlmagicError):
        predict("fours", "a.csv", "out", "--columns", "x,total")
    predict("fours", "a.csv", "out", "--columns", "total", "--max-rejected", "1")
    assert (folder / "out/predictions-00000-of-00001.csv").read_text() == "total\n5\n"


def test_a_changed_file_is_predicted_anew(folder: Path, predict) -> None:
    (folder / "a.csv").write_text("x\nbad\n1\n")
    with pytest.raises(MlmagicError):
        predict("fours", "a.csv", "out.csv", "--columns", "total")
    (folder / "a.csv").write_text("x\n2\n")
    predict("fours", "a.csv", "out.csv", "--columns", "total")
    assert (folder / "out.csv").read_text() == "total\n6\n"
    assert not (folder / "out-errors").exists()


def test_two_at_once_are_told(folder: Path, predict) -> None:
    (folder / "a.csv").write_text("x\n1\n")
    work = Work(read_target("out.csv"), Format.CSV, 1)
    work.open({"model": "another"})
    with pytest.raises(ConflictError, match=r"another job writes to out\.csv now"):
        predict("fours", "a.csv", "out.csv")
    work.close()


def test_a_record_without_its_shard_counts_for_nothing(folder: Path) -> None:
    work = Work(read_target("out"), Format.CSV, 1)
    work.open({"model": "m"})
    work.finish(UnitRecord(index=0, read=1, written=1, size_bytes=1))
    work.close()
    again = Work(read_target("out"), Format.CSV, 1)
    again.open({"model": "m"})
    assert again.records() == []
    again.close()


@pytest.mark.parametrize(
    "runner", [(), pytest.param(("--runner", "direct"), marks=pytest.mark.slow)], ids=["threads", "beam"]
)
def test_a_killed_run_goes_on(
    folder: Path, predict, workspace, many: str, lines: list[str], *, runner: tuple[str, ...]
) -> None:
    words = ["--model", "houses@1", "--workspace", str(workspace.root), "--output", "out.csv", *COLUMNS, *runner]
    command = [sys.executable, "-c", PROGRAM, *words, "--workers", "1", "--input", *many.split()]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(folder.glob(".out.csv.parts/unit-*.json")):
        assert process.poll() is None
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    result = predict("houses", many, "out.csv", *COLUMNS, *runner)
    assert any(line.endswith("shards are there already") for line in lines)
    assert (folder / "out.csv").read_text() == "age,prediction\n" + "".join(f"{n},{n + 2}\n" * 60_000 for n in range(3))
    assert (result.written, list(folder.glob(".out*"))) == (180_000, [])
