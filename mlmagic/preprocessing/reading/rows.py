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
    it should is taken for a line with an unclosed quote.
    """
    starts, stops, after = _lines(data, is_last=is_last)
    if b'"' not in data:
        return Rows(starts, stops, np.zeros(len(starts), bool), _end(after, data, is_last=is_last))
    return _with_quotes(data, delimiter, starts, stops, after, multiline=multiline, is_last=is_last, fields=fields)


def has_open_quotes(data: bytes, delimiter: str) -> bool:
    """Whether any line of the block ends inside of quotes."""
    return bool(find_rows(data, delimiter, multiline=False, is_last=True).unclosed.any())


def _with_quotes(
    data: bytes,
    delimiter: str,
    starts: np.ndarray,
    stops: np.ndarray,
    after: np.ndarray,
    *,
    multiline: bool,
    is_last: bool,
    fields: int | None,
) -> Rows:
    patterns = _patterns(delimiter)
    unclosed = np.zeros(len(starts), bool)
    inside = np.zeros(len(starts), bool)
    stops = stops.copy()
    pending = _end(after, data, is_last=is_last)
    done = 0  # up to here the lines belong to a row that is known
    for line in _intricate(data, delimiter, starts, stops):
        if line < done or patterns.row.fullmatch(data, starts[line], stops[line]):
            continue
        match = patterns.lines.match(data, starts[line]) if multiline else None
        if match is None and multiline and not is_last:
            # The quote may be closed in the next block.
            pending = int(starts[line])
            keep = np.arange(len(starts)) < line
            starts, stops, unclosed, inside = starts[keep], stops[keep], unclosed[keep], inside[keep]
            break
        if match is None or (fields is not None and patterns.count(match[1]) != fields):
            unclosed[line] = True
            continue
        done = int(np.searchsorted(starts, match.end(1), side="right"))
        inside[line + 1 : done] = True
        stops[line] = match.end(1)
    return Rows(starts[~inside], stops[~inside], unclosed[~inside], pending)


def _lines(data: bytes, *, is_last: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where lines start, where they stop, and where the next begins."""
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
        return np.append(starts, end), np.append(stops, len(text)), np.append(after, len(text))
    return starts, stops, after


def _end(after: np.ndarray, data: bytes, *, is_last: bool) -> int:
    return len(data) if is_last else int(after[-1]) if len(after) else 0


def _intricate(data: bytes, delimiter: str, starts: np.ndarray, stops: np.ndarray) -> list[int]:
    """The lines whose quotes do not simply open at the beginning of fields and close at their ends."""
    text = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(text == _QUOTE)
    quotes = quotes[quotes < stops[-1]] if len(stops) else quotes[:0]
    lines = np.searchsorted(starts, quotes, side="right") - 1
    firsts = np.searchsorted(quotes, starts)
    opens = (np.arange(len(quotes)) - firsts[lines]) % 2 == 0
    before = text[np.maximum(quotes - 1, 0)]
    behind = text[np.minimum(quotes + 1, len(text) - 1)]
    at_start = (quotes == starts[lines]) | (before == ord(delimiter)) | (before == _QUOTE)
    at_stop = (quotes + 1 >= stops[lines]) | (behind == ord(delimiter)) | (behind == _QUOTE)
    strange = lines[~np.where(opens, at_start, at_stop)]
    counts = np.bincount(lines, minlength=len(starts))
    odd = np.flatnonzero(counts % 2)
    return [int(line) for line in np.union1d(strange, odd)]


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
    quoted = rb'(?:"[^"]*+")'
    loose = rb"(?:" + quoted + rb"++[^" + sign + rb"\r\n]*+|[^" + sign + rb'"\r\n][^' + sign + rb"\r\n]*+|)"
    strict = rb"(?:" + quoted + rb"++|[^" + sign + rb'"\r\n][^' + sign + rb"\r\n]*+|)"
    return _Patterns(
        row=re.compile(loose + rb"(?:" + sign + loose + rb")*+"),
        lines=re.compile(rb"(" + strict + rb"(?:" + sign + strict + rb")*+)(?:\r\n?|\n|\Z)"),
        field=re.compile(rb"(?:^|" + sign + rb")" + strict),
    )
