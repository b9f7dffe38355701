"""Files in, predictions out: formats, columns, order."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from mlmagic.errors import MlmagicError, UsageError

HOUSES = "id,age,rooms,city\nh1,2.5,3,paris\nh2,1,2,rome\n007,10,1,oslo\n"


def test_csv_to_a_submission(folder: Path, predict, lines: list[str]) -> None:
    (folder / "test.csv").write_text(HOUSES)
    result = predict("houses", "test.csv", "out/submission.csv", "--columns", "id,price=prediction")
    assert (folder / "out/submission.csv").read_text() == "id,price\nh1,6.5\nh2,4\n007,12\n"
    assert (result.read, result.written, result.rejected) == (3, 3, {})
    assert [path.name for path in (folder / "out").iterdir()] == ["submission.csv"]
    assert lines[-1] == "3 rows predicted by houses@1: out/submission.csv"


def test_a_folder_gets_all_columns(folder: Path, predict) -> None:
    (folder / "test.csv").write_text(HOUSES)
    predict("houses", "test.csv", "out")
    (shard,) = (folder / "out").glob("*.csv")
    assert shard.name == "predictions-00000-of-00001.csv"
    assert shard.read_text() == "id,age,rooms,city,prediction\nh1,2.5,3,paris,6.5\nh2,1,2,rome,4\n007,10,1,oslo,12\n"


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("given", ["csv", "jsonl", "parquet"])
def test_any_format_becomes_any(folder: Path, predict, given: str, ending: str) -> None:
    (folder / "test.csv").write_text(HOUSES)
    table = pacsv.read_csv("test.csv")
    pq.write_table(table, "test.parquet", row_group_size=2)
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    predict("houses", f"test.{given}", f"out.{ending}")
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "jsonl": lambda name: pd.read_json(name, lines=True)}
    found = read[ending](f"out.{ending}")
    assert list(found.columns) == ["id", "age", "rooms", "city", "prediction"]
    assert found["prediction"].tolist() == [6.5, 4.0, 12.0]
    assert found["age"].tolist() == [2.5, 1.0, 10.0]


def test_the_input_of_csv_stays_as_it_is_written(folder: Path, predict) -> None:
    rows = ("01,2.50,3,x", "02,1e1,+4,x", '03," 7 ",0x10,"x"', "04,nan,1,x", "05,1_0,1,x", "06,1,,x", '07,1,"NA",x')
    (folder / "a.csv").write_text("\n".join(("id,age,rooms,city", *rows)) + "\n")
    words = ("--columns", "age,rooms,n=id,prediction", "--types", "id=integer", "--max-rejected", "4")
    result = predict("houses", "a.csv", "out.csv", *words)
    found = pd.read_csv("out.csv", dtype=str, keep_default_na=False)
    assert found[["age", "rooms", "n"]].to_numpy().tolist() == [
        ["2.50", "3", "01"],
        ["1e1", "+4", "02"],
        [" 7 ", "0x10", "03"],
    ]
    assert found["prediction"].tolist() == ["6.5", "15", "24"]
    # Quoted or not, what stands for a missing value is none.
    assert result.rejected == {"age: missing": 1, "age: not a number": 1, "rooms: missing": 2}


def test_texts_that_need_quotes_come_through(folder: Path, predict) -> None:
    (folder / "test.csv").write_text('id,age,rooms,city\n"a, ""b""\nc",1,2,paris\n,1,2,NA\n')
    predict("houses", "test.csv", "out.csv", "--columns", "id,city,prediction", "--max-rejected", "1")
    found = pd.read_csv("out.csv", keep_default_na=False)
    assert found.to_numpy().tolist() == [['a, "b"\nc', "paris", 4]]
    assert "city: missing" in (folder / "out-errors/errors-00000-of-00001.jsonl").read_text()


def test_order_is_kept_over_many_units(folder: Path, predict) -> None:
    ids = [f"{number:07d}" for number in range(120_000)]
    for part in (0, 1):
        rows = ids[part * 60_000 : (part + 1) * 60_000]
        text = "".join(f"{row},{int(row) % 97},1,{'paris' * 20}\n" for row in rows)
        (folder / f"{part}.csv").write_text("id,age,rooms,city\n" + text)
    result = predict("houses", "1.csv 0.csv", "out.csv", "--columns", "id,prediction")
    found = pd.read_csv("out.csv", dtype={"id": str})
    assert found["id"].tolist() == [*ids[60_000:], *ids[:60_000]]
    assert (found["prediction"] == [int(row) % 97 + 2 for row in found["id"]]).all()
    assert result.size_bytes == sum(path.stat().st_size for path in folder.glob("[01].csv"))


def test_texts_of_times_are_what_the_model_learned(folder: Path, predict) -> None:
    (folder / "a.csv").write_text("x,s,b\n1,2013-05-01 12:00:00 UTC,true\n2,,false\n")
    words = ("--text-types", "s=timestamp", "--columns", "words,whole", "--max-rejected", "1")
    predict("answer", "a.csv", "out.csv", *words)
    assert (folder / "out.csv").read_text() == "words,whole\n2013-05-01T12:00:00.000000,1099511627777\n"


def test_outputs_of_all_shapes(folder: Path, predict) -> None:
    (folder / "a.csv").write_text("x,s,b\n1,é,yes\n")
    predict("answer", "a.csv", "out.jsonl")
    row = json.loads((folder / "out.jsonl").read_text())
    assert (row["x"], row["s"], row["b"]) == (1, "é", True)
    assert (row["words"], row["whole"], row["is_b"]) == ("É", 2**40 + 1, False)
    assert (row["pair_0"], row["pair_1"], row["image"]) == (1, -1, [[1, 1], [1, 1]])
    predict("answer", "a.csv", "out.parquet", "--columns", "image,raw")
    assert pq.read_table("out.parquet").to_pylist() == [{"image": [[1, 1], [1, 1]], "raw": "�"}]
    predict("answer", "a.csv", "out.csv", "--columns", "image,words")
    assert (folder / "out.csv").read_text() == 'image,words\n"[[1.0, 1.0], [1.0, 1.0]]","É"\n'


def test_ragged_outputs(folder: Path, predict) -> None:
    (folder / "a.jsonl").write_text('{"s": "a b"}\n{"s": "c"}\n')
    predict("ragged", "a.jsonl", "out.jsonl")
    assert [json.loads(line)["words"] for line in (folder / "out.jsonl").read_text().splitlines()] == [
        ["a", "b"],
        ["c"],
    ]


def test_a_model_of_fixed_batches(folder: Path, predict) -> None:
    pq.write_table(pa.table({"x": [float(number) for number in range(10)]}), "a.parquet")
    predict("fours", "a.parquet", "out.csv", "--columns", "total")
    assert pd.read_csv("out.csv")["total"].tolist() == [number + 4.0 for number in range(10)]


def test_a_vector_of_columns_or_of_json(folder: Path, predict) -> None:
    (folder / "a.csv").write_text("p1,p2,p3\n1,2,3\n")
    predict("vector", "a.csv", "out.csv", "--columns", "p1,prediction_2")
    assert (folder / "out.csv").read_text() == "p1,prediction_2\n1,6\n"
    (folder / "a.jsonl").write_text('{"id": 1, "pixels": [1, 2, 3]}\n{"id": 2, "pixels": [1, 2]}\n{"id": 3}\n')
    predict("vector", "a.jsonl", "out.jsonl", "--max-rejected", "2")
    row = json.loads((folder / "out.jsonl").read_text())
    assert row == {"id": 1, "pixels": [1, 2, 3], "prediction_0": 2, "prediction_1": 4, "prediction_2": 6}
    errors = [json.loads(line) for line in (folder / "out-errors/errors-00000-of-00001.jsonl").read_text().splitlines()]
    assert [(error["line"], error["reason"]) for error in errors] == [
        (2, "pixels: expected a list of 3, got a list of 2"),
        (3, "pixels: missing, and the model takes no missing values"),
    ]


def test_outputs_without_a_row_each_are_told(folder: Path, predict) -> None:
    (folder / "a.csv").write_text("x\n1\n2\n")
    with pytest.raises(MlmagicError, match="the output 'total' of the model has one value for 2 rows"):
        predict("summed", "a.csv", "out.csv")


BAD_STARTS = {
    "a column that is missing": (
        ("houses", "a.csv", "out"),
        (
            "The input does not have what the model takes.\n  - column rooms is missing. Did you mean roms?\n"
            "It has id, age, roms, city; the model takes age (float32), city (string), rooms (int64)."
        ),
    ),
    "a column of the output that is nowhere": (
        ("vector", "v.csv", "out.csv", "--columns", "p1,p4"),
        (
            "--columns has what is not there.\n  - p4: neither a column of the input nor a prediction. Did you mean p3 "
            "or p2 or p1?\nThe input has p1, p2, p3; predictions are prediction_0, prediction_1, prediction_2."
        ),
    ),
    "a name that may be the prediction": (
        ("fours", "x.csv", "out.csv", "--columns", "price"),
        "For the prediction under that name: --columns price=total.",
    ),
    "a vector of another width": (("vector", "a.csv", "out"), "one vector of 3 values, so 3 columns in their order"),
    "a prediction called as a column is": (
        ("fours", "both.csv", "out"),
        "The input has a column total already, and so is the prediction called.\nChoose with --columns",
    ),
    "the input as output": (("fours", "x.csv", "x.csv"), "--output x.csv is one of the files that are read."),
    "a folder with something in it": (("fours", "x.csv", "."), "--output . is not an empty folder: it has a.csv"),
    "files that are not there": (("fours", "y.csv", "out"), "y.csv: no such file."),
}


@pytest.mark.parametrize("case", BAD_STARTS)
def test_what_cannot_work_is_told_before_anything_is_written(folder: Path, predict, case: str) -> None:
    (folder / "a.csv").write_text("id,age,roms,city\n1,2,3,x\n")
    (folder / "v.csv").write_text("p1,p2,p3\n1,2,3\n")
    (folder / "x.csv").write_text("x\n1\n")
    (folder / "both.csv").write_text("x,total\n1,2\n")
    before = sorted(folder.iterdir())
    arguments, told = BAD_STARTS[case]
    with pytest.raises(UsageError) as caught:
        predict(*arguments)
    assert told in str(caught.value)
    assert sorted(folder.iterdir()) == before
