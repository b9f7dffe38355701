"""A window against its baseline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from mlmagic.errors import UsageError
from mlmagic.monitoring.feature import Measured, measure
from mlmagic.monitoring.naming import findings, is_alert
from mlmagic.monitoring.swaps import swapped
from mlmagic.monitoring.window import WindowValues, monitored, values_of
from mlmagic.spec.monitoring import DataDriftSpec, DriftReport, FeatureComparison, SliceComparison, Verdict
from mlmagic.spec.statistics import SplitStatistics

_LIMITS = 4
"""For each feature: of the distance, of missing and unseen values, of the mean."""


def compare(
    baseline: SplitStatistics, window: WindowValues, spec: DataDriftSpec | None = None
) -> tuple[FeatureComparison, ...]:
    """Return how each feature of a window compares with the baseline, in the baseline's order.

    Raises:
        UsageError: a threshold or a name is none.
    """
    spec = spec or DataDriftSpec()
    check(spec, baseline)
    return _compare(baseline, window, spec, tests=1)


def report(
    baseline: SplitStatistics,
    window: WindowValues,
    spec: DataDriftSpec | None = None,
    *,
    predictions: tuple[SplitStatistics, WindowValues] | None = None,
    slices: tuple[SliceComparison, ...] = (),
) -> DriftReport:
    """Return all of a comparison.

    Args:
        baseline: the statistics of the training split, or of an earlier window.
        window: what was served.
        spec: what is compared, and when that is an alert.
        predictions: the outputs of a baseline, and those of the window: prediction drift.
        slices: as `compare_slices` returns them.

    Raises:
        UsageError: a threshold or a name is none.
    """
    spec = spec or DataDriftSpec()
    return DriftReport(
        baseline_count=baseline.rows,
        current_count=window.rows,
        features=compare(baseline, window, spec),
        predictions=() if predictions is None else _compare(*predictions, spec, tests=1, are_predictions=True),
        slices=slices,
    )


def compare_slices(
    column: str,
    baseline: Mapping[str, SplitStatistics],
    window: Mapping[str, SplitStatistics],
    spec: DataDriftSpec | None = None,
    *,
    skipped: Collection[str] = (),
) -> tuple[SliceComparison, ...]:
    """Return how each slice compares with the same slice of the baseline; those that only one side has are left out.

    Args:
        column: by whose values the rows were divided.
        baseline: the statistics of each slice, as `Slices` counts them.
        window: those of the window.
        spec: as for all rows. Chance may raise as few alerts in all slices together.
        skipped: columns that are not compared: target, key.
    """
    spec = spec or DataDriftSpec()
    both = [value for value in baseline if value in window]
    return tuple(
        SliceComparison(
            column=column,
            value=value,
            features=_compare(
                baseline[value],
                values_of(window[value], baseline[value], features=spec.features, skipped={column, *skipped}),
                spec,
                tests=len(both),
            ),
        )
        for value in both
    )


def check(spec: DataDriftSpec, baseline: SplitStatistics) -> None:
    """Raise UsageError with everything that is wrong with what is to be compared."""
    named = {f"the threshold of {name}": it.threshold for name, it in spec.feature_alert_conditions.items()}
    named |= {
        "the categorical threshold": spec.default_categorical_alert_condition.threshold,
        "the numeric threshold": spec.default_numeric_alert_condition.threshold,
        "the threshold of missing values": spec.missing_threshold,
        "the threshold of unseen values": spec.unseen_threshold,
    }
    problems = [f"{what} is {value:g}; it must be from 0 to 1" for what, value in named.items() if not 0 <= value <= 1]
    if not spec.shift_threshold >= 0:
        problems.append(f"the threshold of a mean's shift is {spec.shift_threshold:g}; it must be 0 or more")
    if not 0 < spec.false_alarm_rate < 1:
        problems.append(f"the rate of false alarms is {spec.false_alarm_rate:g}; it must be between 0 and 1")
    known = [column.name for column in baseline.columns]
    named_features = dict.fromkeys((*spec.features, *spec.feature_alert_conditions))
    problems += [
        f'the baseline has no column "{name}"; it has {", ".join(known)}'
        for name in named_features
        if name not in known
    ]
    if problems:
        raise UsageError("; ".join(problems) + ".")


def _compare(
    baseline: SplitStatistics, window: WindowValues, spec: DataDriftSpec, *, tests: int, are_predictions: bool = False
) -> tuple[FeatureComparison, ...]:
    names = [column.name for column in monitored(baseline, spec.features) if column.name in window.features]
    alpha = spec.false_alarm_rate / max(1, _LIMITS * len(names) * tests)
    # Differences of the largest numbers there are may be infinite.
    with np.errstate(over="ignore", invalid="ignore"):
        measured = [
            measure(column, window.features[column.name], spec, alpha)
            for column in baseline.columns
            if column.name in names
        ]
        return _named(measured, spec, are_predictions=are_predictions)


def _named(
    measured: Sequence[Measured], spec: DataDriftSpec, *, are_predictions: bool
) -> tuple[FeatureComparison, ...]:
    others = swapped(measured)
    compared = []
    for feature in measured:
        found = findings(feature, spec, others.get(feature.name), is_prediction=are_predictions)
        verdict = Verdict.ALERT if any(map(is_alert, found)) else feature.verdict
        compared.append(feature.comparison(verdict=verdict, findings=found))
    return tuple(compared)
