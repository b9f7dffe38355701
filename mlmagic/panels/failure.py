"""Why a job failed: the message, where in the user's own code, the traceback, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels import theme
from mlmagic.panels.markup import Html, element, escape, join
from mlmagic.panels.text import one_line, plain_log
from mlmagic.panels.traceback import place_of, shortened
from mlmagic.spec.job import JobError


def error_html(error: JobError) -> Html:
    """Return the error with what it lists, and with its traceback, frames of libraries counted."""
    hint = theme.row(plain_log(error.hint), top="6px") if error.hint else None
    details = theme.block(plain_log(error.details)) if error.details else None
    shown = _traceback_html(error.traceback) if error.traceback else None
    return theme.notice(element("strong", _headline(error)), details, hint, shown, colour=theme.RED)


def error_text(error: JobError) -> Sequence[str]:
    """Return the same for a terminal."""
    traceback = [line for line, _ in shortened(plain_log(error.traceback).strip("\n"))] if error.traceback else []
    details = plain_log(error.details).split("\n") if error.details else []
    hint = plain_log(error.hint).split("\n") if error.hint else []
    return [_headline(error), *details, *(f"  {line}" for line in traceback), *hint]


def _headline(error: JobError) -> str:
    """Return what went wrong, and where in the user's own code."""
    place = place_of(error.traceback)
    message = one_line(error.message)
    return message if place is None or place in message else f"{message} · {one_line(place)}"


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
