"""Datasets with real rows: shards that pyarrow writes, and statistics that numpy makes of the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlmagic.spec import codec
from mlmagic.spec.dataset import Column, ColumnType, DatasetOrigin, DatasetSchema, InputFile
from mlmagic.spec.statistics import (
    ColumnStatistics,
    DatasetStatistics,
    Histogram,
    NumericStatistics,
    RowCounts,
    SplitStatistics,
    TextStatistics,
    ValueCount,
    Vocabulary,
)

_CAP = 1000
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
        for number, half in enumerate(halves):
            if half.num_rows:
                pq.write_table(half, folder / f"{split}-{number:05}-of-00002.parquet")
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


def column_type(kind: pa.DataType) -> ColumnType:
    """What a column of that Arrow type is called."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_timestamp(kind):
        return ColumnType.TIMESTAMP
    known = {"int64": "integer", "double": "float", "bool": "boolean", "date32[day]": "date"}
    return ColumnType(known.get(str(kind), "string"))


def statistics_of(table: pa.Table) -> SplitStatistics:
    """What is known about all columns of a table."""
    columns = tuple(_column(name, table[name]) for name in table.column_names)
    return SplitStatistics(rows=table.num_rows, columns=columns)


def _column(name: str, values: pa.ChunkedArray) -> ColumnStatistics:
    kind = column_type(values.type)
    present = [value for value in values.to_pylist() if value is not None]
    counts = Counter(str(value).lower() if kind is ColumnType.BOOLEAN else str(value) for value in present)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    has_vocabulary = kind in {ColumnType.STRING, ColumnType.BOOLEAN} or (
        kind is ColumnType.INTEGER and len(counts) < 100
    )
    kept = tuple(ValueCount(value=value, count=count) for value, count in ordered[:_CAP])
    lengths = [len(value) for value in present] if kind is ColumnType.STRING else []
    return ColumnStatistics(
        name=name,
        type=kind,
        count=len(present),
        missing=len(values) - len(present),
        unique=len(counts),
        numeric=_numeric(kind, present),
        text=_text(lengths) if lengths else None,
        vocabulary=Vocabulary(values=kept, is_complete=len(counts) <= _CAP) if has_vocabulary else None,
    )


def _text(lengths: list[int]) -> TextStatistics:
    return TextStatistics(shortest=min(lengths), longest=max(lengths), mean_length=sum(lengths) / len(lengths))


def _numeric(kind: ColumnType, present: list[Any]) -> NumericStatistics | None:
    if kind is ColumnType.STRING or not present:
        return None
    if kind in {ColumnType.TIMESTAMP, ColumnType.DATE}:
        numbers = np.array(present, dtype="datetime64[us]").astype(np.int64) / 1e6
    else:
        numbers = np.array(present, dtype=np.float64)
    counts, edges = np.histogram(numbers, bins=20)
    return NumericStatistics(
        minimum=float(numbers.min()),
        maximum=float(numbers.max()),
        mean=float(numbers.mean()),
        variance=float(numbers.var()),
        quantiles=tuple(map(float, np.quantile(numbers, np.linspace(0, 1, 257)))),
        histogram=Histogram(low=float(edges[0]), high=float(edges[-1]), counts=tuple(map(float, counts))),
    )
