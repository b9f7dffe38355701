"""Which split a row belongs to: decided by the row alone, so that other rows or another run change nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mlmagic.spec.dataset import Column, ColumnType, SplitBy, SplitRule, in_order
from mlmagic.statistics.accumulator import SplitAccumulator
from mlmagic.statistics.hashing import hash_array, hash_rows, unit_interval

Codes = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Division:
    """A rule made ready for batches. Where times are still to be found, `with_starts` gives them."""

    rule: SplitRule
    names: tuple[str, ...]
    bounds: tuple[float, ...]
    """Where each split but the first begins: parts of 1, or microseconds since 1970."""

    def codes(self, batch: pa.RecordBatch) -> Codes:
        """Return for each row the index of its split."""
        codes = np.zeros(batch.num_rows, np.int16)
        if self.bounds:
            values = self._values(batch)
            for bound in self.bounds:
                codes += values >= bound
        return codes

    def with_starts(self, times: SplitAccumulator) -> Division:
        """Return the division by the times at which the earliest rows make up each fraction."""
        column = times.result().columns[0]
        if column.numeric is None:
            return Division(self.rule, self.names, ())
        quantiles = np.array(column.numeric.quantiles)
        places = np.array(_cumulative(self.rule.fractions, self.names)) * (len(quantiles) - 1)
        seconds = np.interp(places, np.arange(len(quantiles)), quantiles)
        return Division(self.rule, self.names, tuple(float(np.round(second * 1e6)) for second in seconds))

    @property
    def needs_times(self) -> bool:
        """Whether a pass over all rows has to find where the splits begin."""
        return self.rule.by is SplitBy.TIME and len(self.bounds) < len(self.names) - 1

    @property
    def final_rule(self) -> SplitRule:
        """The rule with the starts that were found."""
        if self.rule.by is not SplitBy.TIME:
            return self.rule
        starts = {name: _moment(bound) for name, bound in zip(self.names[1:], self.bounds, strict=False)}
        return SplitRule(by=self.rule.by, column=self.rule.column, fractions=self.rule.fractions, starts=starts)

    def _values(self, batch: pa.RecordBatch) -> npt.NDArray[np.float64] | npt.NDArray[np.int64]:
        match self.rule.by:
            case SplitBy.ROW:
                return unit_interval(hash_rows(batch))
            case SplitBy.KEY:
                return unit_interval(hash_array(batch.column(self.rule.column)))
            case SplitBy.TIME:
                moments = batch.column(self.rule.column).cast(pa.timestamp("us")).cast(pa.int64())
                return np.asarray(moments.to_numpy(), np.int64)


def divide(rule: SplitRule) -> Division:
    """Make a rule ready."""
    if rule.by is SplitBy.TIME and rule.starts:
        starts = {name: _microseconds(moment) for name, moment in rule.starts.items()}
        later = sorted(starts, key=starts.__getitem__)
        return Division(rule, ("train", *later), tuple(float(starts[name]) for name in later))
    names = in_order([name for name, fraction in rule.fractions.items() if fraction > 0])
    bounds = () if rule.by is SplitBy.TIME else _cumulative(rule.fractions, names)
    return Division(rule, names, bounds)


def time_accumulator(column: str) -> SplitAccumulator:
    """Return what finds the quantiles of a column of times."""
    return SplitAccumulator([Column(name=column, type=ColumnType.TIMESTAMP)])


def add_times(times: SplitAccumulator, batch: pa.RecordBatch, column: str) -> None:
    """Count the times of a batch."""
    moments = batch.column(column).cast(pa.timestamp("us"))
    times.add(pa.RecordBatch.from_arrays([moments], names=[column]))


def _cumulative(fractions: Mapping[str, float], names: Sequence[str]) -> tuple[float, ...]:
    # Rounded, so that 0.7 + 0.15 is what a person would write, however the additions come out.
    sums = np.cumsum([fractions[name] for name in names])[:-1]
    return tuple(float(np.round(value, 12)) for value in sums)


def _microseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round((aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)


def _moment(microseconds: float) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, tz=UTC)
