"""The panel of one job."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element, escape, join
from mlmagic.panels.text import WIDTH, fit, last_lines, one_line, plain_log, spread, without_banner
from mlmagic.panels.times import absolute, coarse_duration, duration, utc_now
from mlmagic.panels.traceback import place_of, shortened
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobError, JobRecord, JobState

MIME_TYPE = "application/vnd.mlmagic.job+json"
LOG_LINES = 200
_TEXT_LOG_LINES = 8
_PAYLOAD_LOG_CHARACTERS = 20_000


def job_bundle(record: JobRecord, log_tail: str = "", *, now: datetime | None = None) -> Bundle:
    """Return the panel of a job: its state, what went wrong, the end of its log, and what to do next."""
    now = now or utc_now()
    log, left_out = without_banner(last_lines(plain_log(log_tail), LOG_LINES))
    payload: dict[str, Any] = {"record": encode(record), "logTail": log[-_PAYLOAD_LOG_CHARACTERS:]}
    return document(MIME_TYPE, payload, html=_html(record, log, left_out, now), text=_text(record, log, now))


def next_commands(record: JobRecord) -> list[str]:
    """Return the magics that make sense now."""
    match record.state:
        case JobState.SUCCEEDED if record.model_version:
            model, _, number = record.model_version.partition("@")
            is_newer = number != "1" and not record.spec.set_default
            # A later version does not become the default by itself.
            target = record.model_version if is_newer else model
            return [f"%predict {target} $data", *([f"%models set-default {record.model_version}"] if is_newer else [])]
        case state if state.is_final:
            return [f"%jobs logs {record.id}"]
        case JobState.CANCELLING:
            return [f"%jobs wait {record.id}"]
        case _:
            return [f"%jobs wait {record.id}", f"%jobs logs {record.id} -f", f"%jobs cancel {record.id}"]


def elapsed(record: JobRecord, now: datetime) -> str:
    """Return how long the job ran, or runs so far; before its start how long it waits."""
    begin = record.start_time or record.create_time
    if record.end_time is not None:
        return duration((record.end_time - begin).total_seconds())
    return coarse_duration((now - begin).total_seconds())


def _html(record: JobRecord, log: str, left_out: int, now: datetime) -> Html:
    spec = record.spec
    heading = theme.heading(
        theme.badge(record.state),
        theme.title(spec.display_name),
        theme.pill(record.model_version, theme.GREY) if record.model_version else None,
        theme.copyable(record.id),
        right=elapsed(record, now),
    )
    said = theme.row(_sentence(record), top="6px")
    program = theme.row(theme.faint("Flags "), theme.code(shlex.join(spec.args))) if spec.args else None
    error = _error_html(record.error) if record.error else None
    return theme.card(
        heading,
        said,
        program,
        error,
        _log_html(record, log, left_out),
        theme.hints("Next", next_commands(record)),
        _details(record),
    )


def _sentence(record: JobRecord) -> str:
    """Return the line below the heading: what mlmagic last said, or else what the job is doing."""
    says_more = record.message and record.message.lower() != record.state.value.lower()
    if record.message and says_more and not record.error:
        return one_line(record.message)
    match record.state:
        case JobState.QUEUED | JobState.PENDING:
            return f"Submitted {absolute(record.create_time)}; not running yet."
        case JobState.CANCELLING:
            return "Ending the program."
        case _ if record.end_time is not None:
            return f"Ended {absolute(record.end_time)}."
        case _:
            begin = record.start_time or record.create_time
            return f"Running since {absolute(begin)}."


def _headline(error: JobError) -> str:
    """Return what went wrong, and where in the user's own code."""
    place = place_of(error.traceback)
    message = one_line(error.message)
    return message if place is None or place in message else f"{message} · {one_line(place)}"


def _error_html(error: JobError) -> Html:
    hint = theme.row(plain_log(error.hint), top="6px") if error.hint else None
    shown = _traceback_html(error.traceback) if error.traceback else None
    return theme.notice(element("strong", _headline(error)), hint, shown, colour=theme.RED)


def _traceback_html(traceback: str) -> Html:
    whole = plain_log(traceback).strip("\n")
    lines = shortened(whole)
    shown = theme.block(join((_line_html(*line) for line in lines), "\n"))
    if len(lines) == whole.count("\n") + 1:
        return shown
    return join([shown, theme.folded("Whole traceback", theme.block(whole))])


def _line_html(line: str, stands_out: bool | None) -> Html:
    if stands_out is None:
        return escape(line)
    return element("strong", line) if stands_out else theme.faint(line)


def _log_html(record: JobRecord, log: str, left_out: int) -> Html | None:
    if not log.strip():
        return None
    shown = theme.block(log.strip("\n"), height="14em", at_end=True)
    these = (
        "1 line that TensorFlow prints at every start is"
        if left_out == 1
        else f"{left_out} lines that TensorFlow prints at every start are"
    )
    title = f"{these} left out; all: %jobs logs {record.id}" if left_out else None
    # A failed job's traceback is already on view; a job that went well needs its log less than its result.
    return theme.folded("Log", shown, is_open=not (record.error and record.error.traceback), title=title)


def _details(record: JobRecord) -> Html:
    return theme.folded("Details", theme.facts(_facts(record)))


def _facts(record: JobRecord) -> list[tuple[str, str | None]]:
    spec = record.spec
    times = [("Submitted", record.create_time), ("Started", record.start_time), ("Ended", record.end_time)]
    return [
        ("Typed", spec.invocation),
        ("Backend", spec.backend),
        ("Model", spec.model and (f"{spec.model}, to become its default" if spec.set_default else spec.model)),
        ("Program", shlex.join(["python", "-m", spec.package.module, *spec.args])),
        ("Labels", ", ".join(f"{key}={value}" for key, value in sorted(spec.labels.items()))),
        ("Requirements", ", ".join(spec.package.requirements)),
        ("Package", spec.package.digest[:12]),
        ("Timeout", duration(spec.timeout_seconds) if spec.timeout_seconds is not None else None),
        ("From", _origin(record)),
        *((label, absolute(time) if time else None) for label, time in times),
        ("Exit status", None if record.exit_code is None else str(record.exit_code)),
        ("Attempt", str(record.attempt) if record.attempt > 1 else None),
    ]


def _origin(record: JobRecord) -> str | None:
    origin = record.spec.origin
    cell = None if origin.cell_number is None else f"Cell [{origin.cell_number}]"
    return " of ".join(part for part in (cell, origin.notebook) if part) or None


def _text(record: JobRecord, log: str, now: datetime) -> str:
    spec = record.spec
    name = f"{theme.icon(record.state)} {record.state.value.replace('_', ' ')}  {spec.display_name}"
    version = f"  {record.model_version}" if record.model_version else ""
    lines = [spread(name + version, elapsed(record, now)), record.id, one_line(_sentence(record))]
    if spec.args:
        lines.append(fit(f"Flags: {shlex.join(spec.args)}", WIDTH))
    lines += _error_text(record.error) if record.error else _log_text(log)
    lines += _next_lines(next_commands(record))
    return "\n".join(lines)


def _error_text(error: JobError) -> Sequence[str]:
    traceback = [line for line, _ in shortened(plain_log(error.traceback).strip("\n"))] if error.traceback else []
    hint = plain_log(error.hint).split("\n") if error.hint else []
    return [_headline(error), *(f"  {line}" for line in traceback), *hint]


def _log_text(log: str) -> Sequence[str]:
    if not log.strip():
        return []
    return [f"  │ {fit(line, WIDTH - 4)}".rstrip() for line in last_lines(log, _TEXT_LOG_LINES).split("\n")]


def _next_lines(commands: Sequence[str]) -> list[str]:
    line = f"Next: {'   '.join(commands)}"
    return [line] if len(line) <= WIDTH else [f"Next: {commands[0]}", *(f"      {command}" for command in commands[1:])]
