"""What a trial has reported of the metric: in hypertune's file, or on this machine as a TensorBoard scalar."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from mlmagic.runtime.scalars import ScalarReader
from mlmagic.spec.study import Goal, Measurement, MeasurementSelection
from mlmagic.workspace.layout import JobFolder

_NO_METRICS = frozenset({"checkpoint_path", "global_step", "timestamp", "trial"})
"""What hypertune writes beside each value."""


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
    """What is wrong in hypertune's file, a line each. While the program writes, the file may be there in part."""

    def counting(self, selection: MeasurementSelection, goal: Goal) -> Measurement | None:
        """Return the measurement that counts; None without any. Of the best, what is no number is never one."""
        if selection is MeasurementSelection.LAST or not self.values:
            return self.values[-1] if self.values else None
        finite = [one for one in self.values if math.isfinite(one.value)]
        sign = -1.0 if goal is Goal.MAXIMIZE else 1.0
        return min(finite, key=lambda one: sign * one.value, default=self.values[-1])


class MetricReader:
    """Reads what one trial reports, again and again while it runs."""

    def __init__(self, folder: JobFolder, metric: str) -> None:
        self._folder = folder
        self._metric = metric
        self._scalars = ScalarReader(folder.tensorboard_dir)

    def read(self, began: datetime | None = None) -> Measurements:
        """Return all that was reported so far. `began` is when the program did; without it, when it first reported."""
        reported = _read_hypertune(self._folder, self._metric, began)
        if reported.values:
            return reported
        self._scalars.read()
        curves = self._scalars.curves()
        points = curves.get(self._metric, ())
        others = tuple(sorted({*reported.others, *curves} - {self._metric}))
        if not points:
            return Measurements(others=others, problems=reported.problems)
        start = points[0][1] if began is None else began.timestamp()
        values = tuple(
            Measurement(step=step, value=value, elapsed_seconds=max(0.0, time - start)) for step, time, value in points
        )
        return Measurements(source=Source.TENSORBOARD, values=values, others=others, problems=reported.problems)


def read_measurements(folder: JobFolder, metric: str, began: datetime | None = None) -> Measurements:
    """Return what the program of a trial has reported of a metric; see `MetricReader.read`."""
    return MetricReader(folder, metric).read(began)


def _read_hypertune(folder: JobFolder, metric: str, began: datetime | None) -> Measurements:
    """Read the file anew: the package writes all of it at each report, and only the last hundred lines."""
    try:
        lines = folder.tuning_metrics.read_text("utf-8", "replace").splitlines()
    except OSError:
        return Measurements()
    found: list[tuple[int, float, float | None]] = []
    others: set[str] = set()
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            document = _object(line)
            others |= document.keys() - _NO_METRICS - {metric}
            if metric in document:
                found.append((_step(document), float(document[metric]), _time(document)))
        except (ValueError, TypeError) as error:
            problems.append(f"{folder.tuning_metrics}, line {number}: {error}")
    times = [time for _, _, time in found if time is not None]
    start = min(times, default=0.0) if began is None else began.timestamp()
    # Without a step in the call, all of them are 0.
    in_order = len({step for step, _, _ in found}) == 1 < len(found)
    values = tuple(
        Measurement(
            step=place if in_order else step,
            value=value,
            elapsed_seconds=0.0 if time is None else max(0.0, time - start),
        )
        for place, (step, value, time) in enumerate(found, 1)
    )
    source = Source.HYPERTUNE if values else None
    return Measurements(source=source, values=values, others=tuple(sorted(others)), problems=tuple(problems))


def _object(line: str) -> Mapping[str, Any]:
    try:
        document = json.loads(line)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ValueError(f"not a JSON object: {line[:80]!r}")  # noqa: TRY004 - a value from a file
    return document


def _step(document: Mapping[str, Any]) -> int:
    return int(float(document.get("global_step") or 0))


def _time(document: Mapping[str, Any]) -> float | None:
    time = document.get("timestamp")
    return None if time is None else float(time)
