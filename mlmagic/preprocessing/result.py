"""What units tell: mergeable in any order, small whatever the size of the data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import apache_beam as beam

from mlmagic.preprocessing.reading.rejections import Tally
from mlmagic.preprocessing.shards import Part
from mlmagic.preprocessing.splits import time_accumulator
from mlmagic.statistics.accumulator import SplitAccumulator


@dataclass(slots=True)
class Result:
    """Of one unit, or of several."""

    read: int = 0
    """Rows, the rejected among them."""
    parts: list[Part] = field(default_factory=list)
    splits: dict[str, SplitAccumulator] = field(default_factory=dict)
    rejected: Tally = field(default_factory=Tally)

    def merge(self, other: Result) -> Result:
        """Add another result to this one."""
        self.read += other.read
        self.parts += other.parts
        self.rejected.merge(other.rejected)
        for name, accumulator in other.splits.items():
            own = self.splits.get(name)
            self.splits[name] = accumulator if own is None else own.merge(accumulator)
        return self


class MergeResults(beam.CombineFn):  # type: ignore[misc]
    """Brings the results of all units together."""

    def create_accumulator(self) -> Result:
        """Begin with nothing."""
        return Result()

    def add_input(self, accumulator: Result, element: Result) -> Result:
        """Add a unit."""
        return accumulator.merge(element)

    def merge_accumulators(self, accumulators: Iterable[Result]) -> Result:
        """Add what workers brought together."""
        merged = Result()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def extract_output(self, accumulator: Result) -> Result:
        """Return it as it is."""
        return accumulator


class MergeTimes(beam.CombineFn):  # type: ignore[misc]
    """Brings the quantiles of a column of times together."""

    def create_accumulator(self) -> list[SplitAccumulator]:
        """Begin with nothing."""
        return []

    def add_input(self, accumulator: list[SplitAccumulator], element: SplitAccumulator) -> list[SplitAccumulator]:
        """Add a unit."""
        return [accumulator[0].merge(element)] if accumulator else [element]

    def merge_accumulators(self, accumulators: Iterable[list[SplitAccumulator]]) -> list[SplitAccumulator]:
        """Add what workers brought together."""
        merged: list[SplitAccumulator] = []
        for accumulator in accumulators:
            for element in accumulator:
                merged = self.add_input(merged, element)
        return merged

    def extract_output(self, accumulator: list[SplitAccumulator]) -> SplitAccumulator:
        """Return the only one; where there were no rows, one that has counted none."""
        return accumulator[0] if accumulator else time_accumulator("")
