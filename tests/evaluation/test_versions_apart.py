from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mlmagic.evaluation.versions_apart import Answered, Better, Difference, rows_needed, versions_apart

Array = np.ndarray[Any, np.dtype[Any]]


def errors(values: Array) -> Answered:
    """Rows of which the errors are known."""
    return Answered(
        compute=lambda places: {"mae": float(np.abs(values[places]).mean()), "bias": float(values[places].mean())},
        rows=len(values),
    )


def correct(values: Array) -> Answered:
    """Rows of which it is known whether the class was right."""
    return Answered(compute=lambda places: {"accuracy": float(values[places].mean())}, rows=len(values))


def test_the_interval_of_means_is_welchs() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.gamma(2, 1, 400), draw.gamma(2, 3, 900)
    found = versions_apart(errors(first), errors(second), draws=2000)["mae"]
    welch = stats.ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    assert found.difference == pytest.approx(second.mean() - first.mean())
    assert (found.low, found.high) == pytest.approx((welch.low, welch.high), rel=0.05)


def test_fewer_errors_are_better_and_more_right_ones_too() -> None:
    draw = np.random.default_rng(0)
    small, large = errors(draw.normal(0, 1, 500)), errors(draw.normal(0, 2, 500))
    assert versions_apart(large, small)["mae"].verdict is Better.BETTER
    assert versions_apart(small, large)["mae"].verdict is Better.WORSE
    few, many = correct(draw.random(500) < 0.7), correct(draw.random(500) < 0.9)
    assert versions_apart(few, many)["accuracy"].verdict is Better.BETTER
    assert versions_apart(many, few)["accuracy"].verdict is Better.WORSE


def test_versions_that_are_as_good_seldom_seem_to_differ() -> None:
    draw = np.random.default_rng(0)
    alarms = 0
    for _ in range(100):
        first, second = (correct(draw.random(rows) < 0.8) for rows in (300, 100))
        alarms += versions_apart(first, second, draws=200)["accuracy"].verdict is not Better.UNSURE
    assert alarms <= 12


def test_the_interval_of_many_rows_is_as_narrow_as_they_make_it() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.normal(0, 1, 50_000), draw.normal(0, 1, 20_000)
    found = versions_apart(errors(first), errors(second))["bias"]
    welch = stats.ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    assert found.high - found.low == pytest.approx(welch.high - welch.low, rel=0.12)
    assert found.verdict is Better.UNSURE


def test_of_few_rows_nothing_is_said() -> None:
    found = versions_apart(errors(np.ones(29)), errors(np.full(500, 9.0)))["mae"]
    assert (found.verdict, found.low, found.high) == (Better.UNSURE, -math.inf, math.inf)
    assert versions_apart(errors(np.ones(0)), errors(np.ones(50))) == {}


def test_the_rows_that_would_do_tell_four_times_out_of_five() -> None:
    draw = np.random.default_rng(0)

    def found(rows: int) -> Difference:
        return versions_apart(*(errors(draw.normal(shift, 1, rows)) for shift in (0.0, 0.5)), draws=200)["bias"]

    needed = [rows for _ in range(30) if (rows := rows_needed(found(30), 60)) is not None]
    wanted = int(np.median(needed)) // 2
    told = sum(not each.low <= 0 <= each.high for each in (found(wanted) for _ in range(100)))
    assert 60 <= told <= 98


def test_no_rows_are_said_to_do_where_nothing_is_known_of_the_difference() -> None:
    even = errors(np.array([-1.0, 1.0] * 50))
    assert rows_needed(versions_apart(even, even)["bias"], 200) is None
    assert rows_needed(versions_apart(errors(np.ones(5)), errors(np.zeros(5)))["mae"], 10) is None
