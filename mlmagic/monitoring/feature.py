"""One feature of a window against its baseline: the distance, its noise, and what is thought of that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlmagic.monitoring import rates
from mlmagic.monitoring.bins import baseline_counts
from mlmagic.monitoring.distances import divergence
from mlmagic.monitoring.noise import Noise, noise
from mlmagic.monitoring.window import Values
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.monitoring import DataDriftSpec, FeatureComparison, MetricType, Verdict
from mlmagic.spec.statistics import ColumnStatistics
from mlmagic.statistics.distances import l_infinity

_CATEGORICAL = frozenset({ColumnType.STRING, ColumnType.BOOLEAN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was found out about a feature, before it is named."""

    baseline: ColumnStatistics
    window: Values
    metric_type: MetricType
    alpha: float
    deviation: float
    noise: Noise
    threshold: float
    missing: rates.Change
    unseen: rates.Unseen | None
    mean: rates.Change | None

    @property
    def name(self) -> str:
        """The feature."""
        return self.baseline.name

    @property
    def counts(self) -> tuple[int, int]:
        """How many values there are that are not missing, in the baseline and in the window."""
        return self.baseline.count, self.window.statistics.count

    @property
    def has_moved(self) -> bool:
        """Say whether the distribution is another one, as far as chance goes."""
        return self.deviation > self.noise.limit

    @property
    def verdict(self) -> Verdict:
        """What the distance alone says."""
        if self.deviation > self.threshold:
            is_sure = self.deviation > self.threshold + self.noise.limit
            # The largest distance there is can never be beyond a limit, but it can be no chance.
            is_sure |= self.deviation > self.noise.limit and self.deviation >= 1.0 and self.noise.limit < 1.0
            return Verdict.ALERT if is_sure else Verdict.UNSURE
        return Verdict.CHANGED if self.has_moved or self.missing.is_beyond(0.0) else Verdict.STEADY

    def comparison(self, **details: object) -> FeatureComparison:
        """Return it as a noun; `details` are the verdict and the findings."""
        known, current = self.baseline, self.window.statistics
        return FeatureComparison(
            feature=self.name,
            metric_type=self.metric_type,
            distribution_deviation=self.deviation,
            anomaly_detection_threshold=self.threshold,
            expected_deviation=self.noise.expected,
            noise=self.noise.limit,
            baseline_count=known.count + known.missing,
            current_count=current.count + current.missing,
            baseline_missing_rate=self.missing.before,
            current_missing_rate=self.missing.after,
            unseen_rate=self._unseen_rate(),
            **details,  # type: ignore[arg-type]
        )

    def _unseen_rate(self) -> float:
        if self.unseen is not None:
            return self.unseen.rate
        numeric, bins = self.baseline.numeric, self.window.bins
        return 0.0 if numeric is None or bins is None else rates.outside(numeric, bins.tolist())


def metric_type_of(column: ColumnStatistics) -> MetricType:
    """Return how distances of a column are measured: texts and booleans are categories, the rest are numbers."""
    is_category = column.type in _CATEGORICAL or (column.numeric is None and column.vocabulary is not None)
    return MetricType.L_INFINITY if is_category else MetricType.JENSEN_SHANNON


def measure(baseline: ColumnStatistics, window: Values, spec: DataDriftSpec, alpha: float) -> Measured:
    """Measure how far a feature has moved. `alpha`: how often chance may go beyond each of the limits."""
    current = window.statistics
    metric_type = metric_type_of(baseline)
    if metric_type is MetricType.JENSEN_SHANNON:
        deviation, expected = _of_numbers(baseline, window, alpha)
    else:
        deviation, expected = _of_categories(baseline, current, alpha)
    mean = None
    if metric_type is MetricType.JENSEN_SHANNON and baseline.numeric is not None and current.numeric is not None:
        mean = rates.mean_shift(baseline.numeric, current.numeric, (baseline.count, current.count), alpha)
    return Measured(
        baseline=baseline,
        window=window,
        metric_type=metric_type,
        alpha=alpha,
        deviation=deviation,
        noise=expected,
        threshold=spec.threshold(baseline.name, metric_type),
        missing=rates.missing(baseline, current, alpha),
        unseen=rates.unseen(baseline, current, alpha) if metric_type is MetricType.L_INFINITY else None,
        mean=mean,
    )


_NOTHING = (0.0, Noise(expected=1.0, limit=1.0))
"""Where one side has no values, the share of missing ones tells it all."""


def _of_numbers(baseline: ColumnStatistics, window: Values, alpha: float) -> tuple[float, Noise]:
    if baseline.numeric is None or window.bins is None:
        return _NOTHING
    counts = baseline_counts(baseline.numeric.histogram)
    current = round(float(window.bins.sum()))
    return float(divergence(counts, window.bins)), noise(MetricType.JENSEN_SHANNON, counts, current, alpha)


def _of_categories(baseline: ColumnStatistics, window: ColumnStatistics, alpha: float) -> tuple[float, Noise]:
    if baseline.vocabulary is None or window.vocabulary is None or not baseline.count or not window.count:
        return _NOTHING
    deviation = l_infinity(
        baseline.vocabulary, window.vocabulary, first_count=baseline.count, second_count=window.count
    )
    counts = np.array([value.count for value in baseline.vocabulary.values] or [baseline.count])
    return deviation, noise(MetricType.L_INFINITY, counts, window.count, alpha)
