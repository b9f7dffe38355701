"""The trials of a study as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlmagic.panels import theme
from mlmagic.panels.chart import sparkline
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.numbers import column
from mlmagic.panels.study_words import (
    BEST,
    NONE,
    first_by_importance,
    parameters_text,
    short,
    trial_commands,
    trial_state_text,
    trial_value,
    value_text,
)
from mlmagic.panels.svg import COLOURS
from mlmagic.panels.text import fit, folded, one_line, table
from mlmagic.panels.times import fine_duration
from mlmagic.spec.study import Measurement, Parameter, Trial, TrialState
from mlmagic.spec.study_report import StudyReport, TrialRun

_MOST_COLUMNS = 6
"""So many parameters find room in a row; of more, those that mattered most."""
_CURVE_WIDTH, _CURVE_HEIGHT = 84, 20
_BLOCKS = 10
_NAME_WIDTH, _COLUMN_WIDTH, _REASON_WIDTH = 24, 15, 160
_SIGNS = {
    "waiting": ("◔", theme.GREY),
    "running": ("●", theme.BLUE),
    "stopping": ("◌", theme.AMBER),
    "succeeded": ("✓", theme.GREEN),
    "stopped early": ("◐", theme.GREEN),
    "failed": ("✗", theme.RED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A trial, with what is told of it."""

    trial: Trial
    run: TrialRun
    value: str
    is_best: bool
    state: str

    @property
    def step(self) -> str:
        measured = self.trial.final or self.run.last
        return NONE if measured is None else f"{measured.step:,}"

    @property
    def took(self) -> str:
        return NONE if self.run.elapsed_seconds is None else fine_duration(self.run.elapsed_seconds)

    @property
    def note(self) -> str | None:
        """Why it failed or was stopped, or how far it is."""
        if self.trial.reason:
            return one_line(self.trial.reason)
        if self.trial.state.is_final or self.run.progress is None:
            return None
        return f"epoch {self.run.progress.epoch}/{self.run.progress.epochs}"


def trials_html(report: StudyReport, trials: Sequence[Trial]) -> Html:
    """Return the table of these trials, in their order."""
    parameters = first_by_importance(report, _MOST_COLUMNS)
    names = [short(parameter.name, _COLUMN_WIDTH) for parameter in parameters]
    header = ["Trial", short(report.spec.metric, _NAME_WIDTH), *names, "Step", "Took", ""]
    rows = [
        [
            _name_html(report, row),
            _value_html(row),
            *(_value(parameter, row.trial) for parameter in parameters),
            row.step,
            row.took,
            _last_html(row),
        ]
        for row in _rows(report, trials)
    ]
    last = len(header) - 1
    left_out = len(report.spec.parameters) - len(parameters)
    note = f"{left_out} parameters more do not fit: pointing at a trial tells them." if left_out else None
    shown = theme.table(header, rows, right={1, last - 2, last - 1}, wraps=[last])
    return join([shown, theme.row(theme.faint(note)) if note else None])


def trials_text(report: StudyReport, trials: Sequence[Trial]) -> str:
    """Return the same for a terminal; what failed is told below it."""
    rows = _rows(report, trials)
    cells = [
        [
            f"{_SIGNS[row.state][0]} {row.trial.number}{f' {BEST}' if row.is_best else ''}",
            row.value,
            row.took,
            _blocks(row.run.curve),
            " ".join(parameters_text(report.spec, row.trial)),
        ]
        for row in rows
    ]
    notes = [line for row in rows if row.note for line in folded(f"Trial {row.trial.number}: {row.note}")]
    header = ["TRIAL", fit(report.spec.metric, 16), "TOOK", "CURVE", "PARAMETERS"]
    return "\n".join([table(header, cells, flexible=4, right={1, 2}), *notes])


def curve_svg(curve: Sequence[Measurement], *, label: str) -> Html | None:
    """Return a curve without words, over its own range, for a line of a table."""
    points = [(at, one.value) for at, one in enumerate(curve) if math.isfinite(one.value)]
    if len(points) < 2:
        return None
    low, high = min(value for _, value in points), max(value for _, value in points)
    spread, inner = (high - low) or 1.0, _CURVE_HEIGHT - 4
    places = [
        (2 + (_CURVE_WIDTH - 6) * at / (len(curve) - 1), 2 + inner * (1 - (value - low) / spread))
        for at, value in points
    ]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    line = element("path", d=path, fill="none", stroke=COLOURS[0], stroke_width="1.4", stroke_linejoin="round")
    x, y = places[-1]
    dot = element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="2", fill=COLOURS[0])
    size = {"width": str(_CURVE_WIDTH), "height": str(_CURVE_HEIGHT)}
    view = f"0 0 {_CURVE_WIDTH} {_CURVE_HEIGHT}"
    return element("svg", line, dot, **size, viewBox=view, role="img", aria_label=label, style="vertical-align:middle")


def _rows(report: StudyReport, trials: Sequence[Trial]) -> list[_Row]:
    runs = [report.run(trial) for trial in trials]
    best = report.study.best
    values = column([trial_value(trial, run) for trial, run in zip(trials, runs, strict=True)])
    return [
        _Row(
            trial=trial,
            run=run,
            value=value,
            is_best=best is not None and trial.number == best.number,
            state=trial_state_text(trial, run),
        )
        for trial, run, value in zip(trials, runs, values, strict=True)
    ]


def _value(parameter: Parameter, trial: Trial) -> str:
    text = trial.parameters.get(parameter.name)
    return NONE if text is None else short(value_text(parameter, text), _COLUMN_WIDTH)


def _name_html(report: StudyReport, row: _Row) -> Html:
    sign, colour = _SIGNS[row.state]
    marked = element("span", sign, style=f"color:{theme.toned(colour)}", title=row.state, role="img")
    reference = report.trial_reference(row.trial)
    told = " ".join([reference, *parameters_text(report.spec, row.trial)])
    if len(reference) <= _NAME_WIDTH:
        return element("span", marked, " ", theme.copyable(reference), title=told, style="white-space:nowrap")
    # An id of many characters would take the room that values need: the number opens what is done with it.
    number = element("strong", str(row.trial.number)) if row.is_best else str(row.trial.number)
    commands = [theme.row(theme.code(command), top="0") for command in trial_commands(report, row.trial)]
    head = element("summary", marked, " ", number, title=told, style="white-space:nowrap;cursor:pointer")
    return element("details", head, *commands)


def _value_html(row: _Row) -> Html:
    if row.is_best:
        return element("strong", f"{BEST} {row.value}")
    return join([row.value]) if row.trial.state.is_final else theme.faint(row.value, title="so far")


def _last_html(row: _Row) -> Html:
    curve = curve_svg(row.run.curve, label=f"what trial {row.trial.number} reported, by step")
    if row.note is None:
        return join([curve])
    colour = theme.toned(theme.RED) if row.trial.state is TrialState.INFEASIBLE else theme.FAINT
    space = "normal" if row.trial.state.is_final else "nowrap"
    return join(
        [
            curve,
            " " if curve else "",
            element("span", fit(row.note, _REASON_WIDTH), style=f"color:{colour};font-size:12px;white-space:{space}"),
        ]
    )


def _blocks(curve: Sequence[Measurement]) -> str:
    values = [one.value for one in curve if math.isfinite(one.value)]
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    # The lowest is drawn too: a block of one eighth.
    return sparkline([value - low for value in values], (high - low) or 1.0, _BLOCKS)
