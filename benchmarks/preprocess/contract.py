"""What every engine must have done, checked on what it wrote: only then does its time count.

Run as `python -m benchmarks.preprocess.contract OUTPUT ROWS SHARDS RELATIVE`: a program of its own, for the memory that
it takes would count as that of the programs which are started next.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.preprocess.rides import NUMERIC, TEXT

SPLITS = ("train", "eval", "test")
FRACTIONS = {"train": 0.8, "eval": 0.1, "test": 0.1}
RANK_ERROR = 0.006
"""By how much the rank of a quantile may be off; DuckDB and TensorFlow Transform promise no more."""


def check(output: Path, *, rows: int, shards: int, relative: float) -> None:
    """Check shards and statistics of one run.

    Args:
        output: has `result.json` and the shards of each split, or those of a dataset.
        rows: how many pass the filter.
        shards: how many there should be of the largest split; half as many, or thrice, are as good.
        relative: how exact mean and variance must be.

    Raises:
        AssertionError: something differs; says what.
    """
    files = {split: _shards(output, split) for split in SPLITS}
    ids = pa.concat_arrays([chunk for split in SPLITS for chunk in _column(files[split], "id").chunks])
    assert len(ids) == rows, f"{len(ids)} rows, {rows} expected"
    assert len(ids.unique()) == rows, "a row is in two splits"
    for split in SPLITS:
        _check_layout(files[split], rows * FRACTIONS[split], split)
    assert shards / 2 <= len(files["train"]) <= shards * 3, f"{len(files['train'])} shards, {shards} expected"
    for told, part in _populations(output, files):
        for name in NUMERIC:
            _check_numbers(told["columns"][name], _column(part, name), name, relative)
        for name in TEXT:
            _check_counts(told["counts"][name], _column(part, name), name)


def _shards(output: Path, split: str) -> list[Path]:
    flat = sorted(output.glob(f"{split}-*.parquet"))
    return flat or sorted(path for path in (output / split).rglob("*") if path.is_file())


def _column(files: Sequence[Path], name: str) -> pa.ChunkedArray:
    column = pa.concat_tables([pq.read_table(file, columns=[name], partitioning=None) for file in files])[name]
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _check_layout(files: Sequence[Path], rows: float, split: str) -> None:
    read = [pq.read_metadata(file) for file in files]
    found = sum(metadata.num_rows for metadata in read)
    assert abs(found / rows - 1) < 0.03, f"{split} has {found} rows, about {rows:.0f} expected"
    codecs = {metadata.row_group(0).column(0).compression for metadata in read if metadata.num_row_groups}
    assert codecs == {"ZSTD"}, f"{split} is compressed by {codecs}"


def _populations(output: Path, files: Mapping[str, list[Path]]) -> list[tuple[dict[str, Any], list[Path]]]:
    """Return statistics, each with the shards that they describe: of all rows, or of each split."""
    if (output / "result.json").exists():
        return [(json.loads((output / "result.json").read_text()), [file for part in files.values() for file in part])]
    splits = json.loads((output / "statistics.json").read_text())["splits"]
    return [(_told(splits[split]), files[split]) for split in SPLITS]


def _told(split: Mapping[str, Any]) -> dict[str, Any]:
    columns = {column["name"]: column for column in split["columns"]}
    numbers = {}
    for name in NUMERIC:
        found = columns[name]["numeric"]
        quantiles = [float(np.interp(p / 100 * 256, range(257), found["quantiles"])) for p in range(1, 100)]
        numbers[name] = {**found, "missing": columns[name].get("missing", 0), "quantiles": quantiles}
    counts = {name: {item["value"]: item["count"] for item in columns[name]["vocabulary"]["values"]} for name in TEXT}
    return {"columns": numbers, "counts": counts}


def _check_numbers(told: Mapping[str, Any], column: pa.ChunkedArray, name: str, relative: float) -> None:
    values = np.sort(column.drop_null().to_numpy())
    exact = {"mean": values.mean(), "variance": values.var(), "minimum": values[0], "maximum": values[-1]}
    for key, value in exact.items():
        bound = relative * max(abs(value), abs(values).max() ** 2 if key == "variance" else 0)
        assert abs(told[key] - value) <= bound, f"{name}: {key} is {told[key]}, not {value}"
    if "missing" in told:
        assert told["missing"] == column.null_count, f"{name}: {told['missing']} missing, not {column.null_count}"
    for percent, quantile in zip(range(1, 100), told["quantiles"], strict=True):
        # As exact as the engine's numbers are.
        near = sorted((quantile * (1 - relative), quantile * (1 + relative)))
        low, high = int(np.searchsorted(values, near[0])), int(np.searchsorted(values, near[1], side="right"))
        off = max(low / len(values) - percent / 100, percent / 100 - high / len(values))
        assert off <= RANK_ERROR, f"{name}: the {percent} % quantile {quantile} is off by {off:.2%} of the rows"


def _check_counts(told: Mapping[str, int], column: pa.ChunkedArray, name: str) -> None:
    exact = {item["values"]: item["counts"] for item in column.drop_null().value_counts().to_pylist()}
    assert {value: count for value, count in told.items() if value in exact} == exact, f"{name}: counts differ"


if __name__ == "__main__":
    check(Path(sys.argv[1]), rows=int(sys.argv[2]), shards=int(sys.argv[3]), relative=float(sys.argv[4]))
