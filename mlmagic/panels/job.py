"""The panel of one job."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.details import details_html, details_text
from mlmagic.panels.failure import error_html, error_text
from mlmagic.panels.log import log_html, log_text
from mlmagic.panels.markup import Html, element
from mlmagic.panels.numbers import number
from mlmagic.panels.progress import progress_html, progress_text
from mlmagic.panels.replicas import replicas_html, replicas_text
from mlmagic.panels.samples import bounded
from mlmagic.panels.text import WIDTH, fit, folded, last_lines, one_line, plain_log, spread, without_banner, wrapped
from mlmagic.panels.timeline import timeline
from mlmagic.panels.times import absolute, coarse_duration, duration, utc_now
from mlmagic.panels.usage import usage_html, usage_text
from mlmagic.spec.codec import encode
from mlmagic.spec.job import UNFINISHED, JobError, JobKind, JobRecord, JobState
from mlmagic.spec.report import JobDescription

MIME_TYPE = "application/vnd.mlmagic.job+json"
LOG_LINES = 200
_PAYLOAD_LOG_CHARACTERS = 20_000
_MOST_METRICS = 8
_FLAGS_LENGTH = 400


def job_bundle(record: JobRecord, log_tail: str = "", *, now: datetime | None = None) -> Bundle:
    """Return the panel of a job of which no more is known than its record and the end of its log."""
    return description_bundle(JobDescription(record=record, log_tail=log_tail), now=now)


def description_bundle(description: JobDescription, *, now: datetime | None = None) -> Bundle:
    """Return the panel of a job: its state, how far it is, what went wrong, what it took, and what to do next."""
    now = now or utc_now()
    log, left_out = without_banner(last_lines(plain_log(description.log_tail), LOG_LINES))
    kept = dataclasses.replace(description, log_tail=log[-_PAYLOAD_LOG_CHARACTERS:], usage=bounded(description.usage))
    # A front end finds the log there, be it empty.
    payload = {"logTail": "", **encode(kept)}
    html = _html(description, log, left_out, now)
    return document(MIME_TYPE, payload, html=html, text=_text(description, log, now))


def next_commands(record: JobRecord) -> list[str]:
    """Return the magics that make sense now."""
    match record.state:
        case JobState.SUCCEEDED if record.model_version:
            model, _, version = record.model_version.partition("@")
            is_newer = version != "1" and not record.spec.set_default
            # A later version does not become the default by itself.
            target = record.model_version if is_newer else model
            return [f"%predict {target} $data", *([f"%models set-default {record.model_version}"] if is_newer else [])]
        case JobState.SUCCEEDED if record.dataset_version:
            dataset = record.dataset_version.partition("@")[0]
            return [f"%datasets describe {record.dataset_version}", f"%%train {dataset} --data {dataset}"]
        case state if _compares(record) and state in {*UNFINISHED, JobState.SUCCEEDED} - {JobState.CANCELLING}:
            waiting = [] if state.is_final else [f"%jobs cancel {record.id}"]
            return [record.spec.invocation or "", *waiting, f"%jobs logs {record.id}"]
        case JobState.LOST:
            return [f"%jobs rerun {record.id}", f"%jobs logs {record.id}"]
        case state if state.is_final:
            return [f"%jobs logs {record.id}"]
        case JobState.CANCELLING:
            return [f"%jobs wait {record.id}"]
        case _:
            return [f"%jobs wait {record.id}", f"%jobs logs {record.id} -f", f"%jobs cancel {record.id}"]


def _compares(record: JobRecord) -> bool:
    """Say whether the line that started it, typed again, compares what it has counted of files on Dataflow."""
    spec = record.spec
    return spec.kind is JobKind.MONITORING and "dataflow" in spec.args and spec.invocation is not None


def elapsed(record: JobRecord, now: datetime) -> str:
    """Return how long the job ran, or runs so far; before its start how long it waits."""
    begin = record.start_time or record.create_time
    if record.end_time is not None:
        return duration((record.end_time - begin).total_seconds())
    return coarse_duration((now - begin).total_seconds())


def _html(description: JobDescription, log: str, left_out: int, now: datetime) -> Html:
    record = description.record
    spec = record.spec
    made = record.model_version or record.dataset_version
    heading = theme.heading(
        theme.badge(record.state),
        theme.title(spec.display_name),
        theme.pill(f"trial {spec.trial}", theme.GREY) if spec.trial is not None else None,
        theme.pill(made, theme.GREY) if made else None,
        theme.pill(_try(record), theme.AMBER) if record.attempt > 1 else None,
        theme.copyable(record.id),
        right=elapsed(record, now),
    )
    # What the log would repeat is on view already.
    is_log_open = not (record.error and _is_told(record.error))
    return theme.card(
        heading,
        *(theme.row(line, top="6px" if number == 0 else "0") for number, line in enumerate(_said(description))),
        progress_html(description),
        theme.row(theme.faint("Flags "), theme.code(fit(shlex.join(spec.args), _FLAGS_LENGTH))) if spec.args else None,
        _metrics_html(record),
        error_html(record.error) if record.error else None,
        *(theme.row(theme.faint("Note "), note) for note in _notes(description)),
        replicas_html(record, description.replicas, now),
        # What is redrawn closes what the reader had opened: while the job goes on, the charts are on view.
        usage_html(description.usage, is_open=not record.state.is_final),
        log_html(log, left_out=left_out, job_id=record.id, is_open=is_log_open),
        theme.hints("Next", next_commands(record)),
        details_html(description),
    )


def _said(description: JobDescription) -> list[str]:
    """Return what stands below the heading: what mlmagic last said, and the states that the job came to.

    A job that ended at its first attempt and has something to say leaves its states to the details.
    """
    record = description.record
    message = one_line(record.message or "")
    has_message = bool(message) and message.lower() != record.state.value.lower() and not record.error
    states = timeline(description.changes) if len(description.changes) > 1 else []
    if description.waiting_for and record.state is JobState.QUEUED:
        waits = f"{_sentence(record).rstrip('.')}: {one_line(description.waiting_for)}."
        return [*([message] if has_message else []), *(states if len(states) > 1 else []), waits]
    if has_message:
        return [message, *(states if len(states) > 1 else [])]
    return states or [_sentence(record)]


def _sentence(record: JobRecord) -> str:
    """Return what the job is doing, as far as its record tells."""
    match record.state:
        case JobState.QUEUED if record.attempt:
            return f"Waits for try {record.attempt + 1}."
        case JobState.QUEUED | JobState.PENDING:
            return f"Submitted {absolute(record.create_time)}; not running yet."
        case JobState.CANCELLING:
            return "Ending the program."
        case _ if record.end_time is not None:
            return f"Ended {absolute(record.end_time)}."
        case _:
            begin = record.start_time or record.create_time
            return f"Running since {absolute(begin)}."


def _try(record: JobRecord) -> str:
    most = record.spec.max_retries + 1
    return f"try {record.attempt} of {most}" if most > 1 else f"try {record.attempt}"


def _is_told(error: JobError) -> bool:
    """Say whether an error tells more than that the program ended."""
    return bool(error.traceback) or not error.message.startswith(("the program ", "the disk is full: the program "))


def _metrics(record: JobRecord) -> dict[str, float]:
    """Return what is worth showing: what became of rows is told in a sentence already."""
    return {} if record.dataset_version else dict(record.metrics)


def _metrics_html(record: JobRecord) -> Html | None:
    metrics = _metrics(record)
    if not metrics:
        return None
    shown = [
        element("span", theme.faint(fit(name, 40)), " ", number(value), style="white-space:nowrap")
        for name, value in list(metrics.items())[:_MOST_METRICS]
    ]
    more = len(metrics) - len(shown)
    rest = theme.faint(f"{more} more in the details") if more else None
    return element("div", *shown, rest, style="display:flex;flex-wrap:wrap;gap:2px 18px;margin-top:8px")


def _notes(description: JobDescription) -> list[str]:
    placement = description.record.spec.placement
    note = (placement.note,) if placement and placement.note else ()
    return [one_line(text) for text in (*note, *description.hints)]


def _text(description: JobDescription, log: str, now: datetime) -> str:
    record = description.record
    name = f"{theme.icon(record.state)} {record.state.value.replace('_', ' ')}  {record.spec.display_name}"
    made = record.model_version or record.dataset_version
    version = f"  {made}" if made else ""
    trial = "" if record.spec.trial is None else f"  trial {record.spec.trial}"
    attempt = f"  {_try(record)}" if record.attempt > 1 else ""
    lines = [spread(name + trial + version + attempt, elapsed(record, now)), record.id]
    lines += [part for line in _said(description) for part in folded(line)]
    lines += progress_text(description)
    if record.spec.args:
        lines.append(fit(f"Flags: {shlex.join(record.spec.args)}", WIDTH))
    lines += _metrics_text(record)
    lines += error_text(record.error) if record.error else log_text(log)
    lines += replicas_text(record, description.replicas, now)
    lines += usage_text(description.usage)
    lines += [part for note in _notes(description) for part in folded(f"Note: {note}")]
    lines += details_text(record)
    lines += _next_lines(next_commands(record))
    return "\n".join(lines)


def _metrics_text(record: JobRecord) -> list[str]:
    metrics = _metrics(record)
    told = [f"{fit(name, 40)} {number(value)}" for name, value in list(metrics.items())[:_MOST_METRICS]]
    more = len(metrics) - len(told)
    return wrapped("Metrics: ", [*told, *([f"{more} more"] if more else [])]) if told else []


def _next_lines(commands: Sequence[str]) -> list[str]:
    line = f"Next: {'   '.join(commands)}"
    return [line] if len(line) <= WIDTH else [f"Next: {commands[0]}", *(f"      {command}" for command in commands[1:])]
