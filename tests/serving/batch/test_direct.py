"""Batch prediction by a pipeline of Beam on this machine: what it writes is what threads write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlmagic.errors import MlmagicError, UsageError
from mlmagic.serving.batch import models
from mlmagic.serving.batch.arguments import parse_arguments

pytestmark = pytest.mark.timeout(300)

ROWS = 60_000
DIRECT = ("--runner", "direct")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in {".csv", ".jsonl"}
    }


def loads_of(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that gets an entry for each time that a model is loaded."""
    loads: list[Any] = []
    load = models.load_engine
    monkeypatch.setattr(models, "load_engine", lambda *words, **named: (loads.append(words), load(*words, **named))[1])
    return loads


def test_csv_in_many_units(folder: Path, predict, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for part in (0, 1):
        rows = [f"{part}-{row},{row % 97},{'x' if row == 7 else 1},{'paris' * 40}" for row in range(ROWS)]
        (folder / f"{part}.csv").write_text("\n".join(("id,age,rooms,city", *rows)) + "\n")
    here = predict("houses", "*.csv", "here")
    loads = loads_of(monkeypatch)
    there = predict("houses", "*.csv", "there", *DIRECT)
    assert (there.read, there.written, there.rejected) == (here.read, here.written, {"rooms: not a whole number": 2})
    assert there.samples == here.samples
    written = files_of(folder / "there")
    assert written == files_of(folder / "here")
    assert (len(written), len(loads)) == (6 + 2, 1)
    assert any(line.startswith("Read ") and line.endswith(f": {2 * ROWS:,} rows") for line in lines)


def test_json_lines_with_misfits_into_one_file(folder: Path, predict) -> None:
    rows = [{"id": row, "age": row, "rooms": 1, "city": "rome"} for row in range(50)]
    broken = ['{"id": 1, "age": "old", "rooms": 2, "city": "rome"}', "{", '{"id": 2, "rooms": 2, "city": "rome"}']
    (folder / "a.jsonl").write_text("\n".join([*broken, *map(json.dumps, rows)]) + "\n")
    words = ("--max-rejected", "3", "--columns", "id,price=prediction")
    here = predict("houses", "a.jsonl", "here.jsonl", *words)
    there = predict("houses", "a.jsonl", "there.jsonl", *words, *DIRECT)
    assert (len(here.rejected), here.rejected, here.samples) == (3, there.rejected, there.samples)
    assert (folder / "here.jsonl").read_bytes() == (folder / "there.jsonl").read_bytes()
    assert files_of(folder / "here-errors") == files_of(folder / "there-errors")


def test_rows_that_the_model_fails_on_cost_their_neighbours_nothing(folder: Path, predict) -> None:
    (folder / "a.csv").write_text("x,s,b\n" + "".join(f"{10**row},a,true\n" for row in range(8)))
    words = ("--columns", "x,whole", "--max-rejected", "2")
    here, there = predict("answer", "a.csv", "here", *words), predict("answer", "a.csv", "there", *words, *DIRECT)
    assert here.rejected == there.rejected == {"the model failed": 2}
    assert files_of(folder / "here") == files_of(folder / "there")


def test_what_goes_wrong_is_told_as_without_beam(folder: Path, predict) -> None:
    with pytest.raises(MlmagicError, match=r"other\.csv: no such file"):
        predict("houses", "other.csv", "out", *DIRECT)
    (folder / "b.csv").write_text("id,age,rooms,city\n" + "".join(f"{row},old,2,rome\n" for row in range(20)))
    with pytest.raises(MlmagicError) as caught:
        predict("houses", "b.csv", "out", *DIRECT)
    assert "20 of 20 rows were rejected: more than --max-rejected 1% allows." in str(caught.value)
    assert "such as b.csv:2: age:" in str(caught.value)


def test_a_runner_that_is_none_is_told() -> None:
    with pytest.raises(UsageError) as caught:
        parse_arguments(["--model", "m@1", "--workspace", ".", "--input", "a", "--output", "o", "--runner", "flink"])
    assert caught.value.problems == ("--runner flink: it is one of direct, dataflow",)
