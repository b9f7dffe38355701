"""Distances, against SciPy and against what the definitions of Vertex AI give on fixed histograms."""

import numpy as np
import pytest
from scipy.spatial.distance import chebyshev, jensenshannon
from support.flights import statistics_of

from mlmagic.monitoring.compare import compare
from mlmagic.monitoring.distances import divergence
from mlmagic.monitoring.quantiles import distance, share_below
from mlmagic.monitoring.window import Window
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.monitoring import FeatureComparison, MetricType


def _compared(before: object, after: object, kind: ColumnType) -> FeatureComparison:
    baseline = statistics_of({"x": before}, {"x": kind})
    window = Window(baseline)
    window.add({"x": after})
    (compared,) = compare(baseline, window.values)
    return compared


def test_the_divergence_is_scipys() -> None:
    # SciPy's distance is the divergence's square root.
    first, second = np.random.default_rng(0).integers(0, 9, (2, 200, 42)).astype(float)
    expected = np.array([jensenshannon(one, other, base=2) ** 2 for one, other in zip(first, second, strict=True)])
    assert divergence(first, second) == pytest.approx(expected, abs=1e-12)
    assert divergence([0, 0], [0, 3]) == 1
    assert divergence([0, 0], [0, 0]) == 0


def test_numbers_are_compared_over_the_bins_of_the_baseline_and_beyond() -> None:
    # Bins of width 1 from 0 to 40, and the greatest number in the last one.
    before = np.repeat(np.arange(41), 25)
    after = np.concatenate([np.repeat(np.arange(20), 10), [-3] * 50, [77] * 150])
    counts = [0] + [25] * 39 + [50, 0], [50] + [10] * 20 + [0] * 20 + [150]
    compared = _compared(before, after, ColumnType.FLOAT)
    assert compared.distribution_deviation == pytest.approx(jensenshannon(*counts, base=2) ** 2, abs=1e-12)
    assert (compared.metric_type, compared.unseen_rate) == (MetricType.JENSEN_SHANNON, 0.5)


def test_categories_are_compared_by_their_largest_difference() -> None:
    compared = _compared(["a"] * 50 + ["b"] * 30 + ["c"] * 20, ["a"] * 10 + ["b"] * 30 + ["d"] * 10, ColumnType.STRING)
    assert compared.distribution_deviation == pytest.approx(chebyshev([0.5, 0.3, 0.2, 0], [0.2, 0.6, 0, 0.2]))
    assert compared.metric_type is MetricType.L_INFINITY
    assert compared.anomaly_detection_threshold == 0.3
    assert compared.unseen_rate == 0.2


def test_a_constant_and_huge_numbers_have_distances_too() -> None:
    assert _compared([3.0] * 9, [3.0] * 9, ColumnType.FLOAT).distribution_deviation == 0
    assert _compared([3.0] * 99, [4.0] * 99, ColumnType.FLOAT).has_anomaly
    huge = np.linspace(-1.7e308 / 2, 1.7e308 / 2, 100) * 2
    assert _compared(huge, huge, ColumnType.FLOAT).distribution_deviation == 0


def test_quantiles_tell_shares_and_the_largest_difference() -> None:
    quantiles = np.linspace(0, 256, 257)
    assert share_below(quantiles, np.array([-1.0, 64.0, 64.5, 999.0])) == pytest.approx([0, 0.25, 64.5 / 256, 1])
    assert distance(quantiles, quantiles + 64) == pytest.approx(0.25)
    steps = np.repeat([1.0, 2.0], [128, 129])
    assert distance(steps, steps) == 0
