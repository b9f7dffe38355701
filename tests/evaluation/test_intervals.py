"""Intervals hold what they should about as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from mlmagic.evaluation.directions import is_improvement, is_lower_better
from mlmagic.evaluation.intervals import intervals, proportion_interval


def mean_of(values):
    return lambda places: {"mean": float(values[places].mean())}


@pytest.mark.parametrize("rows", [200, 20_000])
def test_nineteen_of_twenty_intervals_hold_the_truth(rows):
    hits = 0
    for seed in range(100):
        values = np.random.default_rng(seed).normal(3, 2, rows)
        low, high = intervals(mean_of(values), rows, {"mean": float(values.mean())}, most=2_000)["mean"]
        hits += low <= 3 <= high
    assert 87 <= hits <= 100


def test_an_interval_shrinks_with_the_root_of_the_rows():
    values = np.random.default_rng(1).normal(0, 1, 40_000)
    low, high = intervals(mean_of(values), 40_000, {"mean": float(values.mean())}, most=1_000)["mean"]
    assert high - low == pytest.approx(2 * 1.96 / 200, rel=0.25)


def test_the_same_rows_have_the_same_interval():
    values = np.random.default_rng(1).random(500)
    first, second = (intervals(mean_of(values), 500, {"mean": 0.5}) for _ in range(2))
    assert first == second


def test_what_is_not_defined_has_none():
    assert intervals(lambda _: {"auc": np.nan}, 10, {"auc": np.nan}) == {}
    assert intervals(lambda _: {"auc": np.nan}, 10, {"auc": 0.5}) == {}
    assert intervals(lambda _: {}, 0, {"auc": 0.5}) == {}


def test_all_right_is_not_certain():
    low, high = proportion_interval(1.0, 20)
    assert high == 1.0
    assert low == pytest.approx(0.839, abs=1e-3)
    assert proportion_interval(0.0, 20)[0] == 0.0
    assert proportion_interval(0.5, 0) == (0.0, 1.0)


def test_which_way_is_better():
    assert [is_lower_better(name) for name in ("rmse", "auc", "bias")] == [True, False, None]
    assert is_improvement("rmse", -2.0, -1.0)
    assert is_improvement("auc", -2.0, -1.0) is False
    assert is_improvement("auc", -1.0, 1.0) is None
    assert is_improvement("bias", 1.0, 2.0) is None
