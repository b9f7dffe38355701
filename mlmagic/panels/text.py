"""Plain text: what a terminal left in a log, and tables that fit a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

WIDTH = 80

# CSI and OSC sequences, then the two-character escapes.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# What TensorFlow prints at each import, whatever the program does.
_STAMP = r"(?:[IWEF]\d{4} [\d:.]+ +\d+ |\d{4}-\d\d-\d\d [\d:.]+: [IWEF] (?:\S*/)?)"
_BANNER = re.compile(
    r"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    rf"|{_STAMP}port\.cc:\d+\] oneDNN custom operations are on"
    rf"|{_STAMP}cpu_feature_guard\.cc:\d+\] This TensorFlow binary is optimized"
    r"|To enable the following instructions: .* rebuild TensorFlow with the appropriate compiler flags"
    rf"|{_STAMP}cuda_(?:dnn|fft|blas)\.cc:\d+\] Unable to register cu"
    rf"|{_STAMP}computation_placer\.cc:\d+\] computation placer already registered"
)


def plain_log(text: str) -> str:
    """Return a log as a terminal would have left it: no escape sequences, progress bars at their last state."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    return "\n".join(_CONTROLS.sub("", _overwrite(line)) for line in text.split("\n"))


def last_lines(text: str, count: int) -> str:
    """Return the last lines of a log."""
    return "\n".join(text.rstrip("\n").split("\n")[-count:])


def without_banner(log: str) -> tuple[str, int]:
    """Return a log without the lines that TensorFlow prints at every start, and how many they were."""
    lines = log.split("\n")
    kept = [line for line in lines if not _BANNER.match(line)]
    return "\n".join(kept), len(lines) - len(kept)


def one_line(text: str) -> str:
    """Return the text on one line and without control characters, for a table or a heading."""
    return " ".join(_CONTROLS.sub(" ", _ESCAPES.sub("", text)).split())


def fit(text: str, width: int) -> str:
    """Return the text on one line, shortened to the width with an ellipsis."""
    text = one_line(text)
    if display_width(text) <= width:
        return text
    kept = ""
    for character in text:
        if display_width(kept + character) > width - 1:
            break
        kept += character
    return f"{kept}…"


def pad(text: str, width: int) -> str:
    """Return the text filled with blanks up to the width."""
    return text + " " * max(0, width - display_width(text))


def spread(left: str, right: str, width: int = WIDTH) -> str:
    """Return one line with a text at each end."""
    room = max(10, width - display_width(right) - 1)
    return f"{pad(left if display_width(left) <= room else fit(left, room), room)} {right}"


def display_width(text: str) -> int:
    """Return how many columns a terminal uses for the text."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    flexible: int,
    width: int = WIDTH,
    right: Collection[int] = (),
) -> str:
    """Return a table as text; the column `flexible` gives way until the table fits, those in `right` end together."""
    cells = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(display_width(row[column]) for row in cells) for column in range(len(header))]
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    if excess > 0:
        widths[flexible] = max(min(8, widths[flexible]), widths[flexible] - excess)
    lines = ["  ".join(_cell(cell, widths[at], at in right) for at, cell in enumerate(row)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def wrapped(label: str, parts: Sequence[str], *, separator: str = " · ", width: int = WIDTH) -> list[str]:
    """Return the label and the parts on as few lines as hold them; a part is shortened, never broken."""
    indent = " " * display_width(label)
    lines: list[str] = []
    for part in parts:
        joined = f"{lines[-1]}{separator}{part}" if lines else ""
        if joined and display_width(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(f"{indent if lines else label}{fit(part, max(8, width - len(indent)))}")
    return lines


def folded(text: str, width: int = WIDTH) -> list[str]:
    """Return a sentence on as many lines as it needs; words longer than a line stay whole, to be copied."""
    import textwrap

    return textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) or [text]


def _cell(text: str, width: int, is_right: bool) -> str:
    text = fit(text, width)
    return " " * (width - display_width(text)) + text if is_right else pad(text, width)


def _overwrite(line: str) -> str:
    # Keras's progress bar goes back with \b or \r and writes over what stood there.
    line = line.rstrip("\r").rpartition("\r")[2]
    if "\b" not in line:
        return line
    kept: list[str] = []
    for character in line:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
