"""The graph: units are processed each on its own, what they tell is brought together, and the dataset is finished.

One graph for all runners. An element is a unit of input, not a row: Beam costs nothing that way.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import apache_beam as beam
from apache_beam.metrics import Metrics

from mlmagic.preprocessing.clean import Cleaner, import_cell
from mlmagic.preprocessing.failures import leave_failure
from mlmagic.preprocessing.finish import finish
from mlmagic.preprocessing.plan import Plan
from mlmagic.preprocessing.reading.batch import RawBatch
from mlmagic.preprocessing.reading.bigquery import ReadBigQuery
from mlmagic.preprocessing.reading.options import Format
from mlmagic.preprocessing.reading.reader import read_unit
from mlmagic.preprocessing.reading.source import Unit
from mlmagic.preprocessing.result import MergeResults, MergeTimes, Result
from mlmagic.preprocessing.splits import Division
from mlmagic.preprocessing.unit import find_times, process_unit
from mlmagic.statistics.accumulator import SplitAccumulator

COUNTERS, READ, REJECTED = "mlmagic", "rows_read", "rows_rejected"
"""What Dataflow shows beside the step, and tells while it runs."""
_LAST = 999_999  # of the failures: what goes wrong at the end comes after what went wrong in units


# Of a table, so many batches make a unit; and so many units at most are smaller.
_BATCHES = 16
_KEYS = 8

Work: TypeAlias = Unit | Sequence[RawBatch]
"""A part of files, or batches of what came from elsewhere."""


def build(pipeline: beam.Pipeline, plan: Plan) -> None:
    """Put the whole run into a pipeline."""
    # Workers get units one by one; none has to know the others.
    lean = replace(plan, source=replace(plan.source, units=()))
    units = _units(pipeline, plan) | "Spread" >> beam.Reshuffle()
    if plan.division.needs_times:
        times = units | "Times" >> beam.ParDo(FindTimes(lean))
        merged = times | "MergeTimes" >> beam.CombineGlobally(MergeTimes())
        division = beam.pvalue.AsSingleton(merged | "Divide" >> beam.Map(plan.division.with_starts))
    else:
        division = plan.division
    results = units | "Process" >> beam.ParDo(ProcessUnit(lean), division)
    merged_results = results | "Merge" >> beam.CombineGlobally(MergeResults())
    _ = merged_results | "Finish" >> beam.ParDo(Finish(lean), division)


def _units(pipeline: beam.Pipeline, plan: Plan) -> beam.PCollection:
    if plan.source.format is not Format.BIGQUERY:
        return pipeline | "Units" >> beam.Create(plan.source.units, reshuffle=False)
    batches = pipeline | "Read" >> ReadBigQuery(plan.source)
    keyed = batches | "Key" >> beam.Map(_with_key)
    return keyed | "Group" >> beam.GroupIntoBatches(_BATCHES) | "Ungroup" >> beam.Values()


def _with_key(batch: RawBatch) -> tuple[int, RawBatch]:
    return random.randrange(_KEYS), batch  # noqa: S311 - no secret


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

    def batches(self, unit: Work) -> Iterator[RawBatch]:
        """Read the unit, unless it was read already."""
        return read_unit(self._plan.source, unit) if isinstance(unit, Unit) else iter(unit)


def index_of(unit: Work) -> int:
    """Return which unit it is; those that do not come from files have no order."""
    return unit.index if isinstance(unit, Unit) else 0


class FindTimes(_UnitFn):
    """Counts the times of a unit."""

    def process(self, unit: Work) -> Iterator[SplitAccumulator]:
        """Read the unit once."""
        try:
            yield find_times(self._plan, self.cleaner, self.batches(unit))
        except Exception as error:
            leave_failure(self._plan.parts, index_of(unit), error, self._plan.cell)
            raise


class ProcessUnit(_UnitFn):
    """Writes the parts of a unit."""

    def process(self, unit: Work, division: Division) -> Iterator[Result]:
        """Read the unit once."""
        try:
            result = process_unit(self._plan, division, self.cleaner, index_of(unit), self.batches(unit))
            Metrics.counter(COUNTERS, READ).inc(result.read)
            Metrics.counter(COUNTERS, REJECTED).inc(result.rejected.total)
            yield result
        except Exception as error:
            leave_failure(self._plan.parts, index_of(unit), error, self._plan.cell)
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
