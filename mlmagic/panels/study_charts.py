"""What is drawn of a study, apart from how: results by trial, all parameters at once, each alone, which mattered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlmagic.panels.numbers import number
from mlmagic.panels.study_axes import ParameterAxis, ResultAxis, result_axis
from mlmagic.panels.study_words import first_by_importance, parameters_text, trial_value
from mlmagic.panels.text import one_line
from mlmagic.spec.study import Goal, Trial, TrialState
from mlmagic.spec.study_report import StudyReport

MOST_AXES = 10
"""So many parameters find room beside each other; of more, those that mattered most."""
_MOST_SLICES = 12


class PlotKind(StrEnum):
    """What can be drawn of a study."""

    HISTORY = "history"
    IMPORTANCE = "importance"
    PARALLEL = "parallel"
    SLICES = "slices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A trial with what it reported."""

    number: int
    value: float
    told: str
    """Its parameters and its result, for who points at it."""
    is_final: bool = True
    is_best: bool = False
    is_early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Results by trial, with the best so far."""

    metric: str
    dots: tuple[Dot, ...]
    """The best last: it is drawn over the others."""
    failed: tuple[int, ...]
    """Numbers of trials that have no result."""
    best: tuple[tuple[int, float], ...]
    """The best result so far, from the trial on that has it."""
    last: int
    """The number of the last trial that there will be."""
    axis: ResultAxis


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A trial across all axes."""

    number: int
    value: float
    told: str
    values: tuple[str | None, ...]
    """One for each axis; None where the parameter does not apply."""
    rank: float
    """From 0, the best, to 1, the worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """All parameters at once, and the result."""

    metric: str
    axes: tuple[ParameterAxis, ...]
    result: ResultAxis
    lines: tuple[Line, ...]
    """The worst first: the best is drawn over the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Results by the values of one parameter."""

    metric: str
    axis: ParameterAxis
    result: ResultAxis
    dots: tuple[tuple[str, Dot], ...]
    """Values of the parameter, each with its trial; the best last."""
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """How much each parameter mattered."""

    shares: tuple[tuple[str, float], ...]
    """The greatest first."""


Chart = History | Parallel | Slice | Importance


def charts_of(report: StudyReport, kinds: Sequence[PlotKind] = tuple(PlotKind)) -> list[Chart]:
    """Return the charts of these kinds, as far as there is something to draw."""
    found: list[Chart] = []
    for kind in kinds:
        match kind:
            case PlotKind.HISTORY:
                found += history(report)
            case PlotKind.PARALLEL:
                found += parallel(report)
            case PlotKind.SLICES:
                found += slices(report)
            case PlotKind.IMPORTANCE:
                found += importance(report)
    return found


def kind_of(chart: Chart) -> PlotKind:
    """Return which kind a chart is."""
    match chart:
        case History():
            return PlotKind.HISTORY
        case Importance():
            return PlotKind.IMPORTANCE
        case Parallel():
            return PlotKind.PARALLEL
        case Slice():
            return PlotKind.SLICES


def history(report: StudyReport) -> list[Chart]:
    """Return results by trial."""
    dots = tuple(_dots(report, is_final_only=False))
    failed = tuple(trial.number for trial in report.study.trials if trial.state is TrialState.INFEASIBLE)
    if not dots:
        return []
    return [
        History(
            metric=one_line(report.spec.metric),
            dots=tuple(sorted(dots, key=_is_best)),
            failed=failed,
            best=_best_so_far(dots, report.spec.goal),
            last=max(report.study.total, *(trial.number for trial in report.study.trials)),
            axis=result_axis([dot.value for dot in dots], report.spec.goal),
        )
    ]


def parallel(report: StudyReport) -> list[Chart]:
    """Return all parameters at once, where there are trials to compare."""
    sign = -1.0 if report.spec.goal is Goal.MAXIMIZE else 1.0
    dots = sorted(_dots(report), key=lambda dot: (sign * dot.value, dot.number))
    parameters = {trial.number: trial.parameters for trial in report.study.trials}
    shown = first_by_importance(report, MOST_AXES)
    if len(dots) < 2 or not shown:
        return []
    lines = [
        Line(
            number=dot.number,
            value=dot.value,
            told=dot.told,
            values=tuple(parameters[dot.number].get(each.name) for each in shown),
            rank=at / (len(dots) - 1),
        )
        for at, dot in enumerate(dots)
    ]
    return [
        Parallel(
            metric=one_line(report.spec.metric),
            axes=tuple(ParameterAxis(parameter=each) for each in shown),
            result=result_axis([dot.value for dot in dots], report.spec.goal),
            lines=tuple(reversed(lines)),
        )
    ]


def slices(report: StudyReport) -> list[Chart]:
    """Return results by each parameter, those that mattered most first."""
    dots = sorted(_dots(report), key=_is_best)
    parameters = {trial.number: trial.parameters for trial in report.study.trials}
    axis = result_axis([dot.value for dot in dots], report.spec.goal)
    found: list[Chart] = []
    shown = first_by_importance(report, _MOST_SLICES)
    for each in sorted(shown, key=lambda each: -report.importance.get(each.name, 0.0)):
        valued = [(parameters[dot.number].get(each.name), dot) for dot in dots]
        found += [
            Slice(
                metric=one_line(report.spec.metric),
                axis=ParameterAxis(parameter=each),
                result=axis,
                dots=tuple((value, dot) for value, dot in valued if value is not None),
                last=len(report.study.trials),
            )
        ]
    return found if dots else []


def importance(report: StudyReport) -> list[Chart]:
    """Return how much each parameter mattered, as far as that is known."""
    shares = sorted(report.importance.items(), key=lambda item: -item[1])[:MOST_AXES]
    return [Importance(shares=tuple((one_line(name), share) for name, share in shares))] if shares else []


def _dots(report: StudyReport, *, is_final_only: bool = True) -> list[Dot]:
    best = report.study.best
    found = []
    for trial in report.study.trials:
        value = trial_value(trial, report.run(trial))
        if value is None or not math.isfinite(value) or (is_final_only and trial.final is None):
            continue
        found.append(
            Dot(
                number=trial.number,
                value=value,
                told=_told(report, trial, value),
                is_final=trial.final is not None,
                is_best=best is not None and best.number == trial.number,
                is_early=trial.is_stopped_early,
            )
        )
    return found


def _is_best(dot: Dot) -> bool:
    return dot.is_best


def _told(report: StudyReport, trial: Trial, value: float) -> str:
    so_far = "" if trial.final is not None else " so far"
    result = f"{one_line(report.spec.metric)} {number(value)}{so_far}"
    return f"trial {trial.number}: {result} · {' '.join(parameters_text(report.spec, trial))}"


def _best_so_far(dots: Sequence[Dot], goal: Goal) -> tuple[tuple[int, float], ...]:
    steps: list[tuple[int, float]] = []
    for dot in dots:
        if dot.is_final and (not steps or goal.is_better(dot.value, steps[-1][1])):
            steps.append((dot.number, dot.value))
    return tuple(steps)
