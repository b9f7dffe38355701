"""Log lines in the colours of a terminal, by how grave they are."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from mlmagic.spec.log import Severity, severities

_CODES = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.INFO: "2"}
_REPLICA = re.compile(r"[a-z]+-\d+ \| ")


class LogColours:
    """Colours the text of a log that comes in pieces. A line that is not there in full stays as it is."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[str]] = {}
        self._told: dict[str, Iterator[Severity]] = {}
        self._is_within_line = False

    def __call__(self, text: str) -> str:
        """Return the text with its whole lines coloured."""
        *lines, rest = text.split("\n")
        coloured = [self._line(line) + "\n" for line in lines]
        if rest:
            self._is_within_line = True
        return "".join(coloured) + rest

    def _line(self, line: str) -> str:
        is_end, self._is_within_line = self._is_within_line, False
        code = _CODES.get(self._severity(line))
        # A program that colours its lines itself knows better.
        if code is None or is_end or "\x1b" in line:
            return line
        return f"\x1b[{code}m{line}\x1b[0m"

    def _severity(self, line: str) -> Severity:
        # Of each replica's lines by themselves: a traceback of one may stand between lines of another.
        match = _REPLICA.match(line)
        name = match[0] if match else ""
        if name not in self._told:
            waiting = self._lines[name] = deque()
            self._told[name] = severities(iter(waiting.popleft, None))
        self._lines[name].append(line.removeprefix(name))
        return next(self._told[name])
