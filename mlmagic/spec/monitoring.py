"""Monitoring: how far served values lie from those of a baseline, what is thought of that, what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlmagic.spec.noun import Noun

DEFAULT_THRESHOLD = 0.3
"""Vertex AI's."""


class MetricType(StrEnum):
    """How the distance between two distributions is measured. From 0 to 1, in Vertex AI's names."""

    JENSEN_SHANNON = "jensen_shannon_divergence"
    """The divergence to base 2, over the bins of the baseline's histogram, one below and one above them."""
    L_INFINITY = "l_infinity"
    """The largest difference between the shares of a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCondition(Noun):
    """When a distance is an alert, as in Vertex AI's `ModelMonitoringAlertCondition`."""

    threshold: float = DEFAULT_THRESHOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDriftSpec(Noun):
    """What is compared, and when that is an alert: Vertex AI's `DataDriftSpec`, and what it does not know."""

    features: tuple[str, ...] = ()
    """Empty: all columns of the baseline but times, which never stay where they were."""
    default_categorical_alert_condition: AlertCondition = field(default_factory=AlertCondition)
    default_numeric_alert_condition: AlertCondition = field(default_factory=AlertCondition)
    feature_alert_conditions: Mapping[str, AlertCondition] = field(default_factory=dict)
    missing_threshold: float = 0.1
    """By how much the share of missing values may change."""
    unseen_threshold: float = 0.01
    """What share values may have that the baseline has not; beyond what it lets one expect."""
    shift_threshold: float = 0.5
    """By how many of the baseline's standard deviations a mean may move."""
    false_alarm_rate: float = 0.01
    """How often chance may raise an alert in a comparison of all features together."""

    def threshold(self, feature: str, metric_type: MetricType) -> float:
        """Return the distance up to which there is no alert for a feature."""
        is_numeric = metric_type is MetricType.JENSEN_SHANNON
        default = self.default_numeric_alert_condition if is_numeric else self.default_categorical_alert_condition
        return self.feature_alert_conditions.get(feature, default).threshold


class Verdict(StrEnum):
    """What is thought of a feature."""

    STEADY = "STEADY"
    """No farther from the baseline than chance brings rows of the same distribution."""
    CHANGED = "CHANGED"
    """Farther than by chance, but within the thresholds."""
    UNSURE = "UNSURE"
    """Beyond a threshold, but for so few rows that may be chance."""
    ALERT = "ALERT"
    """Surely beyond a threshold."""


class FindingKind(StrEnum):
    """What happened to a feature. All but DISTRIBUTION_CHANGED and VALUES_SCALED come with an alert."""

    MEAN_SHIFTED = "MEAN_SHIFTED"
    UNIT_CHANGED = "UNIT_CHANGED"
    VALUES_SCALED = "VALUES_SCALED"
    """By a factor that is no known unit's."""
    NEW_VALUES = "NEW_VALUES"
    MISSING_CHANGED = "MISSING_CHANGED"
    COLUMNS_SWAPPED = "COLUMNS_SWAPPED"
    DISTRIBUTION_CHANGED = "DISTRIBUTION_CHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Noun):
    """One thing that happened."""

    kind: FindingKind
    feature: str
    text: str
    """A sentence for the user, such as `distance: unit changed: factor 1.609 found, as from miles to kilometres`."""
    other: str | None = None
    """The feature with which it was swapped."""
    factor: float | None = None
    """By which the values were multiplied."""
    before: float | None = None
    """The mean, or the share of missing or of unseen values, in the baseline."""
    after: float | None = None
    new_values: tuple[str, ...] = ()
    """The most frequent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureComparison(Noun):
    """A feature in the baseline and in a window, under the names of Vertex AI's `FeatureStatsAnomaly`."""

    feature: str
    metric_type: MetricType
    distribution_deviation: float
    """The distance."""
    anomaly_detection_threshold: float
    expected_deviation: float = 0.0
    """The mean distance between two samples as large as these of the baseline's distribution."""
    noise: float = 0.0
    """The distance that such samples exceed next to never; an alert is beyond the threshold by at least that."""
    baseline_count: int = 0
    """Rows, with those whose value is missing."""
    current_count: int = 0
    baseline_missing_rate: float = 0.0
    current_missing_rate: float = 0.0
    unseen_rate: float = 0.0
    """Of the values that are not missing, those that the baseline does not list; of numbers, those out of its range."""
    verdict: Verdict = Verdict.STEADY
    findings: tuple[Finding, ...] = ()

    @property
    def has_anomaly(self) -> bool:
        """Say whether it is an alert."""
        return self.verdict is Verdict.ALERT


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceComparison(Noun):
    """The rows in which a column has a value."""

    column: str
    value: str
    features: tuple[FeatureComparison, ...]

    @property
    def has_anomaly(self) -> bool:
        """Say whether any feature is an alert."""
        return any(feature.has_anomaly for feature in self.features)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport(Noun):
    """A window against a baseline: that is skew if the baseline is what a model was trained on, and drift else."""

    baseline_count: int
    """Rows."""
    current_count: int
    features: tuple[FeatureComparison, ...]
    predictions: tuple[FeatureComparison, ...] = ()
    """The model's outputs, against those of the baseline."""
    slices: tuple[SliceComparison, ...] = ()

    @property
    def has_anomaly(self) -> bool:
        """Say whether anything is an alert."""
        has_one = any(feature.has_anomaly for feature in (*self.features, *self.predictions))
        return has_one or any(part.has_anomaly for part in self.slices)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What happened to features and predictions, each swap once."""
        found = {
            (finding.kind, *sorted({finding.feature, finding.other or finding.feature})): finding
            for compared in reversed((*self.features, *self.predictions))
            for finding in reversed(compared.findings)
        }
        return tuple(reversed(found.values()))
