"""Which lines of a log have a text in them, or are that grave; looked for in pieces, so that it can be stopped."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlmagic.server.log_index import OpenLog
from mlmagic.server.log_lines import CONTEXT_LINES, RawLine, line_of, plain, raw_lines
from mlmagic.spec.log import Severity, severities
from mlmagic.spec.panel_rows import LogMatches
from mlmagic.workspace.files import explained

# Colours and progress bars stand between the letters that are shown.
_BROKEN = re.compile(rb"[\x1b\r\b]")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What is looked for in a log. Of a line that is cut, only what is shown is searched."""

    text: str = ""
    """As it stands, no pattern; nothing lets every line through."""
    severity: Severity | None = None
    is_case: bool = False
    """Capital letters are not small ones."""
    first: int = 0
    """The line to begin at."""
    limit: int = 1_000


class LogSearch:
    """A search that goes on piece by piece through the log as it was when it was opened; it closes it."""

    def __init__(self, log: OpenLog, query: LogQuery) -> None:
        """Begin.

        Raises:
            OSError: the log cannot be read.
        """
        self._query = query
        pattern = re.escape(query.text)
        self._pattern = re.compile(pattern, 0 if query.is_case else re.IGNORECASE)
        self._log = log
        self._first = self._number = min(max(0, query.first), log.lines)
        self._found: list[int] = []
        self._context: list[str] = []
        before = min(self._first, CONTEXT_LINES) if query.severity else 0
        self._number -= before
        self._pieces = raw_lines(log, log.start_of(self._number))

    def go_on(self) -> bool:
        """Look through about a megabyte more, and say whether there is more to look through.

        Raises:
            WorkspaceError: the log cannot be read.
        """
        with explained("search the log"):
            piece = next(self._pieces, None)
        if piece is None:
            return False
        if self._may_match(piece):
            self._look(piece)
        self._number += len(piece)
        return len(self._found) <= self._query.limit

    def close(self) -> None:
        """Hold the log open no longer."""
        self._log.close()

    def result(self) -> LogMatches:
        """Return what was found so far."""
        limit = self._query.limit
        has_more = len(self._found) > limit
        looked = (self._found[limit] if has_more else max(self._number, self._first)) - self._first
        return LogMatches(lines=tuple(self._found[:limit]), has_more=has_more, total=looked, file=self._log.file)

    def _may_match(self, piece: list[RawLine]) -> bool:
        """Say whether it is worth looking at each line."""
        if self._query.severity is not None or any(tail for _, tail in piece):
            return True
        data = b"\n".join([head for head, _ in piece])
        if _BROKEN.search(data):
            return True
        text = self._query.text
        if not text.isascii():
            return self._pattern.search(data.decode("utf-8", "replace")) is not None
        # Ten times as fast as a pattern.
        return text.encode() in data if self._query.is_case else text.lower().encode() in data.lower()

    def _look(self, piece: list[RawLine]) -> None:
        lines = [plain(line_of(raw)[0]) for raw in piece]
        wanted = self._query.severity
        if wanted is None:
            matching = [place for place, line in enumerate(lines) if self._pattern.search(line)]
        else:
            told = list(severities([*self._context, *lines]))[len(self._context) :]
            graded = zip(lines, told, strict=True)
            matching = [
                place for place, (line, own) in enumerate(graded) if own is wanted and self._pattern.search(line)
            ]
            self._context = lines[-CONTEXT_LINES:]
        numbers = [self._number + place for place in matching]
        self._found += [number for number in numbers if number >= self._first][: self._query.limit + 1]
