"""The states that a job came to, each with how long the one before it took."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels.times import absolute, fine_duration
from mlmagic.spec.job import JobState
from mlmagic.spec.report import StateChange

_FIRST, _LAST = 1, 4
_ARROW = " → "
# A state that a job passes in no time is on no one's mind.
_PASSED_SECONDS = 1.0


def timeline(changes: Sequence[StateChange]) -> list[str]:
    """Return `QUEUED 2026-11-21 10:28:00 → RUNNING after 0.3 s → …`; with retries, a line for each attempt."""
    kept = _told(changes)
    if not kept:
        return []
    first, *rest = kept
    begun = f"{_word(first.state)} {absolute(first.time)}"
    steps = [
        (later, _step(later, (later.time - earlier.time).total_seconds()))
        for earlier, later in zip(kept, rest, strict=False)
    ]
    attempts = list(dict.fromkeys(change.attempt for change, _ in steps if change.attempt))
    if len(attempts) < 2:
        return [_ARROW.join([begun, *(text for _, text in steps)])]
    # Cancelled while it waited for its first attempt: of no attempt.
    lines = [f"try {attempt}: {_ARROW.join(t for c, t in steps if c.attempt == attempt)}" for attempt in attempts]
    return [begun, *_shortened(lines)]


def _told(changes: Sequence[StateChange]) -> list[StateChange]:
    """Return the changes without those that say the same again, and without short times between claim and start."""
    kept: list[StateChange] = []
    for change, following in zip(changes, [*changes[1:], None], strict=False):
        if kept and kept[-1].state is change.state:
            continue
        is_passed = (
            change.state is JobState.PENDING
            and following is not None
            and (following.time - change.time).total_seconds() < _PASSED_SECONDS
        )
        if not is_passed or not kept:
            kept.append(change)
    return kept


def _step(change: StateChange, seconds: float) -> str:
    is_retried = change.state is JobState.QUEUED
    return f"{'failed, QUEUED again' if is_retried else _word(change.state)} after {fine_duration(seconds)}"


def _word(state: JobState) -> str:
    return state.value.replace("_", " ")


def _shortened(lines: list[str]) -> list[str]:
    left_out = len(lines) - _FIRST - _LAST
    if left_out <= 1:
        return lines
    return [*lines[:_FIRST], f"… {left_out} more tries", *lines[-_LAST:]]
