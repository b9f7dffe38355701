"""What a trial has reported of the metric: as hypertune does, or on this machine as a TensorBoard scalar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlmagic.runtime.scalars import ScalarReader
from mlmagic.spec.job import JobRecord
from mlmagic.spec.study import Goal, Measurement, MeasurementSelection
from mlmagic.tuning.reports import Report, ReportReader
from mlmagic.workspace.layout import JobFolder


class Source(StrEnum):
    """Where measurements stand."""

    HYPERTUNE = "hypertune"
    TENSORBOARD = "tensorboard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What a trial has reported so far."""

    source: Source | None = None
    """None where it has reported nothing of the metric."""
    values: tuple[Measurement, ...] = ()
    """In the order in which they were reported."""
    others: tuple[str, ...] = ()
    """The names of what else was reported."""
    problems: tuple[str, ...] = ()
    """What is wrong in hypertune's files, a line each. While a program writes, its file may be there in part."""

    def counting(self, selection: MeasurementSelection, goal: Goal) -> Measurement | None:
        """Return the measurement that counts; None without any. Of the best, what is no number is never one."""
        if selection is MeasurementSelection.LAST or not self.values:
            return self.values[-1] if self.values else None
        finite = [one for one in self.values if math.isfinite(one.value)]
        sign = -1.0 if goal is Goal.MAXIMIZE else 1.0
        return min(finite, key=lambda one: sign * one.value, default=self.values[-1])


class MetricReader:
    """Reads what one trial reports, again and again while it runs. Nothing that a program writes makes it fail.

    With `keeps` it writes down what hypertune's files are going to forget; one process alone may do so.
    """

    def __init__(self, folder: JobFolder, metric: str, *, keeps: bool = False) -> None:
        self._folder = folder
        self._metric = metric
        self._reports = ReportReader(folder, metric, keeps=keeps)
        self._scalars = ScalarReader(folder.tensorboard_dir)

    def read(self, record: JobRecord | None = None) -> Measurements:
        """Return all that was reported so far.

        `record` tells which attempt counts, and when its program began; without it that is when it first reported.
        """
        try:
            return self._read(record)
        except Exception as error:  # noqa: BLE001 - whatever a program writes, its study and the others go on
            problem = f"{self._folder.tuning_metrics_dir}: {type(error).__name__}: {error}"
            return Measurements(problems=(problem,))

    def _read(self, record: JobRecord | None) -> Measurements:
        attempt, began = (None, None) if record is None else (record.attempt, record.start_time)
        self._reports.read(attempt)
        others, problems = self._reports.others, self._reports.problems
        if reports := self._reports.reports(attempt):
            values = _measured(reports, began)
            return Measurements(source=Source.HYPERTUNE, values=values, others=others, problems=problems)
        self._scalars.read()
        curves = self._scalars.curves()
        points = curves.get(self._metric, ())
        others = tuple(sorted({*others, *curves} - {self._metric}))
        if not points:
            return Measurements(others=others, problems=problems)
        start = points[0][1] if began is None else began.timestamp()
        values = tuple(
            Measurement(step=step, value=value, elapsed_seconds=max(0.0, time - start)) for step, time, value in points
        )
        return Measurements(source=Source.TENSORBOARD, values=values, others=others, problems=problems)


def read_measurements(folder: JobFolder, metric: str, record: JobRecord | None = None) -> Measurements:
    """Return what the program of a trial has reported of a metric; see `MetricReader.read`."""
    return MetricReader(folder, metric).read(record)


def _measured(reports: Sequence[Report], began: datetime | None) -> tuple[Measurement, ...]:
    times = [report.time for report in reports if report.time is not None]
    start = min(times, default=0.0) if began is None else began.timestamp()
    # Without a step in the call, all of them are 0.
    in_order = len({report.step for report in reports}) == 1 < len(reports)
    return tuple(
        Measurement(
            step=place if in_order else report.step,
            value=report.value,
            elapsed_seconds=0.0 if report.time is None else max(0.0, report.time - start),
        )
        for place, report in enumerate(reports, 1)
    )
