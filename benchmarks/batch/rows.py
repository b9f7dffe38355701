"""The rows that are predicted: a million a file, as the tabular model of `benchmarks.serving` takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from benchmarks.serving.models import columns_of_rides

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
    return pa.table({"id": np.arange(count), **columns_of_rides(count, seed=5)})
