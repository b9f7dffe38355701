"""Rows that cannot be read, that do not fit the model, or that the model fails on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlmagic.errors import MlmagicError

FILES = ("a.parquet", "b.parquet")


def errors_of(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


CSV = 'id,age,rooms,city\n1,1,1,x\n\n2,a,1,x\n3,,1,"x\ny"\n4,1\n5,1,1,x\n6,1e60,1,x\n7,1,1.5,x\n'


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_bad_rows_are_told_with_their_lines(folder: Path, predict, name: str) -> None:
    (folder / name).write_bytes(gzip.compress(CSV.encode()) if name.endswith("gz") else CSV.encode())
    result = predict("houses", name, "out", "--max-rejected", "5", "--columns", "id,prediction")
    assert (folder / "out/predictions-00000-of-00001.csv").read_text() == "id,prediction\n1,3\n5,3\n"
    found = sorted((error["line"], error["reason"]) for error in errors_of(folder / "out/errors"))
    assert found == [
        (4, 'age: "a" is not a number'),
        (5, "age: missing, and the model takes no missing values"),
        (7, "2 fields instead of 4"),
        (9, "age: 1e+60 is out of the range of float32"),
        (10, 'rooms: "1.5" is not a whole number'),
    ]
    assert (result.read, result.written, result.rejected_rows) == (7, 2, 5)
    assert {error["text"] for error in errors_of(folder / "out/errors")} >= {"4,1", '3,,1,"x\ny"'}


def test_of_parquet_by_number_of_row(folder: Path, predict) -> None:
    rooms = [1, None, 3, 4]
    table = {"age": [1.0, 2.0, None, float("nan")], "rooms": rooms, "city": ["x", "y", "z", "z"]}
    for name in FILES:
        pq.write_table(pa.table(table), name, row_group_size=1)
    predict("houses", " ".join(FILES), "out.jsonl", "--max-rejected", "75%", "--columns", "rooms")
    errors = errors_of(folder / "out-errors")
    assert [(error["file"], error["line"]) for error in errors] == [(name, line) for name in FILES for line in (2, 3)]
    assert json.loads(str(errors[1]["text"])) == {"age": None, "rooms": 3, "city": "z"}
    assert (folder / "out.jsonl").read_text() == '{"rooms":1}\n{"rooms":4}\n' * 2


def test_of_json_lines(folder: Path, predict) -> None:
    good = '{"age": 1, "rooms": 2, "city": "x"}'
    lines = [good, "", '{"age": "x", "rooms": 2, "city": "x"}', '{"age": 1}', good, "{", good]
    (folder / "a.jsonl").write_text("\n".join(lines))
    result = predict("houses", "a.jsonl", "out.csv", "--max-rejected", "3")
    assert sorted(error["line"] for error in errors_of(folder / "out-errors")) == [3, 4, 6]
    assert (result.written, result.rejected_rows) == (3, 3)


def test_rows_that_the_model_fails_on_cost_no_others(folder: Path, predict) -> None:
    values = [7e6 if number in {3, 40, 41} else number for number in range(100)]
    (folder / "a.csv").write_text("x,s,b\n" + "".join(f"{value},a,true\n" for value in values))
    result = predict("answer", "a.csv", "out.csv", "--max-rejected", "3", "--columns", "x,whole")
    errors = errors_of(folder / "out-errors")
    assert [error["line"] for error in errors] == [5, 42, 43]
    assert "the model failed: InvalidArgumentError: " in str(errors[0]["reason"])
    assert (result.written, len((folder / "out.csv").read_text().splitlines())) == (97, 98)


def test_a_model_that_always_fails_is_told_soon(folder: Path, predict) -> None:
    (folder / "a.csv").write_text("x,s,b\n" + "7000000,a,true\n" * 1000)
    with pytest.raises(MlmagicError, match="the model fails: InvalidArgumentError: "):
        predict("answer", "a.csv", "out.csv", "--max-rejected", "100%")
    assert not (folder / "out.csv").exists()


def test_too_many_fail_the_run_and_a_higher_limit_goes_on(folder: Path, predict, lines: list[str]) -> None:
    (folder / "a.csv").write_text("x\n1\nb\n3\nc\n")
    with pytest.raises(MlmagicError) as caught:
        predict("fours", "a.csv", "out.csv")
    assert str(caught.value).splitlines() == [
        "2 of 4 rows were rejected: more than --max-rejected 1% allows.",
        "  - 2 times x: not a number",
        '  - such as a.csv:3: x: "b" is not a number in b',
        '  - such as a.csv:5: x: "c" is not a number in c',
        "They are in out-errors. With a higher --max-rejected the others are kept, and nothing is predicted twice.",
    ]
    assert not (folder / "out.csv").exists()
    predict("fours", "a.csv", "out.csv", "--max-rejected", "50%", "--columns", "x,total")
    assert "1 of 1 shards are there already" in lines
    assert (folder / "out.csv").read_text() == "x,total\n1,5\n3,7\n"
    assert lines[-1].startswith("2 rows predicted by fours@1: out.csv · 2 rejected: out-errors\n  2 times x: not a")


def test_a_run_without_hope_ends_before_all_is_read(folder: Path, predict) -> None:
    for number in range(4):
        (folder / f"{number}.csv").write_text(f"x,text\nbad,{'t' * 5_000_000}\n")
    with pytest.raises(MlmagicError, match=r"rows were rejected: more than --max-rejected 0 allows"):
        predict("fours", "0.csv 1.csv 2.csv 3.csv", "out", "--max-rejected", "0")
    assert len(list((folder / "out").glob("*.csv"))) < 4
