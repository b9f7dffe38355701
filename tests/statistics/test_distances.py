"""Distances between distributions, against what their definitions give by hand."""

import math

import pytest

from mlmagic.spec.statistics import Histogram, ValueCount, Vocabulary
from mlmagic.statistics.distances import jensen_shannon, l_infinity


def _histogram(counts: list[float], low: float = 0, high: float = 40) -> Histogram:
    return Histogram(low=low, high=high, counts=tuple(counts))


def _vocabulary(**counts: int) -> Vocabulary:
    return Vocabulary(values=tuple(ValueCount(value=k, count=n) for k, n in counts.items()), is_complete=True)


def test_the_divergence_follows_its_definition() -> None:
    first, second = [0.75, 0.25], [0.25, 0.75]
    half = [0.5, 0.5]
    expected = sum(p * math.log2(p / m) / 2 for shares in (first, second) for p, m in zip(shares, half, strict=True))
    assert jensen_shannon(_histogram([30, 10]), _histogram([1, 3])) == pytest.approx(expected, abs=1e-12)
    assert expected == pytest.approx(0.188721875540867)


def test_equal_distributions_have_no_distance_and_disjoint_ones_the_largest() -> None:
    assert jensen_shannon(_histogram([1, 2, 3]), _histogram([2, 4, 6])) == 0
    assert jensen_shannon(_histogram([5, 5], 0, 10), _histogram([5, 5], 30, 40)) == pytest.approx(1)


def test_the_bins_of_the_two_need_not_be_the_same() -> None:
    evenly_in_20, evenly_in_8 = _histogram([1] * 20), _histogram([3] * 8)
    assert jensen_shannon(evenly_in_20, evenly_in_8) == pytest.approx(0, abs=1e-12)
    half = jensen_shannon(_histogram([1], 0, 20), _histogram([1], 0, 40))
    # Shares 1 and 1/2 in the lower half, 0 and 1/2 in the upper.
    expected = (math.log2(1 / 0.75) + 0.5 * math.log2(0.5 / 0.75) + 0.5 * math.log2(0.5 / 0.25)) / 2
    assert half == pytest.approx(expected, abs=1e-12)


def test_the_divergence_of_constants_of_nothing_and_of_huge_numbers() -> None:
    assert jensen_shannon(_histogram([7], 3, 3), _histogram([9], 3, 3)) == 0
    assert jensen_shannon(_histogram([7], 3, 3), _histogram([9], 4, 4)) == 1
    assert jensen_shannon(_histogram([0, 0]), _histogram([0, 0])) == 0
    assert jensen_shannon(_histogram([0, 0]), _histogram([1, 0])) == 1
    huge = _histogram([1, 1], -1.7e308, 1.7e308)
    assert jensen_shannon(huge, huge) == 0
    assert jensen_shannon(huge, _histogram([1], 1.7e308, 1.7e308)) == pytest.approx(0.9, abs=0.1)


def test_the_largest_difference_of_shares() -> None:
    assert l_infinity(_vocabulary(a=3, b=1), _vocabulary(a=1, b=1)) == 0.25
    assert l_infinity(_vocabulary(a=1), _vocabulary(b=5)) == 1
    assert l_infinity(_vocabulary(a=2, b=2), _vocabulary(b=1, a=1)) == 0


def test_shares_of_a_vocabulary_that_is_not_complete_are_of_all_values() -> None:
    assert l_infinity(_vocabulary(a=1), _vocabulary(a=1), first_count=10, second_count=2) == 0.4
    assert l_infinity(_vocabulary(), _vocabulary()) == 0
    assert l_infinity(_vocabulary(), _vocabulary(a=1)) == 1
