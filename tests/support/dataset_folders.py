"""Folders like those that a pipeline leaves, for tests of what is done with them; the shards hold no rows."""

from __future__ import annotations

from pathlib import Path

from mlmagic.spec import codec
from mlmagic.spec.dataset import Column, ColumnType, DatasetOrigin, DatasetSchema, InputFile
from mlmagic.spec.statistics import ColumnStatistics, DatasetStatistics, RowCounts, SplitStatistics

COLUMNS = (Column(name="distance", type=ColumnType.FLOAT), Column(name="fare", type=ColumnType.FLOAT))
ROWS = {"train": 5, "eval": 2, "test": 0}


def write_dataset(folder: Path) -> Path:
    """Write seven rows of rides: five to train on, two to evaluate with; one more was rejected."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train-00000-of-00002", "train-00001-of-00002", "eval-00000-of-00001"):
        (folder / f"{name}.parquet").write_bytes(b"PAR1")
    columns = tuple(ColumnStatistics(name=column.name, type=column.type, count=5) for column in COLUMNS)
    counts = RowCounts(read=8, written=7, rejected={"fare: not a number": 1})
    splits = {name: SplitStatistics(rows=rows, columns=columns) for name, rows in ROWS.items()}
    inputs = (InputFile(path="/data/rides.csv", size_bytes=120, digest="sha256:ab"),)
    nouns = {
        "schema": DatasetSchema(columns=COLUMNS, target="fare", features={"distance": "numeric"}, rows=ROWS),
        "statistics": DatasetStatistics(splits=splits, rows=counts),
        "origin": DatasetOrigin(inputs=inputs),
    }
    for name, noun in nouns.items():
        (folder / f"{name}.json").write_text(codec.dumps(noun))
    return folder
