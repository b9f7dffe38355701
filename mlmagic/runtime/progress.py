"""How far training is, as its log tells: the lines of Keras's `fit` and of generated loops.

`Epoch 3/10` begins an epoch; a progress bar within it begins with `12/100`, between escape sequences.
"""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime

from mlmagic.spec.report import Progress

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# A line begins where the terminal's cursor would stand at its beginning.
_EPOCH = re.compile(r"^[ \t]*Epoch:?[ \t]+\[?(\d{1,9})[ \t]*/[ \t]*(\d{1,9})\b", re.MULTILINE | re.IGNORECASE)
# Keras: `12/100 ━━━━━ 3s 30ms/step`, with verbose=2 `100/100 - 3s - 30ms/step`, without a known end `12/Unknown`.
_BAR = re.compile(r"^[ \t]*(\d{1,12})/(\d{1,12}|Unknown)[ \t]+(?=[━\[=>.\-\d])", re.MULTILINE)
ATTEMPT_LINE = re.compile(r"^mlmagic: attempt \d+ of \d+", re.MULTILINE)
"""From here on, the log is another attempt's."""
_LONGEST_LINE = 1000
_LINE_STARTS = str.maketrans({"\r": "\n", "\b": "\n"})


class ProgressReader:
    """Follows a log in pieces; what it knows of an epoch outlasts the pieces in which only its steps are told."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._rest = ""

    def feed(self, text: str) -> Progress | None:
        """Take in the next piece of the log, and return how far training is; None while nothing tells."""
        text = _ESCAPES.sub("", self._rest + text).translate(_LINE_STARTS)
        whole, newline, self._rest = text.rpartition("\n")
        if len(self._rest) > _LONGEST_LINE:
            whole, newline, self._rest = text, "", ""
        self._progress = _read(whole + newline, self._progress)
        # A bar has no end of line while it moves. What this one says may still change, so it is read again.
        return _read(self._rest, self._progress)


def read_progress(log_text: str) -> Progress | None:
    """Return how far training is, given the end of a log; None where that has no `Epoch 3/10`."""
    return ProgressReader().feed(log_text)


def _read(text: str, known: Progress | None) -> Progress | None:
    start = 0
    for match in ATTEMPT_LINE.finditer(text):
        known, start = None, match.end()
    for match in _EPOCH.finditer(text, start):
        epoch, epochs = int(match[1]), int(match[2])
        if 1 <= epoch <= epochs:
            known, start = Progress(epoch=epoch, epochs=epochs), match.end()
    if known is None:
        return None
    for match in _BAR.finditer(text, start):
        if known.steps is not None and known.step == known.steps:
            break  # the epoch is over: this is the bar of an evaluation
        step, steps = int(match[1]), None if match[2] == "Unknown" else int(match[2])
        if (steps is None or step <= steps) and known.steps in (None, steps):
            known = dataclasses.replace(known, step=step, steps=steps)
    return known


def estimate_remaining(
    progress: Progress, started: datetime, now: datetime, *, since: Progress | None = None
) -> float | None:
    """Return how many seconds training will still take, if it goes on as it went; None while that cannot be told.

    `since` is how far it was at `started`. Without it, `started` is when the program began: that includes its imports,
    so nothing is said before one epoch is over.
    """
    elapsed = (now - started).total_seconds()
    done = _done(progress) - (0.0 if since is None else _done(since))
    if progress.fraction >= 1:
        return 0.0
    if elapsed <= 0 or done <= 0 or (since is None and progress.epoch < 2):
        return None
    return max(0.0, elapsed * (progress.epochs - _done(progress)) / done)


def _done(progress: Progress) -> float:
    """Return how many epochs are over, and what part of this one: where that is not known, likely half of it."""
    within = progress.step / progress.steps if progress.step is not None and progress.steps else None
    return progress.epoch - 1 + (0.5 if within is None else within)
