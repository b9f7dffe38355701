"""What chance makes of distances."""

import numpy as np
import pytest

from mlmagic.monitoring.noise import Noise, noise
from mlmagic.spec.monitoring import MetricType

JENSEN_SHANNON, L_INFINITY = MetricType.JENSEN_SHANNON, MetricType.L_INFINITY
COUNTS = np.full(42, 10_000)


@pytest.mark.parametrize("metric_type", MetricType)
def test_more_rows_have_less_noise(metric_type: MetricType) -> None:
    limits = [noise(metric_type, COUNTS, rows, 0.001).limit for rows in (5, 50, 1_000, 100_000)]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] < 0.01 < limits[0]


def test_the_expected_divergence_is_that_of_large_samples() -> None:
    # Of n values in k bins beside a known distribution, about (k - 1) / (8 n ln 2).
    found = noise(JENSEN_SHANNON, COUNTS, 10_000, 0.01)
    assert found.expected == pytest.approx(41 / (8 * 10_000 * np.log(2)), rel=0.1)
    assert found.limit > found.expected


def test_a_small_baseline_is_noisy_however_large_the_window_is() -> None:
    few, many = (noise(L_INFINITY, [rows // 2, rows // 2], 1_000_000, 0.01) for rows in (100, 1_000_000))
    assert few.limit > 0.1
    assert many.limit < 0.01


def test_it_is_the_same_each_time_and_the_largest_where_nothing_is_known() -> None:
    assert noise(JENSEN_SHANNON, COUNTS, 99, 0.01) == noise(JENSEN_SHANNON, COUNTS, 99, 0.01)
    assert noise(JENSEN_SHANNON, COUNTS, 0, 0.01) == Noise(expected=1, limit=1)
    assert noise(L_INFINITY, np.ones(20_000), 1_000, 0.01).limit < 0.1
