"""How far preprocessing is, as its log tells: `Read 12,000,000 of 951,000,000 bytes: 126,000 rows`."""

from __future__ import annotations

import dataclasses
import re

from mlmagic.runtime.progress import ATTEMPT_LINE
from mlmagic.spec.report import Reading

_READ = re.compile(r"^Read ([\d,]{1,24}) of ([\d,]{1,24}) bytes: ([\d,]{1,24}) rows$", re.MULTILINE)
_LONGEST_LINE = 120


class ReadingFollower:
    """Follows a log in pieces."""

    def __init__(self) -> None:
        self._reading: Reading | None = None
        self._rest = ""

    def feed(self, text: str) -> Reading | None:
        """Take in the next piece of the log, and return how far reading is; None while nothing tells."""
        whole, newline, rest = (self._rest + text).rpartition("\n")
        self._reading = _read(whole + newline, self._reading)
        self._rest = rest[-_LONGEST_LINE:]
        return self._reading


def read_reading(log_text: str) -> Reading | None:
    """Return how far reading is, given the end of a log; None where that does not tell."""
    return ReadingFollower().feed(log_text)


def _read(text: str, known: Reading | None) -> Reading | None:
    start = 0
    for match in ATTEMPT_LINE.finditer(text):
        known, start = None, match.end()
    for match in _READ.finditer(text, start):
        done, total, rows = (int("0" + group.replace(",", "")) for group in match.groups())
        if done <= total:
            known = Reading(rows=rows, bytes_done=done, bytes_total=total)
    return known


def with_rate(reading: Reading, seconds: float, *, since: Reading | None = None) -> Reading:
    """Return the reading with its rate, if it came so far in that time; `since` is how far it was at the beginning."""
    done = reading.bytes_done - (0 if since is None else since.bytes_done)
    return dataclasses.replace(reading, bytes_per_second=done / seconds) if seconds > 0 and done > 0 else reading


def remaining_seconds(reading: Reading) -> float | None:
    """Return how long reading will still take, if it goes on as it went; None while that cannot be told."""
    left = reading.bytes_total - reading.bytes_done
    if left <= 0:
        return 0.0
    return None if reading.bytes_per_second is None else left / reading.bytes_per_second
