"""Metrics of numbers, beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as peers
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlmagic.evaluation.regression import error_histogram, error_quantiles, regression_metrics, tenths

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
PAIRS = st.integers(2, 40).flatmap(
    lambda rows: st.tuples(arrays(np.float64, rows, elements=NUMBERS), arrays(np.float64, rows, elements=NUMBERS))
)


@settings(deadline=None, max_examples=50)
@given(PAIRS)
def test_metrics_are_those_of_scikit_learn(pair):
    actual, predicted = pair
    metrics = regression_metrics(actual, predicted)
    assert metrics["rmse"] == pytest.approx(peers.root_mean_squared_error(actual, predicted))
    assert metrics["mae"] == pytest.approx(peers.mean_absolute_error(actual, predicted))
    assert metrics["median_ae"] == pytest.approx(peers.median_absolute_error(actual, predicted))
    if actual.std() > 1e-3:
        assert metrics["r2"] == pytest.approx(peers.r2_score(actual, predicted), rel=1e-6, abs=1e-6)


def test_what_is_not_defined_is_nan():
    metrics = regression_metrics(np.zeros(3), np.array([1.0, -1.0, 3.0]))
    assert np.isnan(metrics["r2"])
    assert np.isnan(metrics["mape"])
    assert metrics["bias"] == 1.0
    assert all(np.isnan(value) for value in regression_metrics(np.zeros(0), np.zeros(0)).values())


def test_mape_leaves_out_rows_that_are_0():
    actual, predicted = np.array([0.0, 2.0, 4.0]), np.array([9.0, 3.0, 3.0])
    expected = peers.mean_absolute_percentage_error(actual[1:], predicted[1:])
    assert regression_metrics(actual, predicted)["mape"] == pytest.approx(expected)


@settings(deadline=None, max_examples=50)
@given(PAIRS)
def test_each_error_is_in_the_histogram_once(pair):
    actual, predicted = pair
    histogram = error_histogram(actual, predicted)
    assert sum(histogram.counts) + histogram.below + histogram.above == len(actual)
    assert histogram.low < histogram.high
    assert sum(part.rows for part in tenths(actual, predicted)) == len(actual)


def test_errors_that_are_all_the_same_have_a_histogram():
    assert sum(error_histogram(np.ones(5), np.full(5, 3.0)).counts) == 5
    rounded = np.linspace(0.1, 9.7, 50)
    assert sum(error_histogram(rounded, rounded + 2.0).counts) == 50
    assert error_histogram(np.ones(0), np.ones(0)) is None
    assert error_quantiles(np.ones(0), np.ones(0)) == ()


def test_tenths_go_up_with_the_prediction():
    predicted = np.arange(100.0)
    parts = tenths(2 * predicted, predicted)
    assert [part.rows for part in parts] == [10] * 10
    assert [part.predicted for part in parts] == [4.5 + 10 * at for at in range(10)]
    assert all(part.actual == 2 * part.predicted for part in parts)
    assert [part.error for part in error_quantiles(2 * predicted, predicted)][2] == -49.5
