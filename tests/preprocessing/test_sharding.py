"""The same dataset however the input is divided, whoever works on it, and in whatever order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlmagic.preprocessing.reading import units

from .conftest import Dataset, Preprocess

ROWS = 30_000
_SUMS = ("mean", "variance", "meanLength")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Files of very different sizes, with missing values and many and few distinct ones."""
    random = np.random.default_rng(3)
    table = pa.table(
        {
            "n": np.arange(ROWS),
            "x": pa.array(random.normal(size=ROWS), mask=random.random(ROWS) < 0.1),
            "who": pa.array([f"w{n}" for n in random.geometric(0.01, ROWS)]),
            "when": pa.array(random.integers(1.3e15, 1.4e15, ROWS), pa.timestamp("us")),
        }
    )
    edges = [0, 100, 20_000, 20_001, ROWS]
    paths = [tmp_path / f"in-{start}.parquet" for start in edges[:-1]]
    for path, start, stop in zip(paths, edges, edges[1:], strict=False):
        pq.write_table(table.slice(start, stop - start), path, row_group_size=700)
    return paths


def told(dataset: Dataset) -> dict[str, object]:
    """All but the last digits of means and variances, which depend on the order of additions."""
    statistics = json.loads((dataset.folder / "statistics.json").read_text("utf-8"))
    for split in statistics["splits"].values():
        for numbers in (column.get(part, {}) for column in split["columns"] for part in ("numeric", "text")):
            numbers.update({name: f"{numbers[name]:.9e}" for name in _SUMS if name in numbers})
    return {"statistics": statistics, "schema": json.loads((dataset.folder / "schema.json").read_text("utf-8"))}


def contents(dataset: Dataset) -> dict[str, list[object]]:
    return {split: sorted(row["n"] for row in dataset.rows(split)) for split in dataset.schema.rows}  # type: ignore[type-var]


@pytest.mark.parametrize("rule", [["--key", "who"], [], ["--split-time", "when"]], ids=["key", "row", "time"])
def test_units_and_workers_make_no_difference(
    files: list[Path], preprocess: Preprocess, monkeypatch: pytest.MonkeyPatch, rule: list[str]
) -> None:
    whole = preprocess(*files, *rule, "--target", "x", "--max-rejected", "100%", "--workers", 1)
    monkeypatch.setattr(units, "SMALLEST", 50_000)
    monkeypatch.setattr(units, "LARGEST", 50_000)
    parts = preprocess(*files[::-1], *rule, "--target", "x", "--max-rejected", "100%", "--workers", 3)
    assert len(whole.shards("train")) == 1
    assert len(parts.shards("train")) > 5
    assert contents(parts) == contents(whole)
    assert told(parts) == told(whole)


def test_shards_are_of_even_size(files: list[Path], preprocess: Preprocess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "SMALLEST", 100_000)
    monkeypatch.setattr(units, "LARGEST", 100_000)
    rows = [pq.read_metadata(shard).num_rows for shard in preprocess(*files).shards("train")]
    assert len(rows) > 3
    assert max(rows) < 1.3 * np.median(rows)
