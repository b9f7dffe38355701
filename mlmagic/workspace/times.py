"""Times as the database keeps them: microseconds since 1970, which sort, compare and parse cheaply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(time: datetime) -> int:
    """Return a time, which must have an offset, as microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the time, in UTC; exact to the microsecond until the year 2200."""
    # Twice as fast as adding a timedelta, and a long list of jobs has three times in each row.
    return datetime.fromtimestamp(micros / 1e6, UTC)
