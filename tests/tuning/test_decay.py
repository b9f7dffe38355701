"""Curves, carried on."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.tuning.decay import expected_end


@pytest.mark.parametrize("rate", [0.2, 0.5, 1.0, 2.0])
def test_a_power_law_is_found_again(rate: float) -> None:
    curve = [(float(step), 0.3 + 2 * step**-rate) for step in range(1, 9)]
    assert expected_end(curve, 50.0) == pytest.approx(0.3 + 2 * 50**-rate, rel=1e-6)


def test_a_long_noisy_curve() -> None:
    numbers = random.Random(0)  # noqa: S311 - nothing secret
    curve = [(float(step), 0.3 + 2 / step + numbers.gauss(0, 0.01)) for step in range(1, 101)]
    assert expected_end(curve, 1000.0) == pytest.approx(0.3, abs=0.03)


def test_a_curve_that_rises_has_had_its_best() -> None:
    assert expected_end([(1, 0.5), (2, 0.4), (3, 0.6), (4, 0.8)], 100) == 0.4
    assert expected_end([(0, 0.5)], 100) == 0.5


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=40))
def test_no_curve_is_expected_to_get_worse(points: list[tuple[float, float]]) -> None:
    curve = sorted(points)
    assert expected_end(curve, curve[-1][0] + 1) <= min(value for _, value in curve)
