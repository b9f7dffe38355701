"""Shares of rows that are missing or unseen, and means, with what chance makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.statistics import ColumnStatistics, NumericStatistics, Vocabulary

_MOST_TOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A number before and after."""

    before: float
    after: float
    uncertainty: float
    """The change by chance that is next to never exceeded."""

    def is_beyond(self, threshold: float) -> bool:
        """Say whether it surely changed by more than that, up or down."""
        return abs(self.after - self.before) - self.uncertainty > threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Values of a window that its baseline does not list."""

    rate: float
    expected: float
    """For a baseline has not seen everything either."""
    uncertainty: float
    values: tuple[tuple[str, float], ...] = ()
    """Those that are surely new, with their shares; the most frequent first."""

    def is_beyond(self, threshold: float) -> bool:
        """Say whether surely more are new than that, beyond what is to be expected."""
        return self.rate - self.expected - self.uncertainty > threshold


def deviations(alpha: float) -> float:
    """Return how many standard errors chance exceeds with that probability, up or down."""
    return NormalDist().inv_cdf(1 - min(alpha, 0.5) / 2)


def missing(baseline: ColumnStatistics, window: ColumnStatistics, alpha: float) -> Change:
    """Return the change of the share of missing values; numbers that are infinite are missing here too."""
    both = (baseline, window)
    sizes = [column.count + column.missing for column in both]
    before, after = (_without_value(column) / max(1, size) for column, size in zip(both, sizes, strict=True))
    return Change(before=before, after=after, uncertainty=_uncertainty(before, sizes, alpha))


def _without_value(column: ColumnStatistics) -> int:
    if column.type is ColumnType.STRING:
        return column.missing
    return column.missing + (column.count if column.numeric is None else column.numeric.not_finite)


def mean_shift(baseline: NumericStatistics, window: NumericStatistics, counts: tuple[int, int], alpha: float) -> Change:
    """Return the change of the mean, in the baseline's standard deviations; `inf` if that had none."""
    moved, spread = window.mean - baseline.mean, math.sqrt(baseline.variance)
    # A few rows lie closely together by chance, and a single one has no spread at all: then it is the baseline's.
    spreads = (baseline.variance, max(baseline.variance, window.variance))
    error = math.sqrt(sum(each / max(1, n) for each, n in zip(spreads, counts, strict=True)))
    if not spread:
        return Change(before=0.0, after=math.inf if moved else 0.0, uncertainty=0.0 if min(counts) > 1 else math.inf)
    z = deviations(alpha)
    # As for shares: where values are skewed, the mean of a few has a longer tail than the normal distribution.
    return Change(before=0.0, after=moved / spread, uncertainty=z * error / spread + z * z / (2 * max(1, min(counts))))


def outside(baseline: NumericStatistics, bins: Sequence[float]) -> float:
    """Return the share of the numbers below the least and above the greatest of the baseline."""
    total = sum(bins)
    return (bins[0] + bins[-1]) / total if total and baseline.minimum <= baseline.maximum else 0.0


def unseen(baseline: ColumnStatistics, window: ColumnStatistics, alpha: float) -> Unseen | None:
    """Return what of a window's values is new; None where there are no lists of values."""
    listed, seen = baseline.vocabulary, window.vocabulary
    if listed is None or seen is None or not baseline.count or not window.count:
        return None
    known = {value.value for value in listed.values}
    fresh = [(value.value, value.count / window.count) for value in seen.values if value.value not in known]
    rate = sum(share for _, share in fresh) + _unlisted(known, seen, window.count)
    # Good and Turing: what the baseline has not seen is as frequent as what it has seen once.
    expected = 1 - sum(value.count for value in listed.values) / baseline.count
    expected += sum(value.count == 1 for value in listed.values) / baseline.count
    uncertainty = _uncertainty(expected, [baseline.count, window.count], alpha)
    # A value of that share, and it would have been seen before.
    rare = (max(1, listed.count_error) - math.log(alpha)) / baseline.count
    z = deviations(alpha)
    surely = [(value, share) for value, share in fresh if share - z * math.sqrt(share / window.count) > rare]
    return Unseen(rate=rate, expected=expected, uncertainty=uncertainty, values=tuple(surely[:_MOST_TOLD]))


def _unlisted(known: set[str], seen: Vocabulary, count: int) -> float:
    """Return the share of values that the window does not list and that cannot be those of the baseline."""
    if seen.is_complete:
        return 0.0
    rest = count - sum(value.count for value in seen.values)
    others = len(known - {value.value for value in seen.values})
    return max(0, rest - others * seen.count_error) / count


def _uncertainty(share: float, sizes: Sequence[int], alpha: float) -> float:
    """Return by how much a share may differ in samples of these sizes; for rare things Poisson's tail is longer."""
    z = deviations(alpha)
    inverse = sum(1 / max(1, size) for size in sizes)
    return z * math.sqrt(share * (1 - share) * inverse) + z * z * inverse / 2
