"""The rows that are predicted: a million a file, as the tabular model of `benchmarks.serving` takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from benchmarks.serving.models import TEXTS

ROWS_PER_FILE = 1_000_000


def make_files(folder: Path) -> dict[str, Path]:
    """Write the same rows as CSV and as Parquet, unless they are there."""
    files = {kind: folder / f"rides.{kind}" for kind in ("csv", "parquet")}
    if not files["parquet"].exists():
        folder.mkdir(parents=True, exist_ok=True)
        table = rides(ROWS_PER_FILE)
        pacsv.write_csv(table, files["csv"])
        pq.write_table(table, files["parquet"], compression="zstd", row_group_size=1 << 17)
    return files


def rides(count: int) -> pa.Table:
    """Return rows with an id."""
    generator = np.random.default_rng(5)
    columns = {
        "id": np.arange(count),
        "distance": generator.gamma(2, 2, count).round(2),
        "duration": generator.gamma(3, 5, count).round(1),
        "passengers": generator.integers(1, 6, count).astype(float),
        "hour": generator.integers(0, 24, count).astype(float),
        "weekday": generator.integers(0, 7, count).astype(float),
        "latitude": generator.normal(40.7, 0.05, count).round(4),
        "longitude": generator.normal(-73.9, 0.05, count).round(4),
        **{name: generator.choice(words, count) for name, words in TEXTS.items()},
    }
    return pa.table(columns)
