"""Where the rows of delimited text begin and end, quotes and all.

It agrees with Arrow's parser: a quote opens only at the beginning of a field, a doubled one inside stands for itself,
and LF, CR LF and CR alone end a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_NEWLINE, _RETURN, _QUOTE = b'\n\r"'

LONGEST_ROW_OF_LINES = 4 << 20


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a block of text, as positions in it."""

    starts: np.ndarray
    stops: np.ndarray
    """Without the line break."""
    unclosed: np.ndarray
    """Whether a quote is opened in it and not closed. Only the line with the quote is the row then: the next line is
    read as if nothing had been."""
    pending: int
    """Where a row begins whose end is not in the block; the length of the block if there is none."""


def find_rows(data: bytes, delimiter: str, *, multiline: bool, is_last: bool, fields: int | None = None) -> Rows:
    """Find the rows of a block that begins with one.

    With `multiline` a quoted field may hold line breaks; a row of several lines that has another number of fields than
    it should, or is longer than `LONGEST_ROW_OF_LINES`, is taken for a line with an unclosed quote.
    """
    starts, stops, end = _lines(data, is_last=is_last)
    rows = Rows(starts, stops, np.zeros(len(starts), bool), end)
    if b'"' not in data:
        return rows
    block = _Block(data, delimiter, is_last=is_last, fields=fields if multiline else 0, is_multiline=multiline)
    return block.regular(rows) or block.irregular(rows)


def has_open_quotes(data: bytes, delimiter: str) -> bool:
    """Whether any line of the block ends inside of quotes."""
    return bool(find_rows(data, delimiter, multiline=False, is_last=True).unclosed.any())


class _Block:
    """Text with quotes in it."""

    def __init__(self, data: bytes, delimiter: str, *, is_last: bool, fields: int | None, is_multiline: bool) -> None:
        self._data = data
        self._text = np.frombuffer(data, np.uint8)
        self._is_last = is_last
        self._is_multiline = is_multiline
        self._fields = fields
        self._patterns = _patterns(delimiter)
        self._edges = np.zeros(256, bool)
        self._edges[[ord(delimiter), _QUOTE, _NEWLINE, _RETURN]] = True

    def regular(self, rows: Rows) -> Rows | None:
        """Return the rows if all quotes open at the beginning of a field and close at the end of one, in turn.

        Then one that has an even number of others before it opens, and a line that has an odd number goes on a row.
        """
        quotes = np.flatnonzero(self._text[: rows.pending] == _QUOTE)
        if not len(quotes):
            return rows
        opening, closing = quotes[::2], quotes[1::2]
        opens = self._edges[self._text[opening - 1]]
        opens[0] |= opening[0] == 0
        closes = self._edges[self._text[np.minimum(closing + 1, len(self._text) - 1)]]
        if len(closes) and closing[-1] == len(self._text) - 1:
            closes[-1] = True
        if not (opens.all() and closes.all()):
            return None
        is_inside = np.searchsorted(quotes, rows.starts) % 2 == 1
        if len(quotes) % 2 == 0 and not is_inside.any():
            return rows
        return self._joined(rows, is_inside, is_open=len(quotes) % 2 == 1) if self._is_multiline else None

    def _joined(self, rows: Rows, is_inside: np.ndarray, *, is_open: bool) -> Rows | None:
        """Join lines to rows; None if that makes a row that cannot be."""
        firsts = np.flatnonzero(~is_inside)
        lasts = np.append(firsts[1:], len(is_inside)) - 1
        pending = rows.pending
        if is_open:
            # The last row goes on behind this block.
            pending = int(rows.starts[firsts[-1]])
            if self._is_last or rows.pending - pending > LONGEST_ROW_OF_LINES:
                return None
            firsts, lasts = firsts[:-1], lasts[:-1]
        starts, stops = rows.starts[firsts], rows.stops[lasts]
        for row in np.flatnonzero(lasts > firsts).tolist():
            if not self._can_be(int(starts[row]), int(stops[row])):
                return None
        return Rows(starts, stops, np.zeros(len(starts), bool), pending)

    def irregular(self, rows: Rows) -> Rows:
        """Return the rows, going through the lines with quotes one by one where they are out of the ordinary."""
        starts, stops, pending = rows.starts, rows.stops.copy(), rows.pending
        unclosed, inside = np.zeros(len(starts), bool), np.zeros(len(starts), bool)
        done = 0  # up to here the lines belong to a row that is known
        for line in self._lines_with_quotes(starts, stops):
            start = int(starts[line])
            if line < done or self._patterns.row.fullmatch(self._data, start, int(stops[line])):
                continue
            stop = self._end_of_row(start) if self._is_multiline else 0
            if stop is None:
                # The quote may be closed in the next block.
                keep = np.arange(len(starts)) < line
                rest = Rows(starts[keep], stops[keep], unclosed[keep], start)
                return _without(rest, inside[keep])
            if not stop:
                unclosed[line] = True
                continue
            done = int(np.searchsorted(starts, stop))
            inside[line + 1 : done] = True
            stops[line] = stop
        return _without(Rows(starts, stops, unclosed, pending), inside)

    def _end_of_row(self, start: int) -> int | None:
        """Return where a row of several lines stops; 0 if it is none, None if that is not in this block."""
        limit = start + LONGEST_ROW_OF_LINES
        match = self._patterns.lines.match(self._data, start, limit)
        if match is None or (match.end() == len(self._data) and not self._is_last):
            return 0 if self._is_last or len(self._data) > limit else None
        return match.end(1) if self._can_be(start, match.end(1)) else 0

    def _can_be(self, start: int, stop: int) -> bool:
        if stop - start > LONGEST_ROW_OF_LINES:
            return False
        return self._fields is None or self._patterns.count(self._data[start:stop]) == self._fields

    def _lines_with_quotes(self, starts: np.ndarray, stops: np.ndarray) -> list[int]:
        quotes = np.flatnonzero(self._text == _QUOTE)
        quotes = quotes[quotes < stops[-1]] if len(stops) else quotes[:0]
        lines = np.searchsorted(starts, quotes, side="right") - 1
        return [int(line) for line in np.unique(lines)]


def _without(rows: Rows, inside: np.ndarray) -> Rows:
    return Rows(rows.starts[~inside], rows.stops[~inside], rows.unclosed[~inside], rows.pending)


def _lines(data: bytes, *, is_last: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """Where lines start, where they stop, and where one begins whose end is not there."""
    text = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(text == _NEWLINE)
    if b"\r" in data:
        returns = np.flatnonzero(text == _RETURN)
        if not is_last:
            returns = returns[returns + 1 < len(text)]  # the other half of the line break may follow
        alone = returns[(returns + 1 == len(text)) | (text[np.minimum(returns + 1, len(text) - 1)] != _NEWLINE)]
        breaks = np.sort(np.concatenate([breaks, alone]))
    after = breaks + 1
    starts = np.concatenate([[0], after[:-1]]) if len(after) else np.zeros(0, int)
    stops = breaks - ((breaks > 0) & (text[breaks] == _NEWLINE) & (text[breaks - 1] == _RETURN))
    stops = np.maximum(stops, starts)
    end = int(after[-1]) if len(after) else 0
    if is_last and end < len(text):
        return np.append(starts, end), np.append(stops, len(text)), len(text)
    return starts, stops, end


@dataclass(frozen=True, slots=True)
class _Patterns:
    row: re.Pattern[bytes]
    """A whole line with every quote closed."""
    lines: re.Pattern[bytes]
    """A row of several lines: no quote is closed but at the end of a field."""
    field: re.Pattern[bytes]

    def count(self, row: bytes) -> int:
        return sum(1 for _ in self.field.finditer(row))


@lru_cache(maxsize=16)
def _patterns(delimiter: str) -> _Patterns:
    sign = re.escape(delimiter.encode())
    other = rb"[^" + sign + rb'"\r\n][^' + sign + rb"\r\n]*+"
    quoted = rb'(?:"[^"]*+")++'
    loose = rb"(?:" + quoted + rb"(?:" + other + rb")?+|" + other + rb"|)"
    strict = rb"(?:" + quoted + rb"|" + other + rb"|)"
    return _Patterns(
        row=re.compile(loose + rb"(?:" + sign + loose + rb")*+"),
        lines=re.compile(rb"(" + strict + rb"(?:" + sign + strict + rb")*+)(?:\r\n?|\n|\Z)"),
        field=re.compile(rb"(?:^|" + sign + rb")" + strict),
    )
