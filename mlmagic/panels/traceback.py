"""Tracebacks as a panel shows them: the user's own frames stand out, those of libraries are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from mlmagic.source.sourcemap import OURS

_FRAME = re.compile(
    r'  (?:(?P<cell>Cell \[[\d ]*\])|File "(?P<path>[^"]+)"), line (?P<line>\d+)(?:, in (?P<function>.*))?$'
)
_HEADER = re.compile(r"Traceback \(most recent call last\):$")
_GROUP = re.compile(r"^[ |]*\+ Exception Group Traceback", re.MULTILINE)
_CHAINED = re.compile(r"The above exception was the direct cause of|During handling of the above exception, another")
_INSTALLED = re.compile(r".*/(?:site|dist)-packages/(?P<name>[^/]+)")
_STANDARD = re.compile(r"(?:.*/lib/python3\.\d+t?/|<frozen )(?P<name>[^/.>]+)")
_COMPILED = (".pyx", ".pxd", ".pxi")
# Where TensorFlow puts what it makes of a function.
_AUTOGRAPH = "__autograph_generated_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame: its own line, and the source line with its marks below it."""

    lines: list[str]
    place: str
    """`Cell [5], line 3`, or `trainer/task.py, line 3`."""
    library: str | None
    """What it belongs to; None for the user's own code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """One exception: what stands above its frames, the frames, its message."""

    head: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    message: list[str] = field(default_factory=list)

    @property
    def is_own(self) -> bool:
        return any(frame.library is None for frame in self.frames)


Line = tuple[str, bool | None]
"""A line, and whether it stands out (True), steps back (False), or is as any other (None)."""


def place_of(traceback: str | None) -> str | None:
    """Return where in the user's own code the error came from: `Cell [5], line 3`."""
    sections = _sections((traceback or "").split("\n"))
    own = [frame for section in sections for frame in section.frames if frame.library is None]
    return own[-1].place if own else None


def shortened(traceback: str) -> list[Line]:
    """Return the lines of a traceback with the frames of libraries counted, `… 5 frames in pandas`.

    Causes that lie in libraries alone and say nothing else are left out. Groups of exceptions are left as they are.
    """
    *causes, last = _sections(traceback.split("\n"))
    if not last.frames or _GROUP.search(traceback):
        return [(line, None) for line in traceback.split("\n")]
    told = [section for section in causes if section.is_own or _said(section) != _said(last)]
    lines: list[Line] = []
    for section in (*told, last):
        head = section.head if lines else [line for line in section.head if line.strip() and not _CHAINED.match(line)]
        lines += [*((line, None) for line in head), *_folded(section.frames)]
        lines += [(line, None) for line in section.message]
    return lines


def _sections(lines: Sequence[str]) -> list[_Section]:
    sections = [_Section()]
    for line in lines:
        section = sections[-1]
        if section.frames and (_CHAINED.match(line) or _HEADER.match(line)):
            section = _Section()
            sections.append(section)
        if match := None if section.message else _FRAME.match(line):
            section.frames.append(_frame(match, line))
        elif section.frames and not section.message and _is_below(line):
            section.frames[-1].lines.append(line)
        else:
            (section.message if section.frames else section.head).append(line)
    return sections


def _frame(match: re.Match[str], line: str) -> Frame:
    path = match["path"]
    where = match["cell"] or (path.rpartition("/")[2] if path.startswith("/") else path)
    library = None if match["cell"] else _library(path, match["function"] or "")
    return Frame(lines=[line], place=f"{where}, line {match['line']}", library=library)


def _library(path: str, function: str) -> str | None:
    if match := _INSTALLED.match(path) or _STANDARD.match(path):
        return match["name"].removesuffix(".py")
    if _AUTOGRAPH in path:
        return "tensorflow"
    if path.startswith(OURS):
        return "mlmagic"
    if path.endswith(_COMPILED):
        return (function if "." in function else path.replace("/", ".")).split(".")[0]
    return None


def _is_below(line: str) -> bool:
    return line.startswith(("    ", "  [Previous line repeated"))


def _said(section: _Section) -> str:
    return "\n".join(section.message).strip()


def _folded(frames: Sequence[Frame]) -> Iterator[Line]:
    for library, group in groupby(frames, key=lambda frame: frame.library is not None):
        if library:
            yield _counted(list(group)), False
        else:
            for frame in group:
                yield frame.lines[0], True
                yield from ((line, None) for line in frame.lines[1:])


def _counted(frames: Sequence[Frame]) -> str:
    libraries = ", ".join(dict.fromkeys(frame.library or "" for frame in frames))
    return f"  … {len(frames)} frame{'' if len(frames) == 1 else 's'} in {libraries}"
