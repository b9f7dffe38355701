"""Count, mean and variance in parts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.statistics.moments import Moments, moments_of, moments_of_counts

MODERATE = st.floats(-1e100, 1e100)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(MODERATE, max_size=30), min_size=1, max_size=6), st.randoms())
def test_parts_have_the_moments_of_the_whole(parts: list[list[float]], random: np.random.Generator) -> None:
    values = np.array([value for part in parts for value in part])
    random.shuffle(parts)
    moments = Moments()
    for part in parts:
        moments.merge(moments_of(np.array(part, float)))
    assert moments.count == len(values)
    if len(values):
        scale = np.abs(values).max() or 1.0
        assert moments.mean == pytest.approx(math.fsum(values) / len(values), abs=1e-9 * scale)
        assert moments.variance == pytest.approx(np.var(values), abs=1e-9 * scale**2)
        assert (moments.minimum, moments.maximum) == (values.min(), values.max())
        assert (moments.zeros, moments.negative) == ((values == 0).sum(), (values < 0).sum())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=60))
def test_values_with_counts_have_the_same_moments(numbers: list[int]) -> None:
    values, counts = np.unique(np.array(numbers, float), return_counts=True)
    counted, each = moments_of_counts(values, counts), moments_of(np.array(numbers, float))
    assert counted.mean == pytest.approx(each.mean, abs=1e-9)
    assert counted.variance == pytest.approx(each.variance, abs=1e-9)
    assert (counted.count, counted.zeros, counted.negative) == (each.count, each.zeros, each.negative)


def test_a_constant_has_no_variance() -> None:
    moments = moments_of(np.full(1001, 0.1))
    moments.merge(moments_of_counts(np.array([0.1]), np.array([7])))
    assert (moments.mean, moments.variance, moments.count) == (0.1, 0, 1008)


def test_close_values_far_from_zero_keep_their_variance() -> None:
    values = 1e9 + np.random.default_rng(0).normal(size=10_000)
    moments = Moments()
    for part in np.array_split(values, 17):
        moments.merge(moments_of(part))
    assert moments.variance == pytest.approx(np.var(values), rel=1e-9)


def test_the_largest_numbers_have_a_mean_and_an_infinite_variance() -> None:
    moments = moments_of(np.array([1.7e308, 1.7e308, 1.6e308]))
    moments.merge(moments_of(np.array([-1.7e308] * 3)))
    moments.merge(moments_of_counts(np.array([-1.7e308, 1.7e308]), np.array([2, 2])))
    assert moments.mean == pytest.approx(-0.01e308, rel=1e-9)
    assert math.isinf(moments.variance)
    assert Moments().variance == 0


def test_zero_has_no_sign() -> None:
    moments = moments_of(np.array([-0.0, -0.0]))
    assert math.copysign(1, moments.minimum) == math.copysign(1, moments.mean) == 1
    assert moments.zeros == 2
