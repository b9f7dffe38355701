"""Units that changed, and what only looks like that."""

import numpy as np
import pytest

from mlmagic.monitoring.scaling import scaled
from mlmagic.statistics.moments import Floats

PLACES = np.linspace(0, 1, 257)


def _quantiles(values: Floats) -> Floats:
    return np.quantile(values, PLACES)


def _numbers(seed: int) -> Floats:
    return np.random.default_rng(seed).lognormal(2, 0.7, 5000)


@pytest.mark.parametrize(
    ("factor", "offset", "told"),
    [
        (1.609344, 0, "miles to kilometres"),
        (1 / 1.609344, 0, "kilometres to miles"),
        (1 / 60, 0, "seconds to minutes"),
        (100, 0, "fractions to percent"),
        (1.8, 32, "degrees Celsius to degrees Fahrenheit"),
        (1, 273.15, "degrees Celsius to kelvins"),
    ],
)
def test_units_are_named(factor: float, offset: float, told: str) -> None:
    found = scaled(_quantiles(_numbers(0)), _quantiles(_numbers(1) * factor + offset), chance=0.04, count=2500)
    assert found is not None
    assert [str(each) for each in found.conversions] == [told]


def test_a_factor_of_no_unit_is_measured() -> None:
    found = scaled(_quantiles(_numbers(0)), _quantiles(_numbers(1) * 7.3), chance=0.04, count=2500)
    assert found is not None
    assert found.conversions == ()
    assert found.factor == pytest.approx(7.3, rel=0.05)


def test_a_sum_and_chance_are_no_factor() -> None:
    numbers = _quantiles(_numbers(0) + 50)
    assert scaled(numbers, _quantiles(_numbers(1) + 80), chance=0.04, count=2500) is None
    assert scaled(numbers, _quantiles(_numbers(1) + 50), chance=0.04, count=2500) is None
    assert scaled(numbers, np.zeros(257), chance=0.04, count=2500) is None


def test_of_few_numbers_all_units_are_named_that_explain_them() -> None:
    few = np.random.default_rng(3).lognormal(2, 0.7, 80) / 1.609344
    found = scaled(_quantiles(_numbers(0)), _quantiles(few), chance=0.22, count=80)
    assert found is not None
    assert {str(each) for each in found.conversions} == {"kilometres to miles", "kilometres to nautical miles"}


def test_a_factor_near_one_needs_more_than_a_distance_just_beyond_chance() -> None:
    before, after = (_quantiles(_numbers(seed) ** 0.35 * factor) for seed, factor in ((0, 1), (1, 0.9144)))
    assert scaled(before, after, chance=0.1, count=300) is None
    found = scaled(before, after, chance=0.03, count=2500)
    assert found is not None
    assert [str(each) for each in found.conversions] == ["yards to metres"]


def test_where_a_part_changed_no_unit_is_named() -> None:
    numbers = _numbers(1)
    found = scaled(_quantiles(_numbers(0)), _quantiles(np.append(numbers / 1.609344, _numbers(2))), 0.1, count=2500)
    assert found is None or found.conversions == ()
