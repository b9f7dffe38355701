"""Columns that tell the target nearly by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from support.dataset_tables import column_type, write_table

from mlmagic.api.dataset_leaks import find_leaks
from mlmagic.spec.dataset import Column, DatasetSchema

ROWS = 4000
CHANCE = np.random.default_rng(1)
X = CHANCE.gamma(1.5, 2.0, ROWS)


def leaks(folder: Path, target: object, columns: dict[str, object], key: str | None = None) -> dict[str, float]:
    table = pa.table({"y": pa.array(target), **{name: pa.array(values) for name, values in columns.items()}})
    write_table(folder, {"train": table})
    known = tuple(Column(name=name, type=column_type(table[name].type)) for name in table.column_names)
    found = find_leaks(sorted(folder.glob("train-*")), DatasetSchema(columns=known, target="y", key=key))
    return {leak.column: leak.score for leak in found}


def test_copies_of_a_number_in_other_words(tmp_path: Path) -> None:
    columns = {
        "same": X,
        "negative": -3 * X + 1,
        "log": np.log(X),
        "rounded": np.round(X * 100).astype(np.int64),
        "as_time": np.datetime64("2013-01-01", "us") + (X * 1e9).astype(np.int64),
    }
    found = leaks(tmp_path, X, columns)
    assert found.keys() == columns.keys()
    assert max(found.values()) <= 1


def test_what_merely_helps_is_no_leak(tmp_path: Path) -> None:
    columns = {
        "noisy": X + CHANCE.normal(0, X.std() / 4, ROWS),
        "chance": CHANCE.normal(0, 1, ROWS),
        "number": np.arange(ROWS),
        "own_text": [f"{value}" for value in X],
        "empty": pa.nulls(ROWS, pa.float64()),
        "constant": ["a"] * ROWS,
    }
    assert leaks(tmp_path, X, columns) == {}


def test_values_that_name_a_class(tmp_path: Path) -> None:
    kinds = CHANCE.choice(["cat", "dog", "bird"], ROWS, p=[0.6, 0.3, 0.1])
    columns = {
        "code": [{"cat": "C", "dog": "D", "bird": None}[kind] for kind in kinds],
        "rank": [{"cat": 1.0, "dog": 7.0, "bird": None}[kind] for kind in kinds],
        "other": CHANCE.choice(["C", "D", "B"], ROWS),
    }
    assert leaks(tmp_path, kinds, columns).keys() == {"code", "rank"}


def test_a_threshold_tells_a_boolean(tmp_path: Path) -> None:
    found = leaks(tmp_path, X > 3, {"x": X, "half": np.where(CHANCE.random(ROWS) < 0.5, X, 0.0)})
    assert list(found) == ["x"]


@pytest.mark.parametrize("target", [np.ones(ROWS), ["a"] * ROWS])
def test_a_constant_target_is_told_by_nothing(tmp_path: Path, target: object) -> None:
    assert leaks(tmp_path, target, {"same": target}) == {}


def test_the_key_is_not_asked_and_few_rows_tell_nothing(tmp_path: Path) -> None:
    assert leaks(tmp_path / "key", X, {"same": X}, key="same") == {}
    assert leaks(tmp_path / "few", X[:99], {"same": X[:99]}) == {}


def test_without_a_target_there_is_no_leak(tmp_path: Path) -> None:
    assert find_leaks([tmp_path], DatasetSchema(columns=())) == ()
