"""Files in, predictions out: formats, columns, order."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from mlmagic.errors import UsageError

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
    assert shard.read_text() == ("id,age,rooms,city,prediction\nh1,2.5,3,paris,6.5\nh2,1,2,rome,4\n007,10,1,oslo,12\n")
