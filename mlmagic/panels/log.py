"""The end of a job's log, its lines coloured by how grave they are."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels import theme
from mlmagic.panels.markup import Html, element, escape, join
from mlmagic.panels.text import WIDTH, fit, last_lines
from mlmagic.spec.log import Severity, severities

_TEXT_LINES = 8


def log_html(log: str, *, left_out: int, job_id: str, is_open: bool) -> Html | None:
    """Return the log, folded in or open; it begins at its end, and says how many lines were left out."""
    if not log.strip():
        return None
    shown = theme.block(coloured(log.strip("\n")), height="14em", at_end=True)
    these = (
        "1 line that TensorFlow prints at every start is"
        if left_out == 1
        else f"{left_out} lines that TensorFlow prints at every start are"
    )
    title = f"{these} left out; all: %jobs logs {job_id}" if left_out else None
    return theme.folded("Log", shown, is_open=is_open, title=title)


def coloured(log: str) -> Html:
    """Return the lines of a log as markup."""
    lines = log.split("\n")
    return join((_line(line, told) for line, told in zip(lines, severities(lines), strict=True)), "\n")


def log_text(log: str) -> Sequence[str]:
    """Return the last lines for a terminal."""
    if not log.strip():
        return []
    return [f"  │ {fit(line, WIDTH - 4)}".rstrip() for line in last_lines(log, _TEXT_LINES).split("\n")]


def _line(line: str, told: Severity) -> Html:
    match told:
        case Severity.ERROR:
            return element("span", line, style=f"color:{theme.toned(theme.RED)}")
        case Severity.WARNING:
            return element("span", line, style=f"color:{theme.toned(theme.AMBER)}")
        case Severity.INFO:
            return theme.faint(line)
        case Severity.NONE:
            return escape(line)
