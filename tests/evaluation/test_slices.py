"""Rows apart by a column, and what is told of each part."""

from __future__ import annotations

import numpy as np
import pytest

from mlmagic.evaluation.outcome import Outcome, differences, evaluate_outcome, with_intervals
from mlmagic.evaluation.slices import MISSING, by_number, by_value, places_within, slices
from mlmagic.spec.evaluation import Task


def outcome(version="taxi@1", *, error=1.0, rows=400):
    chance = np.random.default_rng(7)
    actual = chance.normal(10, 3, rows)
    return Outcome(
        version=version, task=Task.REGRESSION, actual=actual, predicted=actual + error * chance.normal(0, 1, rows)
    )


def test_frequent_values_are_apart_and_others_together():
    texts = [f"v{number}" for number in range(20)]
    codes = np.concatenate([np.repeat(np.arange(20), 3), np.zeros(10, int), [-1]])
    parts = by_value(codes, texts)
    assert len(parts) == 13
    assert (parts[0][0], len(parts[0][1])) == ("v0", 13)
    assert [(label, len(places)) for label, places in parts[-2:]] == [("9 others", 27), (MISSING, 1)]
    assert sorted(place for _, places in parts for place in places) == list(range(71))


def test_few_numbers_are_values_and_many_are_ranges():
    few = by_number(np.array([1.0, 2.0, 1.0, np.nan]), lambda number: f"{number:g}")
    assert [(label, places.tolist()) for label, places in few] == [("1", [0, 2]), ("2", [1]), (MISSING, [3])]
    many = by_number(np.arange(80.0), lambda number: f"{number:g}")
    assert [label for label, _ in many][::7] == ["0 to under 9", "69 to 79"]
    assert sorted(place for _, places in many for place in places) == list(range(80))


def test_a_number_that_most_rows_have_is_one_range():
    values = np.concatenate([np.zeros(900), np.arange(1.0, 101.0)])
    parts = by_number(values, str)
    assert sorted(place for _, places in parts for place in places) == list(range(1000))
    assert all(len(places) for _, places in parts)


def test_places_are_counted_among_the_rows_that_are_kept():
    kept = np.array([True, False, True, True])
    assert [(label, places.tolist()) for label, places in places_within([("a", np.array([1, 2, 3]))], kept)] == [
        ("a", [1, 2])
    ]


def test_a_small_slice_is_marked_and_an_empty_one_left_out():
    parts = [("many", np.arange(300)), ("few", np.arange(300, 310)), ("none", np.zeros(0, int))]
    many, few = slices(parts, [outcome()])
    assert (many.is_small, few.is_small, few.rows) == (False, True, 10)
    assert [metric.name for metric in many.metrics[0]] == ["rmse", "mae", "bias"]
    assert many.metrics[0][0].high - many.metrics[0][0].low < few.metrics[0][0].high - few.metrics[0][0].low


def test_a_paired_difference_is_surer_than_two_intervals():
    first, second = outcome(error=1.0), outcome("taxi@2", error=1.02)
    worse = next(each for each in differences(second, first) if each.name == "rmse")
    assert worse.is_better is False
    alone = with_intervals(second)[0]
    assert worse.high - worse.low < (alone.high - alone.low) / 10


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
def test_classes_have_a_matrix_and_metrics_of_their_own(task):
    actual = np.tile([0, 1], 50)
    predicted = np.where(np.arange(100) < 10, 1 - actual, actual)
    given = Outcome(version="m@1", task=task, actual=actual, predicted=predicted, labels=("a", "b"))
    found = evaluate_outcome(given)
    assert found.confusion.counts == ((45, 5), (5, 45))
    assert found.metric("accuracy").value == 0.9
    assert (found.roc, found.metric("auc"), len(found.classes)) == (None, None, 2)
