"""The list of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.text import fit, one_line, table
from mlmagic.panels.times import absolute, ago, duration, short_absolute, utc_now
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobSummary

MIME_TYPE = "application/vnd.mlmagic.jobs+json"
EMPTY = "No jobs yet."
EMPTY_COMMAND = "%%train NAME"


def jobs_bundle(summaries: Sequence[JobSummary], *, now: datetime | None = None) -> Bundle:
    """Return the list of jobs in the order given."""
    now = now or utc_now()
    payload = {"jobs": [encode(summary) for summary in summaries]}
    html = _html(summaries, now) if summaries else empty(EMPTY, EMPTY_COMMAND)
    text = _text(summaries, now) if summaries else f"{EMPTY} Start one with {EMPTY_COMMAND}."
    return document(MIME_TYPE, payload, html=html, text=text)


def empty(sentence: str, command: str) -> Html:
    """Return the panel of a list that has nothing in it: what to do about it."""
    return theme.card(theme.faint(sentence), " Start one with ", theme.code(command), ".")


def _html(summaries: Sequence[JobSummary], now: datetime) -> Html:
    rows = [
        [
            theme.badge(summary.state),
            _name(summary),
            element("span", _took(summary, now), style="white-space:nowrap"),
            _when(summary.create_time, now),
            _result_html(summary),
        ]
        for summary in summaries
    ]
    as_of = _as_of(summaries, now)
    return theme.card(
        theme.table(["State", "Job", "Took", "Submitted", "Result"], rows, wraps=[1, 4]),
        theme.row(theme.faint(as_of)) if as_of else None,
    )


def _as_of(summaries: Sequence[JobSummary], now: datetime) -> str | None:
    """Return when this was so, if it will soon be otherwise."""
    is_over = all(summary.state.is_final for summary in summaries)
    return None if is_over else f"As of {absolute(now)}. Again for what is new: %jobs"


def _name(summary: JobSummary) -> Html:
    return join([element("strong", summary.display_name), element("br"), theme.copyable(summary.id)])


def _when(time: datetime, now: datetime) -> Html:
    relative = element("span", ago(time, now), style="white-space:nowrap")
    absolute = element("span", short_absolute(time), style="white-space:nowrap;opacity:.65")
    return join([relative, element("br"), absolute])


def _took(summary: JobSummary, now: datetime) -> str:
    if summary.start_time is None:
        return "—"
    return duration(((summary.end_time or now) - summary.start_time).total_seconds())


def _result(summary: JobSummary) -> str:
    return summary.model_version or one_line(summary.error or "")


def _result_html(summary: JobSummary) -> str:
    return element("strong", summary.model_version) if summary.model_version else fit(_result(summary), 120)


def _text(summaries: Sequence[JobSummary], now: datetime) -> str:
    rows = [
        [
            f"{theme.icon(summary.state)} {summary.state.value}",
            summary.id,
            _took(summary, now),
            ago(summary.create_time, now),
            _result(summary),
        ]
        for summary in summaries
    ]
    shown = table(["  STATE", "JOB", "TOOK", "SUBMITTED", "RESULT"], rows, flexible=4)
    as_of = _as_of(summaries, now)
    return f"{shown}\n{as_of}" if as_of else shown
