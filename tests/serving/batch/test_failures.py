"""What goes wrong while a run reads and writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.disks import fill, small_disk

from mlmagic.errors import ConflictError, MlmagicError, UsageError
from mlmagic.preprocessing.reading.options import Format
from mlmagic.serving.batch import run as program
from mlmagic.serving.batch.main import Failed, main
from mlmagic.serving.batch.model_outputs import ModelOutput, to_columns
from mlmagic.serving.batch.target import read_target
from mlmagic.serving.batch.work import Work
from mlmagic.spec.model import TensorSpec
from mlmagic.workspace.layout import Workspace

HOUSES = "id,age,rooms,city\nh1,2.5,3,paris\nh2,1,2,rome\n"


def test_numbers_that_json_does_not_have_are_null() -> None:
    output = ModelOutput(
        spec=TensorSpec(name="y", dtype="float32", shape=(None, None, 1)), names=("y",), is_nested=True
    )
    answer = {"y": np.array([[[1.5]], [[np.nan]], [[-np.inf]]])}
    found = to_columns(answer, [output], 3, Format.JSONL)["y"].to_pylist()
    assert [json.loads(text) for text in found] == [[[1.5]], [[None]], [[None]]]
    assert found[1] == "[[null]]"


def test_an_input_that_changes_meanwhile_is_told(folder: Path, predict, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "test.csv").write_text(HOUSES)
    predict_unit = program.predict_unit

    def change(*arguments: object) -> None:
        predict_unit(*arguments)
        (folder / "test.csv").write_text(HOUSES.replace("2.5", "3.5"))

    monkeypatch.setattr(program, "predict_unit", change)
    with pytest.raises(MlmagicError, match="the input was changed while it was read"):
        predict("houses", "test.csv", "out.csv", "--columns", "id,prediction")
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert not (folder / "out.csv").exists()
    predict("houses", "test.csv", "out.csv", "--columns", "id,prediction")
    assert (folder / "out.csv").read_text() == "id,prediction\nh1,7.5\nh2,4\n"


def test_a_full_disk_is_told_and_the_run_goes_on_later(folder: Path, workspace: Workspace) -> None:
    (folder / "test.csv").write_text(HOUSES)
    with small_disk(folder / "disk") as disk:
        words = ["--model", "houses@1", "--workspace", str(workspace.root), "--input", "test.csv"]
        fill(disk / "full")
        with pytest.raises(Failed, match=r"cannot predict into disk/out.csv: No space left on device"):
            main([*words, "--output", "disk/out.csv"])
        (disk / "full").unlink()
        main([*words, "--output", "disk/out.csv", "--columns", "id,prediction"])
        assert (disk / "out.csv").read_text() == "id,prediction\nh1,6.5\nh2,4\n"


def test_a_lock_of_a_folder_that_is_being_removed_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(read_target("out.csv"), Format.CSV, 1)
    monkeypatch.setattr("fcntl.flock", lambda *_: (folder / ".out.csv.parts/lock").unlink())
    with pytest.raises(ConflictError, match=r"another job writes to out\.csv now"):
        work.open({"model": "houses@1"})
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    work.open({"model": "houses@1"})
    work.close()


def test_a_folder_above_a_new_one_is_looked_into(folder: Path) -> None:
    (folder / "mine.txt").write_text("text")
    with pytest.raises(UsageError, match=r"is not an empty folder: it has mine.txt"):
        Work(read_target("new/.."), Format.CSV, 1).open({})
