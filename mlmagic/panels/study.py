"""The page of a study: how far it is, the best so far, what was found, all trials, and what to do next."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.details import details_html, details_text
from mlmagic.panels.failure import error_html, error_text
from mlmagic.panels.job import elapsed
from mlmagic.panels.log import log_html
from mlmagic.panels.markup import Html, element
from mlmagic.panels.numbers import number
from mlmagic.panels.progress import bar
from mlmagic.panels.samples import bounded
from mlmagic.panels.study_charts import history, importance, parallel
from mlmagic.panels.study_order import TrialOrder
from mlmagic.panels.study_space import space_html, space_text
from mlmagic.panels.study_svg import chart_svg, size_of
from mlmagic.panels.study_table import trials_html, trials_text
from mlmagic.panels.study_words import (
    BEST,
    best_text,
    counts_text,
    follows_text,
    goal_text,
    next_commands,
    parameters_text,
    promoted_text,
    search_text,
)
from mlmagic.panels.text import folded, last_lines, one_line, plain_log, spread, wrapped
from mlmagic.panels.times import absolute, utc_now
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobState
from mlmagic.spec.study import Trial, TrialState
from mlmagic.spec.study_report import StudyReport

MIME_TYPE = "application/vnd.mlmagic.study+json"
_LOG_LINES = 60
_PAYLOAD_LOG_CHARACTERS, _PAYLOAD_CURVES = 20_000, 50


def study_bundle(report: StudyReport, *, order: TrialOrder | None = None, now: datetime | None = None) -> Bundle:
    """Return the page of a study, with its best trials, or with those that `order` says."""
    now = now or utc_now()
    trials = (order or TrialOrder()).of(report)
    html, text = _html(report, trials, now), _text(report, trials, now)
    return document(MIME_TYPE, encode(_bounded(report, trials)), html=html, text=text)


def study_progress_text(report: StudyReport) -> str:
    """Return a bar, and how far a study is: for a terminal."""
    done = sum(trial.state.is_final for trial in report.study.trials)
    return f"{bar(done / max(1, report.study.total))} {counts_text(report)}"


def _bounded(report: StudyReport, trials: Sequence[Trial]) -> StudyReport:
    """Return as much of a report as a saved notebook should hold, and as is drawn."""
    curves = {trial.number for trial in trials[:_PAYLOAD_CURVES]}
    log = last_lines(plain_log(report.job.log_tail), _LOG_LINES)[-_PAYLOAD_LOG_CHARACTERS:]
    # What was known when parameters were chosen is told by no page.
    known = tuple(dataclasses.replace(trial, seen="") for trial in report.study.trials)
    return dataclasses.replace(
        report,
        study=dataclasses.replace(report.study, trials=known),
        job=dataclasses.replace(report.job, log_tail=log, usage=bounded(report.job.usage)),
        runs=tuple(
            run if run.number in curves else dataclasses.replace(run, curve=run.curve[-1:]) for run in report.runs
        ),
    )


def _html(report: StudyReport, trials: Sequence[Trial], now: datetime) -> Html:
    record = report.record
    spec = record.spec
    log = last_lines(plain_log(report.job.log_tail), _LOG_LINES)
    heading = theme.heading(
        theme.badge(record.state),
        theme.title(spec.display_name),
        theme.pill("study", theme.GREY),
        theme.copyable(record.id),
        right=elapsed(record, now),
    )
    said = _said(report)
    more = _more(report, len(trials))
    return theme.card(
        heading,
        theme.row(theme.faint("Goal "), goal_text(report.spec), theme.faint(f" · {_how(report)}"), top="6px"),
        theme.row(said, top="0") if said else None,
        _progress_html(report),
        _best_html(report),
        error_html(record.error) if record.error else None,
        _promoted_html(report),
        theme.row(theme.faint("Note "), note) if (note := _note(report)) else None,
        *_charts_html(report),
        trials_html(report, trials) if trials else None,
        theme.row(theme.faint(more)) if more else None,
        theme.folded("Search space", space_html(report.spec.parameters), is_open=not report.study.trials),
        log_html(log, left_out=0, job_id=record.id, is_open=False),
        theme.hints("Next", next_commands(report)),
        details_html(report.job),
    )


def _how(report: StudyReport) -> str:
    """Return how it is searched, and what follows."""
    return " · ".join(part for part in (search_text(report.spec), follows_text(report.spec)) if part)


def _note(report: StudyReport) -> str | None:
    """Return what the same study is in the cloud, where that is more than here."""
    placement = report.record.spec.placement
    return one_line(placement.note) if placement and placement.note else None


def _promoted_html(report: StudyReport) -> Html | None:
    told = promoted_text(report)
    if report.promoted is None or told is None:
        return None
    return theme.row(told) if report.promoted.job else theme.notice(told, colour=theme.AMBER)


def _said(report: StudyReport) -> str | None:
    """Return why nothing happens yet, or what mlmagic last said where the page does not say it itself."""
    record = report.record
    if record.state in {JobState.QUEUED, JobState.PENDING}:
        waits = f": {one_line(report.job.waiting_for)}" if report.job.waiting_for else ""
        return f"Submitted {absolute(record.create_time)}; not running yet{waits}."
    is_told = record.state is JobState.SUCCEEDED or record.error is not None
    return None if is_told or not record.message else one_line(record.message)


def _progress_html(report: StudyReport) -> Html:
    parts = [
        element("div", style=f"width:{100 * count / max(1, report.study.total):.2f}%;background:{colour}", title=word)
        for word, count, colour in _parts(report)
        if count
    ]
    track = element(
        "div",
        *parts,
        style="display:flex;height:8px;border-radius:4px;background:rgba(128,128,128,.22);overflow:hidden;max-width:420px",
        role="img",
        aria_label=counts_text(report),
    )
    return element("div", track, theme.row(counts_text(report), top="3px"), style="margin-top:10px")


def _parts(report: StudyReport) -> list[tuple[str, int, str]]:
    """Return what the bar is made of: how the trials are, how many, and their colour."""
    counts = report.study.counts
    early = sum(trial.is_stopped_early for trial in report.study.trials)
    active = sum(count for state, count in counts.items() if not state.is_final)
    return [
        ("succeeded", counts.get(TrialState.SUCCEEDED, 0) - early, theme.GREEN),
        ("stopped early", early, f"color-mix(in srgb,{theme.GREEN} 55%,transparent)"),
        ("failed", counts.get(TrialState.INFEASIBLE, 0), theme.RED),
        ("active", active, theme.BLUE),
    ]


def _best_html(report: StudyReport) -> Html | None:
    best = report.study.best
    if best is None or best.final is None:
        return None
    told = [theme.code(each) for each in parameters_text(report.spec, best)]
    style = {"display": "flex", "flex-wrap": "wrap", "align-items": "baseline", "gap": "4px 8px", "margin-top": "8px"}
    value = element("strong", number(best.final.value), style="font-size:15px")
    where = theme.faint(f"trial {best.number}")
    return element("div", f"{BEST} Best {one_line(report.spec.metric)}", value, where, *told, style=style)


def _charts_html(report: StudyReport) -> list[Html]:
    """Return what was found so far: results by trial beside what mattered, and below them all parameters at once."""
    first = [*history(report), *importance(report)]
    if not first:
        return []
    boxes = []
    for chart in first:
        width, _ = size_of(chart)
        style = f"flex:{width} 1 {width * 4 // 5}px;min-width:0"
        boxes.append(element("div", chart_svg(chart, is_wide=len(first) == 1), style=style))
    row = element("div", *boxes, style="display:flex;flex-wrap:wrap;gap:8px 16px;align-items:flex-start")
    return [element("div", row, *map(chart_svg, parallel(report)), style="margin-top:12px")]


def _more(report: StudyReport, shown: int) -> str | None:
    count = len(report.study.trials)
    if shown == count:
        return None
    return f"{shown:,} of {count:,} trials. All: %tune describe {one_line(report.reference)} --all"


def _text(report: StudyReport, trials: Sequence[Trial], now: datetime) -> str:
    record = report.record
    state = f"{theme.icon(record.state)} {record.state.value.replace('_', ' ')}"
    lines = [spread(f"{state}  {record.spec.display_name}  study", elapsed(record, now)), record.id]
    lines += folded(f"Goal: {goal_text(report.spec)} · {_how(report)}")
    said = _said(report)
    lines += folded(said) if said else []
    lines += folded(study_progress_text(report))
    best = best_text(report)
    if best and report.study.best:
        told = parameters_text(report.spec, report.study.best)
        lines += wrapped(f"{BEST} Best {best}: ", told, separator=" ")
    lines += error_text(record.error) if record.error else []
    promoted, note = promoted_text(report), _note(report)
    lines += folded(promoted) if promoted else []
    lines += folded(f"Note: {note}") if note else []
    lines += ["", trials_text(report, trials)] if trials else ["", space_text(report.spec.parameters)]
    more = _more(report, len(trials))
    lines += [*(folded(more) if more else []), "", *details_text(record)]
    return "\n".join([*lines, *wrapped("Next: ", next_commands(report), separator="   ")])
