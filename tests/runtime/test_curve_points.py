from __future__ import annotations

import math

import pytest

from mlmagic.runtime.curve_points import sampled, thinned
from mlmagic.runtime.event_file import Point

NAN = float("nan")


def curve(*values: float) -> list[Point]:
    return [(step, 1000.0 + step, value) for step, value in enumerate(values)]


def test_few_points_stay_as_they_are() -> None:
    points = curve(3.0, 1.0, 2.0)
    assert list(thinned(points, 3)) == points


def test_first_and_last_lowest_and_highest_are_kept() -> None:
    values = [math.sin(step / 100) for step in range(10_000)]
    values[4_321], values[7_777] = 9.0, -9.0
    points = curve(*values)
    kept = thinned(points, 200)
    assert len(kept) <= 200
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert {points[4_321], points[7_777]} <= set(kept)


@pytest.mark.parametrize("count", [2_001, 2_002, 3_999, 4_000, 100_000])
def test_points_keep_their_order_and_none_comes_twice(count: int) -> None:
    kept = thinned(curve(*[float(step % 17) for step in range(count)]), 2_000)
    steps = [point[0] for point in kept]
    assert steps == sorted(set(steps))
    assert len(steps) <= 2_000


def test_a_value_that_is_no_number_is_not_thinned_away() -> None:
    values = [1.0] * 1_000
    values[500] = NAN
    assert any(math.isnan(point[2]) for point in thinned(curve(*values), 50))


def test_a_curve_of_no_numbers_is_thinned_too() -> None:
    assert 2 <= len(thinned(curve(*[NAN] * 1_000), 50)) <= 50


@pytest.mark.parametrize("count", [0, 1, 39, 40, 41, 1_000])
def test_a_sample_begins_and_ends_with_the_curve(count: int) -> None:
    values = sampled(range(count), 40)
    assert len(values) == min(40, count)
    assert list(values[:1]) == ([0] if count else [])
    assert list(values[-1:]) == ([count - 1] if count else [])
    assert list(values) == sorted(set(values))
