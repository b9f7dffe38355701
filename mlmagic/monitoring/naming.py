"""What happened to a feature, in words: a unit, a mean, new values, missing ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from mlmagic.monitoring.feature import Measured
from mlmagic.monitoring.quantiles import chance_distance
from mlmagic.monitoring.scaling import Scaled, scaled
from mlmagic.monitoring.units import CONVERSIONS, Conversion
from mlmagic.spec.monitoring import DataDriftSpec, Finding, FindingKind, Verdict
from mlmagic.spec.statistics import NumericStatistics, Vocabulary

_SILENT = frozenset({FindingKind.DISTRIBUTION_CHANGED, FindingKind.VALUES_SCALED})
"""These do not make an alert by themselves."""
_LEAST_SHIFT = 0.1
"""In standard deviations; a smaller one explains nothing."""


def is_alert(finding: Finding) -> bool:
    """Say whether a finding is an alert, whatever the distance."""
    return finding.kind not in _SILENT


def findings(
    feature: Measured, spec: DataDriftSpec, other: str | None, *, is_prediction: bool = False
) -> tuple[Finding, ...]:
    """Return what happened to a feature. `other` is the one with which it was swapped.

    No unit is named for a prediction: it follows its inputs.
    """
    found = [*_missing(feature, spec)]
    if other is not None:
        text = f"{feature.name}: swapped with {other}: each has the other's values"
        found.append(Finding(kind=FindingKind.COLUMNS_SWAPPED, feature=feature.name, text=text, other=other))
        return tuple(found)
    found += [*_new_values(feature, spec), *_moved(feature, spec, is_prediction=is_prediction)]
    if not found and feature.verdict is Verdict.ALERT:
        found.append(_changed(feature))
    return tuple(found)


def _missing(feature: Measured, spec: DataDriftSpec) -> Iterator[Finding]:
    change = feature.missing
    if change.is_beyond(spec.missing_threshold):
        yield Finding(
            kind=FindingKind.MISSING_CHANGED,
            feature=feature.name,
            text=f"{feature.name}: missing {percent(change.before)} → {percent(change.after)}",
            before=change.before,
            after=change.after,
        )


def _new_values(feature: Measured, spec: DataDriftSpec) -> Iterator[Finding]:
    unseen = feature.unseen
    if unseen is None or not unseen.is_beyond(spec.unseen_threshold):
        return
    values = tuple(value for value, _ in unseen.values)
    told = ", ".join(f'"{value:.40}" ({percent(share)})' for value, share in unseen.values)
    what = f"new {'category' if len(values) == 1 else 'categories'} {told}" if values else "many new values"
    yield Finding(
        kind=FindingKind.NEW_VALUES,
        feature=feature.name,
        text=f"{feature.name}: {what}; unseen {percent(unseen.expected)} → {percent(unseen.rate)}",
        before=unseen.expected,
        after=unseen.rate,
        new_values=values,
    )


def _moved(feature: Measured, spec: DataDriftSpec, *, is_prediction: bool) -> Iterator[Finding]:
    known, current, mean = feature.baseline.numeric, feature.window.statistics.numeric, feature.mean
    if known is None or current is None or mean is None:
        return
    chance = chance_distance(*feature.counts, feature.alpha)
    count = 1 / sum(1 / max(1, each) for each in feature.counts)
    conversions = () if is_prediction else CONVERSIONS
    scale = scaled(np.array(known.quantiles), np.array(current.quantiles), chance, count, conversions)
    if scale is not None and (scale.conversions or feature.verdict is not Verdict.STEADY):
        yield _scaled(feature, scale, known, current)
    # Where the distance is an alert by itself, a mean that moved by less explains it all the same.
    threshold = min(spec.shift_threshold, _LEAST_SHIFT if feature.verdict is Verdict.ALERT else math.inf)
    if (scale is None or not scale.conversions) and mean.is_beyond(threshold):
        moved = current.mean - known.mean
        size = "" if math.isinf(mean.after) else f" ({abs(mean.after):.2g} standard deviations)"
        yield Finding(
            kind=FindingKind.MEAN_SHIFTED,
            feature=feature.name,
            text=f"{feature.name}: mean shifted by {moved:+.4g}{size}: {known.mean:.4g} → {current.mean:.4g}",
            before=known.mean,
            after=current.mean,
        )


def _scaled(feature: Measured, scale: Scaled, known: NumericStatistics, current: NumericStatistics) -> Finding:
    if not scale.conversions:
        kind, text = FindingKind.VALUES_SCALED, f"values are multiplied by {scale.factor:.4g}"
    else:
        kind, text = FindingKind.UNIT_CHANGED, f"unit changed: {_told(scale.conversions, scale.factor)}"
    return Finding(
        kind=kind,
        feature=feature.name,
        text=f"{feature.name}: {text}",
        factor=scale.factor,
        before=known.mean,
        after=current.mean,
    )


def _told(conversions: Sequence[Conversion], factor: float) -> str:
    first = conversions[0]
    if first.offset:
        sign = "plus" if first.offset > 0 else "minus"
        return f"times {first.factor:.4g} {sign} {abs(first.offset):.5g} found, as from {first}"
    if len(conversions) == 1 and f"{first.factor:.4g}" == f"{factor:.4g}":
        return f"factor {factor:.4g} found, as from {first}"
    return f"factor {factor:.4g} found, as from " + " or ".join(f"{each} ({each.factor:.4g})" for each in conversions)


def _changed(feature: Measured) -> Finding:
    known, current = feature.baseline, feature.window.statistics
    if known.numeric is not None and current.numeric is not None and feature.mean is not None:
        spreads = (math.sqrt(each.variance) for each in (known.numeric, current.numeric))
        text = "another distribution: standard deviation {:.4g} → {:.4g}".format(*spreads)
    elif known.vocabulary is not None and current.vocabulary is not None:
        value, before, after = _most_moved(known.vocabulary, current.vocabulary, feature.counts)
        text = f'share of "{value:.40}" {percent(before)} → {percent(after)}'
    else:
        text = "another distribution"
    return Finding(kind=FindingKind.DISTRIBUTION_CHANGED, feature=feature.name, text=f"{feature.name}: {text}")


def _most_moved(first: Vocabulary, second: Vocabulary, counts: tuple[int, int]) -> tuple[str, float, float]:
    before, after = (
        {value.value: value.count / max(1, count) for value in vocabulary.values}
        for vocabulary, count in zip((first, second), counts, strict=True)
    )
    value = max(sorted(before | after), key=lambda name: round(abs(before.get(name, 0.0) - after.get(name, 0.0)), 9))
    return value, before.get(value, 0.0), after.get(value, 0.0)


def percent(share: float) -> str:
    """Return a share as a person reads it."""
    return f"{share * 100:.{1 if 0 < share < 0.1 else 0}f} %"
