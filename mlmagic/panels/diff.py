"""Two jobs side by side: their code as a unified diff, flags, settings and results as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.text import display_width, one_line, plain_log, table
from mlmagic.spec.codec import encode
from mlmagic.spec.report import Difference, FileDifference, JobDiff

MIME_TYPE = "application/vnd.mlmagic.jobdiff+json"
_NONE = "—"
_EMPTY = '""'
# Of a name and two values in a line of a terminal.
_ROOM = (28, 24, 24)
# Translucent, so that they are right on a light and on a dark ground.
_ADDED, _REMOVED = "rgba(46,160,67,.18)", "rgba(248,81,73,.18)"


def job_diff_bundle(diff: JobDiff) -> Bundle:
    """Return what two jobs have differently, and what is the same."""
    return document(MIME_TYPE, encode(diff), html=_html(diff), text=_text(diff))


def _sections(diff: JobDiff) -> list[tuple[str, Sequence[Difference]]]:
    return [("flags", diff.flags), ("settings", diff.settings), ("results", diff.results)]


def _same(diff: JobDiff) -> str | None:
    """Return a sentence such as `The code is the same.`; None where everything differs."""
    if diff.first == diff.second:
        return "It is one and the same job."
    others = [f"the {name}" for name, rows in _sections(diff) if not rows]
    names = [*(["the code"] if not diff.code else []), *others]
    if not names:
        return None
    *most, last = names
    told = f"{', '.join(most)} and {last}" if most else last
    verb = "are" if most or last != "the code" else "is"
    return f"{told[0].upper()}{told[1:]} {verb} the same."


def _html(diff: JobDiff) -> Html:
    heading = theme.heading(theme.copyable(diff.first), theme.faint("→"), theme.copyable(diff.second))
    same = _same(diff)
    return theme.card(
        heading,
        theme.row(same, top="6px") if same else None,
        *(section_html(name, rows) for name, rows in _sections(diff) if rows),
        *(file_html(file, is_open=number == 0) for number, file in enumerate(diff.code)),
    )


def section_html(name: str, rows: Sequence[Difference]) -> Html:
    """Return a table of what differs."""
    cells = [[theme.mono(row.key), _value_html(row.first), _value_html(row.second)] for row in rows]
    return theme.table([name.capitalize(), "First", "Second"], cells, wraps=[0, 1, 2])


def _value_html(value: str | None) -> Html:
    return theme.faint(_NONE) if value is None else element("span", value or _EMPTY)


def file_html(file: FileDifference, *, is_open: bool) -> Html:
    """Return a unified diff that opens on a click."""
    added, removed = (sum(kind == sign for kind, _ in diff_lines(file.text)) for sign in "+-")
    lines = join(_line_html(kind, line) for kind, line in diff_lines(file.text))
    return theme.folded(f"{file.name}  +{added} -{removed}", theme.block(lines, height="26em"), is_open=is_open)


def _line_html(kind: str, line: str) -> Html:
    # Each line is a block of its own, so that its colour reaches to the end of the line.
    if kind == "@":
        return element("div", theme.faint(line))
    colour = {"+": _ADDED, "-": _REMOVED}.get(kind)
    return element("div", line or " ", style=f"background:{colour}" if colour else None)


def diff_lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of a unified diff, each with what it is: `+`, `-`, `@` of a heading, or a blank."""
    is_within = False
    # What only a carriage return tells apart should look different.
    for line in plain_log(text.replace("\r", "␍")).rstrip("\n").split("\n"):
        is_heading = line.startswith("@@")
        is_within = is_within or is_heading
        yield ("@" if is_heading or not is_within else line[:1] if line[:1] in {"+", "-"} else " "), line


def _text(diff: JobDiff) -> str:
    lines = [f"- {one_line(diff.first)}", f"+ {one_line(diff.second)}"]
    lines += [same] if (same := _same(diff)) else []
    for name, rows in _sections(diff):
        if rows:
            lines += ["", *section_text(name, rows)]
    for file in diff.code:
        lines += ["", one_line(file.name), *(line for _, line in diff_lines(file.text))]
    return "\n".join(lines)


def section_text(name: str, rows: Sequence[Difference]) -> list[str]:
    """Return the table, and what is too long for one with its two values one below the other."""
    cells = [(one_line(row.key), _value_text(row.first), _value_text(row.second)) for row in rows]
    short = [row for row in cells if all(display_width(text) <= room for text, room in zip(row, _ROOM, strict=True))]
    lines = table([name.upper(), "FIRST", "SECOND"], short, flexible=0).split("\n") if short else [name.upper()]
    return lines + [line for row in cells if row not in short for line in (row[0], f"  - {row[1]}", f"  + {row[2]}")]


def _value_text(value: str | None) -> str:
    return _NONE if value is None else one_line(value) or _EMPTY
