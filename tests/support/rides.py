"""Rides of a made-up taxi company: columns of all types, with missing and odd values, and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.statistics import SplitStatistics
from mlmagic.statistics.accumulator import SplitAccumulator

TYPES: Mapping[str, tuple[ColumnType, Any]] = {
    "key": (ColumnType.STRING, pa.string()),
    "miles": (ColumnType.FLOAT, pa.float64()),
    "longitude": (ColumnType.FLOAT, pa.float64()),
    "latitude": (ColumnType.FLOAT, pa.float64()),
    "passengers": (ColumnType.INTEGER, pa.int64()),
    "night": (ColumnType.BOOLEAN, pa.bool_()),
    "payment": (ColumnType.STRING, pa.string()),
    "company": (ColumnType.STRING, pa.string()),
    "review": (ColumnType.STRING, pa.string()),
    "pickup": (ColumnType.TIMESTAMP, pa.timestamp("us")),
    "day": (ColumnType.DATE, pa.date32()),
    "fare": (ColumnType.FLOAT, pa.float64()),
}
COLUMNS = tuple(Column(name=name, type=kind) for name, (kind, _) in TYPES.items())
WORDS = ("good", "Bad!", "ride,", "the", "ütt", "driver")


def rides(rows: int, seed: int = 0, *, missing: float = 0.1) -> dict[str, list[Any]]:
    """Return columns of random rides."""
    chance = np.random.default_rng(seed)
    micros = chance.integers(1_356_998_400, 1_388_534_400, rows) * 1_000_000
    columns: dict[str, list[Any]] = {
        "key": [f"ride {number}" for number in range(rows)],
        "miles": chance.lognormal(1, 1, rows).round(1).tolist(),
        "longitude": chance.normal(-73.97, 0.04, rows).tolist(),
        "latitude": chance.normal(40.75, 0.03, rows).tolist(),
        "passengers": chance.integers(1, 7, rows).tolist(),
        "night": (chance.random(rows) < 0.3).tolist(),
        "payment": [("Cash", "Credit Card", "ünknown", "Cash")[number] for number in chance.integers(0, 4, rows)],
        "company": [f"company {int(number)}" for number in chance.exponential(50, rows)],
        "review": [" ".join(chance.choice(WORDS, chance.integers(1, 9))) for _ in range(rows)],
        "pickup": micros.tolist(),
        "day": (micros // 86_400_000_000).tolist(),
        "fare": chance.normal(10, 3, rows).tolist(),
    }
    # In order: what a set gives first depends on the process.
    for name in sorted(columns.keys() - {"key", "fare"}):
        columns[name] = [None if chance.random() < missing else value for value in columns[name]]
    return columns


def statistics_of(columns: Mapping[str, list[Any]], tokens: Collection[str] = ("review",)) -> SplitStatistics:
    """Return what a pipeline would know of these columns."""
    batch = pa.record_batch({name: pa.array(values, TYPES[name][1]) for name, values in columns.items()})
    counts = SplitAccumulator([column for column in COLUMNS if column.name in columns], tokens=tokens)
    counts.add(batch)
    return counts.result()
