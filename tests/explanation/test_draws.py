"""Draws have the distribution of the column that they are drawn for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.dataset_tables import rides, statistics_of

from mlmagic.explanation.draws import draw, why_not
from mlmagic.spec.model import TensorSpec

TABLE = rides(5000)
STATISTICS = statistics_of(TABLE)


def drawn(name: str, dtype: str, *, count: int = 200, missing: Any = None) -> Any:
    spec = TensorSpec(name=name, dtype=dtype, shape=(None,), optional=missing is not None)
    column = STATISTICS.column(name)
    assert column is not None
    assert why_not(column, spec) is None
    return draw(column, spec, count, np.random.default_rng(1), missing)


def test_numbers_have_mean_and_spread_of_the_column() -> None:
    values, fares = drawn("fare", "float32"), TABLE["fare"].to_numpy()
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(fares.mean(), rel=0.02)
    assert np.quantile(values, [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(fares, [0.1, 0.5, 0.9]), rel=0.05)


def test_missing_values_are_as_frequent_as_in_training() -> None:
    assert np.isnan(drawn("miles", "float32", missing=np.nan)).mean() == pytest.approx(0.05, abs=0.01)
    assert not np.isnan(drawn("miles", "float32")).any()


def test_categories_and_whole_numbers_are_values_that_there_are() -> None:
    payments = drawn("payment", "string").tolist()
    assert set(payments) == {"cash", "card"}
    assert payments.count("cash") / 200 == pytest.approx(0.4, abs=0.02)
    passengers = drawn("passengers", "int64")
    assert passengers.dtype == np.int64
    assert [(passengers == number).mean() for number in (1, 2, 3, 4)] == pytest.approx([0.7, 0.2, 0.05, 0.05], abs=0.02)
    assert set(drawn("passengers", "string")) == {"1", "2", "3", "4"}


def test_truth_values_and_times() -> None:
    shared = drawn("shared", "bool")
    assert (shared.dtype, shared.mean()) == (np.dtype(bool), pytest.approx(0.25, abs=0.02))
    assert drawn("shared", "float32").mean() == pytest.approx(0.25, abs=0.02)
    pickups = np.array(drawn("pickup", "string"), "datetime64[s]")
    known = TABLE["pickup"].to_numpy()
    assert (pickups.min() >= known.min(), pickups.max() <= known.max()) == (True, True)


def test_many_whole_numbers_stay_whole() -> None:
    table = pa.table({"meters": np.random.default_rng(2).integers(0, 10**9, 30_000)})
    column = statistics_of(table).column("meters")
    assert column is not None
    spec = TensorSpec(name="meters", dtype="float64", shape=(None, 1))
    values = draw(column, spec, 50, np.random.default_rng(1), None)
    assert (values == np.trunc(values)).all()


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "told"),
    [
        ("speed", "float32", (None,), "speed is no column of it"),
        ("fare", "float32", (None, 3), "fare has several values for a row"),
        ("pickup", "int64", (None,), "pickup is a time, and the model takes int64"),
        ("payment", "float32", (None,), "payment has texts, and the model takes float32"),
    ],
)
def test_what_cannot_be_drawn(name: str, dtype: str, shape: tuple[int | None, ...], told: str) -> None:
    assert why_not(STATISTICS.column(name), TensorSpec(name=name, dtype=dtype, shape=shape)) == told
