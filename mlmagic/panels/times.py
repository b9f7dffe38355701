"""Times and durations as people say them."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def utc_now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


def duration(seconds: float) -> str:
    """Return `4 s`, `2 min 10 s`, `1 h 05 min` or `3 d 4 h`."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def fine_duration(seconds: float) -> str:
    """Return `30 ms`, `0.3 s`, `3.2 s`, and from ten seconds on what `duration` returns."""
    if seconds < 0.095:
        return f"{max(0, round(seconds * 1000))} ms"
    return f"{seconds:.1f} s" if seconds < 9.95 else duration(max(10, seconds))


def coarse_duration(seconds: float) -> str:
    """Return the duration in steps that grow with it, for something that is redrawn whenever its text changes."""
    step = 1 if seconds < MINUTE else 10 if seconds < HOUR else MINUTE
    return duration(seconds // step * step)


def ago(time: datetime, now: datetime) -> str:
    """Return `just now`, `5 min ago`, `3 h ago`, `2 d ago`."""
    seconds = int((now - time).total_seconds())
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min ago"
    if seconds < DAY:
        return f"{seconds // HOUR} h ago"
    return f"{seconds // DAY} d ago"


def absolute(time: datetime) -> str:
    """Return the local time to the second."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"


def short_absolute(time: datetime) -> str:
    """Return the local time to the minute."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"
