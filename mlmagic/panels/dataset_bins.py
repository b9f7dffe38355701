"""What a chart of a column shows: bars over a range of numbers or times, or over values, the same for all splits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.statistics import ColumnStatistics, NumericStatistics

BINS = 24
_MOST_VALUES = 7
# So many whole numbers have a bar each.
_MOST_NUMBERS = 24
# Where more of the range than this lies beyond the first and the last hundredth, only what is between is drawn.
_LONGEST_TAIL = 2.0
_FIRST, _LAST = 0.01, 0.99
_TIMES = frozenset({ColumnType.TIMESTAMP, ColumnType.DATE})
# Bars that are too low to be seen.
_NEARLY_ALL = 0.95
OTHERS = "(others)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A chart of one column. It has `edges`, one more than bars, or a label for each bar."""

    name: str
    type: ColumnType
    edges: tuple[float, ...] = ()
    """Of times in seconds since 1970."""
    labels: tuple[str, ...] = ()
    shares: Mapping[str, tuple[float, ...]]
    """By split: what part of the values that are not missing lies in each bar."""
    beyond: tuple[float, float] = (0.0, 0.0)
    """What part of those of the first split lies below and above the edges."""

    @property
    def is_time(self) -> bool:
        """Whether the edges are times."""
        return self.type in _TIMES

    @property
    def top(self) -> float:
        """The highest bar."""
        return max((share for shares in self.shares.values() for share in shares), default=0.0)


def bars(columns: Mapping[str, ColumnStatistics]) -> Bars | None:
    """Return the chart of a column; None where there is no value to draw.

    Args:
        columns: what is known of it by split; the first decides what is drawn.
    """
    known = {split: column for split, column in columns.items() if column.count}
    if not known:
        return None
    first = next(iter(known.values()))
    vocabulary = first.vocabulary
    if vocabulary is not None and (first.numeric is None or first.type is ColumnType.BOOLEAN):
        return _of_values(known, first)
    apart = _of_integers(known, first) if vocabulary is not None and vocabulary.is_complete else None
    return apart or (_of_numbers(known, first) if first.numeric is not None else None)


def _of_values(columns: Mapping[str, ColumnStatistics], first: ColumnStatistics) -> Bars | None:
    """Return a bar for each of the most frequent values; None where nearly all are other ones."""
    labels = [counted.value for counted in first.vocabulary.values[:_MOST_VALUES]] if first.vocabulary else []
    labels = sorted(labels) if first.type is ColumnType.BOOLEAN else labels
    shares = {
        split: [_counts(column).get(label, 0) / column.count for label in labels] for split, column in columns.items()
    }
    rest = {split: max(0.0, 1 - sum(values)) for split, values in shares.items()}
    if min(rest.values()) > _NEARLY_ALL:
        return None
    if max(rest.values()) > 1e-9:
        labels = [*labels, OTHERS]
        shares = {split: [*values, rest[split]] for split, values in shares.items()}
    return Bars(name=first.name, type=first.type, labels=tuple(labels), shares=_frozen(shares))


def _of_integers(columns: Mapping[str, ColumnStatistics], first: ColumnStatistics) -> Bars | None:
    """Return a bar for each whole number, in their order; None where they lie too far apart for that."""
    counts = {split: {int(value): n for value, n in _counts(column).items()} for split, column in columns.items()}
    numbers = {number for split in counts.values() for number in split}
    low, high = min(numbers), max(numbers)
    if high - low >= _MOST_NUMBERS or first.type is not ColumnType.INTEGER:
        return None
    shares = {
        split: [counts[split].get(number, 0) / column.count for number in range(low, high + 1)]
        for split, column in columns.items()
    }
    edges = tuple(number - 0.5 for number in range(low, high + 2))
    return Bars(name=first.name, type=first.type, edges=edges, shares=_frozen(shares))


def _of_numbers(columns: Mapping[str, ColumnStatistics], first: ColumnStatistics) -> Bars:
    known = {split: column.numeric for split, column in columns.items() if column.numeric is not None}
    low, high = _range(list(known.values()))
    step = (high - low) / BINS
    edges = (*(low + step * at for at in range(BINS)), high)
    shares = {split: _between(numeric.quantiles, edges) for split, numeric in known.items()}
    quantiles = next(iter(known.values())).quantiles
    beyond = (_below(quantiles, low), 1 - _below(quantiles, high, is_included=True))
    return Bars(name=first.name, type=first.type, edges=edges, shares=_frozen(shares), beyond=beyond)


def _range(known: Sequence[NumericStatistics]) -> tuple[float, float]:
    """Return from where to where: everything, unless a few far ones would leave no room for the others."""
    low, high = min(n.minimum for n in known), max(n.maximum for n in known)
    near_low, near_high = min(_at(n.quantiles, _FIRST) for n in known), max(_at(n.quantiles, _LAST) for n in known)
    middle = near_high - near_low
    if middle > 0:
        low = near_low if near_low - low > _LONGEST_TAIL * middle else low
        high = near_high if high - near_high > _LONGEST_TAIL * middle else high
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _at(quantiles: Sequence[float], rank: float) -> float:
    return quantiles[round(rank * (len(quantiles) - 1))]


def quantile(numeric: NumericStatistics, percent: int) -> float:
    """Return the value below which that percentage of the others lies, between those quantiles that are known."""
    place = percent / 100 * (len(numeric.quantiles) - 1)
    at = min(int(place), len(numeric.quantiles) - 2)
    low, high = numeric.quantiles[at : at + 2]
    return low + (high - low) * (place - at) if high > low else low


def _between(quantiles: Sequence[float], edges: Sequence[float]) -> list[float]:
    """Return what part lies between neighbouring edges; the last has its upper edge too."""
    below = [_below(quantiles, edge, is_included=at == len(edges) - 1) for at, edge in enumerate(edges)]
    return [max(0.0, after - before) for before, after in pairwise(below)]


def _below(quantiles: Sequence[float], value: float, *, is_included: bool = False) -> float:
    """Return what part is smaller than the value, or equal to it where that is asked for."""
    last = len(quantiles) - 1
    at = bisect_right(quantiles, value)
    if not is_included:
        while at and quantiles[at - 1] == value:
            at -= 1
    if at == 0 or at > last:
        return 0.0 if at == 0 else 1.0
    low, high = quantiles[at - 1], quantiles[at]
    return (at - 1 + (value - low) / (high - low if high > low else 1)) / last


def _counts(column: ColumnStatistics) -> dict[str, int]:
    return {counted.value: counted.count for counted in column.vocabulary.values} if column.vocabulary else {}


def _frozen(shares: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, ...]]:
    # A millionth is nothing that could be seen, and half the size of a saved notebook.
    return {split: tuple(round(value, 6) for value in values) for split, values in shares.items()}
