"""Quantiles whose stated error holds, and histograms of bins of the same width."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.spec.statistics import QUANTILES
from mlmagic.statistics.moments import moments_of
from mlmagic.statistics.prefixes import PrefixHistogram
from mlmagic.statistics.summary import HISTOGRAM_BINS, Intervals, histogram_of, intervals_of, quantiles_of

FINITE = st.floats(allow_nan=False, allow_infinity=False)
# So that values repeat, as they do in data: then a rank is a range.
OFTEN = st.lists(FINITE | st.sampled_from([0.0, -0.0, 1.0, 2.5, -3.0]), min_size=1, max_size=120)


def _intervals(values: np.ndarray, limit: int = 8) -> Intervals:
    histogram = PrefixHistogram(limit)
    histogram.add(values[values != 0])
    return intervals_of(histogram, moments_of(values))


def _largest_rank_error(values: np.ndarray, quantiles: tuple[float, ...]) -> float:
    """By what part of the count a quantile's ranks, from those below it to those at it, miss the one it stands for."""
    ordered = np.sort(values)
    asked = np.arange(QUANTILES + 1) / QUANTILES * len(values)
    below, upto = np.searchsorted(ordered, quantiles, "left"), np.searchsorted(ordered, quantiles, "right")
    return float(np.maximum(np.maximum(below - asked, asked - upto), 0).max()) / len(values)


@settings(max_examples=100, deadline=None)
@given(OFTEN, st.sampled_from([4, 8, 1000]))
def test_the_stated_rank_error_always_holds(numbers: list[float], limit: int) -> None:
    values = np.array(numbers)
    quantiles, rank_error = quantiles_of(_intervals(values, limit))
    assert _largest_rank_error(values, quantiles) <= rank_error + 1e-12
    assert list(quantiles) == sorted(quantiles)
    assert (quantiles[0], quantiles[-1]) == (values.min(), values.max())


@settings(max_examples=60, deadline=None)
@given(st.lists(FINITE, min_size=1, max_size=100))
def test_few_values_have_their_exact_quantiles(numbers: list[float]) -> None:
    quantiles, rank_error = quantiles_of(_intervals(np.array(numbers), 1000))
    expected = np.quantile(numbers, np.arange(QUANTILES + 1) / QUANTILES, method="inverted_cdf")
    assert rank_error == 0
    assert quantiles == tuple(expected.tolist())


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e5])
def test_quantiles_of_many_values_are_close(scale: float) -> None:
    values = np.random.default_rng(7).normal(size=200_000) * scale
    quantiles, rank_error = quantiles_of(_intervals(values, 8192))
    exact = np.quantile(values, np.arange(QUANTILES + 1) / QUANTILES)
    assert rank_error < 0.001
    assert np.abs(np.array(quantiles) - exact)[1:-1].max() < 0.005 * scale


@settings(max_examples=60, deadline=None)
@given(OFTEN, st.sampled_from([4, 1000]))
def test_a_histogram_has_every_value(numbers: list[float], limit: int) -> None:
    values = np.array(numbers)
    histogram = histogram_of(_intervals(values, limit))
    assert sum(histogram.counts) == pytest.approx(len(values))
    assert min(histogram.counts) >= 0
    assert (histogram.low, histogram.high) == (values.min(), values.max())
    assert len(histogram.counts) == (HISTOGRAM_BINS if histogram.low < histogram.high else 1)


def test_values_that_were_counted_exactly_fall_into_numpys_bins() -> None:
    values = np.random.default_rng(3).integers(-50, 200, 5000).astype(float)
    expected, _ = np.histogram(values, HISTOGRAM_BINS)
    assert histogram_of(_intervals(values, 1000)).counts == tuple(expected.astype(float).tolist())


def test_other_values_fall_into_numpys_bins_but_for_the_edges() -> None:
    values = np.random.default_rng(3).gamma(2, 5, 100_000)
    expected, _ = np.histogram(values, HISTOGRAM_BINS)
    counts = np.array(histogram_of(_intervals(values, 8192)).counts)
    assert np.abs(counts - expected).max() < 50
