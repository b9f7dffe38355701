"""A small dataset of rides, as preprocessing would leave it, in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlmagic.spec import codec
from mlmagic.spec.dataset import Column, ColumnType, DatasetSchema
from mlmagic.spec.statistics import DatasetStatistics, RowCounts
from mlmagic.statistics.accumulator import SplitAccumulator

COLUMNS = (
    Column(name="id", type=ColumnType.INTEGER),
    Column(name="miles", type=ColumnType.FLOAT),
    Column(name="seconds", type=ColumnType.INTEGER),
    Column(name="payment", type=ColumnType.STRING),
    Column(name="begin", type=ColumnType.TIMESTAMP),
    Column(name="is_night", type=ColumnType.BOOLEAN),
    Column(name="fare", type=ColumnType.FLOAT),
)
FEATURES = {
    "miles": "numeric",
    "seconds": {"type": "bucketized", "buckets": "nbuckets=8"},
    "payment": {"type": "categorical", "vocabulary": 10},
    "begin": {"type": "time", "parts": ["hour"]},
}
ROWS = {"train": 4000, "eval": 600, "test": 500}


def rides(rows: int, *, first: int = 0, may_miss: bool = True) -> pa.Table:
    """Make rides; which they are depends on the first of their ids."""
    chance = np.random.default_rng(first)
    miles = chance.gamma(2.0, 2.0, rows)
    seconds = np.maximum(miles * 300 + chance.normal(0, 60, rows), 30).astype("int64")
    payment = chance.choice(["cash", "card", "dispute"], rows, p=[0.5, 0.45, 0.05])
    moments = 1_384_000_000_000_000 + chance.integers(0, 86_400_000_000, rows)
    fare = 2.5 + 2.0 * miles + 0.003 * seconds + (payment == "card") * 1.5
    return pa.table(
        {
            "id": np.arange(first, first + rows),
            "miles": pa.array(miles, mask=chance.random(rows) < 0.05 * may_miss),
            "seconds": seconds,
            "payment": pa.array(payment, mask=chance.random(rows) < 0.02 * may_miss).dictionary_encode(),
            "begin": pa.array(moments, pa.timestamp("us")),
            "is_night": moments // 3_600_000_000 % 24 < 6,
            "fare": fare,
        }
    )


def write_rides(
    folder: Path,
    *,
    target: str | None = "fare",
    shards: int = 3,
    group: int = 500,
    rows: Mapping[str, int] = ROWS,
    may_miss: bool = True,
    are_features_inferred: bool = False,
) -> Path:
    """Write a dataset of rides, each split in a few shards."""
    folder.mkdir(parents=True, exist_ok=True)
    splits, first = {}, 0
    for split, count in rows.items():
        counts = SplitAccumulator(COLUMNS)
        for shard in range(shards):
            table = rides(count * (shard + 1) // shards - count * shard // shards, first=first, may_miss=may_miss)
            first += len(table)
            name = f"{split}-{shard:05d}-of-{shards:05d}.parquet"
            pq.write_table(table, folder / name, row_group_size=group, compression="zstd")
            for batch in table.to_batches():
                counts.add(batch)
        splits[split] = counts.result()
    read = sum(rows.values())
    schema = DatasetSchema(
        columns=COLUMNS,
        target=target,
        key="id",
        features=FEATURES,
        are_features_inferred=are_features_inferred,
        rows=rows,
    )
    statistics = DatasetStatistics(splits=splits, rows=RowCounts(read=read, written=read))
    (folder / "schema.json").write_text(codec.dumps(schema))
    (folder / "statistics.json").write_text(codec.dumps(statistics))
    return folder
