"""The graph: units are processed each on its own, what they tell is brought together, and the dataset is finished.

One graph for all runners. An element is a unit of input, not a row: Beam costs nothing that way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import apache_beam as beam

from mlmagic.preprocessing.clean import Cleaner, import_cell
from mlmagic.preprocessing.failures import leave_failure
from mlmagic.preprocessing.finish import finish
from mlmagic.preprocessing.plan import Plan
from mlmagic.preprocessing.reading.reader import read_unit
from mlmagic.preprocessing.reading.source import Unit
from mlmagic.preprocessing.result import MergeResults, MergeTimes, Result
from mlmagic.preprocessing.splits import Division
from mlmagic.preprocessing.unit import find_times, process_unit
from mlmagic.statistics.accumulator import SplitAccumulator

_LAST = 999_999  # of the failures: what goes wrong at the end comes after what went wrong in units


def build(pipeline: beam.Pipeline, plan: Plan) -> None:
    """Put the whole run into a pipeline."""
    # Workers get units one by one; none has to know the others.
    lean = replace(plan, source=replace(plan.source, units=()))
    units = pipeline | "Units" >> beam.Create(plan.source.units, reshuffle=False) | "Spread" >> beam.Reshuffle()
    if plan.division.needs_times:
        times = units | "Times" >> beam.ParDo(FindTimes(lean))
        merged = times | "MergeTimes" >> beam.CombineGlobally(MergeTimes()).without_defaults()
        division = beam.pvalue.AsSingleton(merged | "Divide" >> beam.Map(plan.division.with_starts))
    else:
        division = plan.division
    results = units | "Process" >> beam.ParDo(ProcessUnit(lean), division)
    merged_results = results | "Merge" >> beam.CombineGlobally(MergeResults()).without_defaults()
    _ = merged_results | "Finish" >> beam.ParDo(Finish(lean), division)


class _UnitFn(beam.DoFn):  # type: ignore[misc]
    """What works on units with the functions of the cell."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._cleaner: Cleaner | None = None

    def setup(self) -> None:
        """Import the cell, by name: nothing of it was pickled."""
        self._cleaner = Cleaner(import_cell(self._plan.cell))

    @property
    def cleaner(self) -> Cleaner:
        """The functions of the cell."""
        if self._cleaner is None:
            self.setup()
        assert self._cleaner is not None  # noqa: S101 - set up just now
        return self._cleaner


class FindTimes(_UnitFn):
    """Counts the times of a unit."""

    def process(self, unit: Unit) -> Iterator[SplitAccumulator]:
        """Read the unit once."""
        try:
            yield find_times(self._plan, self.cleaner, read_unit(self._plan.source, unit))
        except Exception as error:
            leave_failure(self._plan.parts, unit.index, error, self._plan.cell)
            raise


class ProcessUnit(_UnitFn):
    """Writes the parts of a unit."""

    def process(self, unit: Unit, division: Division) -> Iterator[Result]:
        """Read the unit once."""
        try:
            batches = read_unit(self._plan.source, unit)
            yield process_unit(self._plan, division, self.cleaner, unit.index, batches)
        except Exception as error:
            leave_failure(self._plan.parts, unit.index, error, self._plan.cell)
            raise


class Finish(beam.DoFn):  # type: ignore[misc]
    """Makes the dataset of all the parts."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def process(self, result: Result, division: Division) -> None:
        """Give the shards their names."""
        try:
            finish(self._plan, division, result)
        except Exception as error:
            leave_failure(self._plan.parts, _LAST, error, self._plan.cell)
            raise
