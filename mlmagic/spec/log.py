"""How grave a log line is, told from what TensorFlow, absl, Python's logging and its tracebacks write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum


class Severity(StrEnum):
    """How grave a line of a log is; NONE where the line does not say."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NONE = "none"


_LEVELS = {
    **dict.fromkeys(("F", "E", "CRITICAL", "FATAL", "ERROR"), Severity.ERROR),
    **dict.fromkeys(("W", "WARNING", "WARN"), Severity.WARNING),
    **dict.fromkeys(("I", "INFO", "DEBUG"), Severity.INFO),
}
_WORDS = "CRITICAL|FATAL|ERROR|WARNING|WARN|INFO|DEBUG"
_TIME = r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.,]*(?:Z|[+-]\d\d:?\d\d)?\]?"
_LEVEL = re.compile(
    # `W0000 00:00:1795.68   18 port.cc:153]` of absl, `2026-11-21 09:30:00.123456: W tensorflow/core/…` of TensorFlow.
    r"([IWEF])\d{4} [\d:.]+ +\d+ "
    rf"|{_TIME}: ([IWEF]) "
    # `WARNING:root:`, `ERROR - `, `[INFO]`; then the same after a time, perhaps with a name between them.
    rf"|({_WORDS})(?: ?[:|]| - )|\[({_WORDS})\]"
    rf"|{_TIME}[\s:|-]+(?:[\w.]+[\s:|-]+)?\[?({_WORDS})\b"
)
_TRACEBACK = re.compile(r"[\s|+]*(?:Exception Group )?Traceback \(most recent call last\):$")
_CHAINED = re.compile(r"The above exception was the direct cause of|During handling of the above exception, another")
_RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*)?(?:Error|Exception|Interrupt)(?:: |:?$)")
# `/a/b.py:12: UserWarning: …`, of Python's warnings.
_WARNED = re.compile(r"(?:\S.*:\d+: )?(?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*)?Warning: ")


def severity(line: str) -> Severity:
    """Return how grave a line is, by itself: lines within a traceback say nothing of it."""
    if match := _LEVEL.match(line):
        return _LEVELS[match[match.lastindex or 0]]
    if _RAISED.match(line) or _TRACEBACK.match(line) or _CHAINED.match(line):
        return Severity.ERROR
    return Severity.WARNING if _WARNED.match(line) else Severity.NONE


def severities(lines: Iterable[str]) -> Iterator[Severity]:
    """Yield how grave each line is; all lines of a traceback are errors, and so is what the exception says."""
    is_within = False
    for line in lines:
        own = severity(line)
        is_head = _TRACEBACK.match(line) is not None
        yield Severity.ERROR if is_within and own is Severity.NONE else own
        # A traceback goes on with indented lines, and ends with the first that is not: the exception.
        is_within = is_head or (is_within and line[:1] in {" ", "\t", "|"})
