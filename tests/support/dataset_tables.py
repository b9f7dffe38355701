"""Datasets with real rows: shards that pyarrow writes, and the statistics of the same rows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlmagic.session import Session
from mlmagic.spec import codec
from mlmagic.spec.dataset import Column, ColumnType, DatasetOrigin, DatasetSchema, DatasetVersion, InputFile
from mlmagic.spec.statistics import DatasetStatistics, RowCounts, SplitStatistics
from mlmagic.statistics.accumulator import SplitAccumulator

_FILE = InputFile(path="/data/rides-2013.csv", size_bytes=1_234_567, digest=f"sha256:{'ab' * 32}")


def write_table(
    folder: Path,
    splits: Mapping[str, pa.Table],
    *,
    inputs: tuple[InputFile, ...] = (_FILE,),
    counts: RowCounts | None = None,
    **schema: Any,
) -> Path:
    """Write a dataset as a pipeline leaves it; `schema` are fields of its `DatasetSchema`."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, table in splits.items():
        halves = (table.slice(0, table.num_rows // 2), table.slice(table.num_rows // 2))
        shards = [half for half in halves if half.num_rows]
        for number, shard in enumerate(shards):
            pq.write_table(shard, folder / f"{split}-{number:05}-of-{len(shards):05}.parquet")
    rows = {split: table.num_rows for split, table in splits.items()}
    first = next(iter(splits.values()))
    columns = tuple(Column(name=name, type=column_type(first[name].type)) for name in first.column_names)
    made = sum(rows.values())
    nouns = {
        "schema": DatasetSchema(columns=columns, rows=rows, **schema),
        "statistics": DatasetStatistics(
            splits={split: statistics_of(table) for split, table in splits.items()},
            rows=counts or RowCounts(read=made, written=made),
        ),
        "origin": DatasetOrigin(inputs=inputs),
    }
    for name, noun in nouns.items():
        (folder / f"{name}.json").write_text(codec.dumps(noun))
    return folder


def register(session: Session, name: str, splits: Mapping[str, pa.Table], **told: Any) -> DatasetVersion:
    """Make a dataset's next version; `told` are the arguments of `write_table`, and `job_id` and `package_digest`."""
    names = ("job_id", "package_digest")
    origin = DatasetOrigin(**{field: told.pop(field) for field in names if field in told})
    folder = write_table(session.workspace.root / f"made-{uuid.uuid4().hex}", splits, **told)
    return session.datasets.register(name, folder, origin=origin, now=datetime(2026, 11, 21, 9, tzinfo=UTC))


def rides(rows: int = 400, *, seed: int = 1, longer: float = 0.0) -> pa.Table:
    """Rides of a taxi: the fare follows from the distance and from chance."""
    chance = np.random.default_rng(seed)
    miles = chance.gamma(1.5, 2.0, rows) + longer
    return pa.table(
        {
            "ride_id": [f"{number:012x}" for number in chance.integers(0, 2**40, rows)],
            "miles": pa.array(miles, mask=chance.random(rows) < 0.05),
            "fare": 2.5 + 2.4 * miles + chance.normal(0, 3, rows),
            "passengers": chance.choice([1, 2, 3, 4], rows, p=[0.7, 0.2, 0.05, 0.05]),
            "payment": pa.array(chance.choice(["cash", "card"], rows, p=[0.4, 0.6])).dictionary_encode(),
            "shared": chance.random(rows) < 0.25,
            "pickup": pa.array(np.datetime64("2013-01-01", "us") + chance.integers(0, 10**6, rows) * 10**6),
        }
    )


def divided(table: pa.Table) -> dict[str, pa.Table]:
    """Seven tenths of the rows to train on, and the others to evaluate with."""
    count = table.num_rows * 7 // 10
    return {"train": table.slice(0, count), "eval": table.slice(count)}


def column_type(kind: pa.DataType) -> ColumnType:
    """What a column of that Arrow type is called."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_timestamp(kind):
        return ColumnType.TIMESTAMP
    known = {"int64": "integer", "double": "float", "bool": "boolean", "date32[day]": "date"}
    return ColumnType(known.get(str(kind), "string"))


def statistics_of(table: pa.Table) -> SplitStatistics:
    """What is known about all columns of a table."""
    columns = [Column(name=name, type=column_type(table[name].type)) for name in table.column_names]
    accumulator = SplitAccumulator(columns)
    for batch in table.to_batches():
        accumulator.add(batch)
    return accumulator.result()
