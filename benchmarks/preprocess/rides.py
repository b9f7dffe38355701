"""Rides as a taxi office would have them: seeded, a million a file, with missing and impossible values among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

ROWS_PER_FILE = 1_000_000
NUMERIC = ("pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude", "miles", "fare")
TEXT = ("payment", "vendor")
_EPOCH = 1_356_998_400  # the first second of 2013


def make_rides(folder: Path, rows: int) -> dict[str, list[Path]]:
    """Write the rides as Parquet and as CSV, unless they are there; return the files of each format."""
    files: dict[str, list[Path]] = {"parquet": [], "csv": []}
    for number in range(-(-rows // ROWS_PER_FILE)):
        parquet, csv = (folder / f"rides-{number:03d}.{suffix}" for suffix in files)
        if not csv.exists():
            folder.mkdir(parents=True, exist_ok=True)
            table = rides(number, min(ROWS_PER_FILE, rows - number * ROWS_PER_FILE))
            pq.write_table(table, parquet, compression="zstd")
            staged = csv.with_suffix(".part")
            pyarrow.csv.write_csv(table, staged)
            staged.rename(csv)
        files["parquet"].append(parquet)
        files["csv"].append(csv)
    return files


def rides(number: int, rows: int) -> pa.Table:
    """Return the rides of one file."""
    random = np.random.default_rng(number)
    longitude, latitude = (random.normal(centre, 0.03, rows) for centre in (-73.98, 40.75))
    east, north = (random.normal(0, 0.02, rows) for _ in range(2))
    miles = np.hypot(east * 52.6, north * 69) * random.uniform(1.1, 1.5, rows)
    fare = 2.5 + 2.5 * miles + random.exponential(2, rows)
    fare[random.random(rows) < 0.0005] *= -1
    fare[random.random(rows) < 0.0002] += 500
    seconds = _EPOCH + random.integers(0, 365 * 86400, rows)
    return pa.table(
        {
            "id": pa.array(np.arange(rows) + number * ROWS_PER_FILE),
            "pickup": pa.array(seconds, pa.timestamp("s")),
            "pickup_longitude": _rounded(longitude, 6),
            "pickup_latitude": _rounded(latitude, 6),
            "dropoff_longitude": _rounded(longitude + east, 6),
            "dropoff_latitude": _rounded(latitude + north, 6),
            "miles": _with_missing(_rounded(miles, 2), random, 0.01),
            "fare": _rounded(fare, 2),
            "passengers": pa.array(random.integers(1, 7, rows)),
            "payment": pa.array(random.choice(["card", "cash", "dispute", "none"], rows, p=[0.6, 0.38, 0.01, 0.01])),
            "vendor": _with_missing(random.choice([f"vendor {i}" for i in range(300)], rows), random, 0.02),
        }
    )


def _rounded(values: np.ndarray[Any, Any], digits: int) -> np.ndarray[Any, Any]:
    return np.round(values, digits)


def _with_missing(values: np.ndarray[Any, Any], random: np.random.Generator, part: float) -> pa.Array:
    return pa.array(values, mask=random.random(len(values)) < part)
