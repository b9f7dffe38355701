"""Points in time as filters write them: ISO 8601 dates, whole or in part, and durations from now."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[Tt ](?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"(?P<offset>[Zz]|[+-]\d\d(?::?\d\d)?)?)?)?)?",
    re.ASCII,
)
_DURATION = re.compile(
    r"(?P<sign>[+-])?P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)W)?(?:(\d+(?:[.,]\d+)?)D)?"
    r"(?:T(?=.)(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_UNITS = (7 * 86400, 86400, 3600, 60, 1)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` on and before `end`: `2018-01` is a month, and a time with fractions a microsecond."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """A text that was read as a time."""

    date: Interval | None = None
    months: int = 0
    """From now, like `seconds`."""
    seconds: float = 0

    def at(self, now: datetime) -> Interval:
        """Return which time it is; before the year 1 and after 9999 the first or the last there is."""
        if self.date is not None:
            return self.date
        try:
            start = _add_months(now.astimezone(UTC), self.months) + timedelta(seconds=self.seconds)
            return Interval(start, start + _INSTANT)
        except (OverflowError, ValueError):
            edge = _LAST if self.months > 0 or self.seconds > 0 else _FIRST
            return Interval(edge, edge)


def parse_moment(text: str) -> Moment | None:
    """Read a date or a duration; None if it is neither. A date without an offset is one of this machine's zone."""
    if match := _DURATION.fullmatch(text):
        years, months, *others = (part or "0" for part in match.groups()[1:])
        sign = -1 if match["sign"] == "-" else 1
        amounts = (float(part.replace(",", ".")) for part in others)
        seconds = sum(amount * unit for amount, unit in zip(amounts, _UNITS, strict=True))
        return Moment(months=sign * (12 * int(years) + int(months)), seconds=sign * seconds)
    match = _DATE.fullmatch(text)
    try:
        return Moment(date=_interval(match)) if match else None
    except (ValueError, OverflowError):
        return None


def _interval(match: re.Match[str]) -> Interval:
    numbers = [int(match[part]) for part in _PARTS if match[part] is not None]
    micros = int((match["fraction"] or "")[:6].ljust(6, "0"))
    year, month, day, *clock = [*numbers, *[1] * (3 - len(numbers))]
    start = datetime(year, month, day, *clock, microsecond=micros)  # type: ignore[misc,arg-type]  # noqa: DTZ001 - its zone comes below
    match match["fraction"], _PARTS[len(numbers) - 1]:
        case None, ("year" | "month") as last:
            end = _add_months(start, 12 if last == "year" else 1)
        case None, last:
            end = start + timedelta(**{f"{last}s": 1})
        case _:
            end = start + _INSTANT
    zone = _zone(match["offset"])
    return Interval(_with_zone(start, zone), _with_zone(end, zone))


def _with_zone(time: datetime, zone: tzinfo | None) -> datetime:
    return (time.replace(tzinfo=zone) if zone else time.astimezone()).astimezone(UTC)


def _zone(offset: str | None) -> tzinfo | None:
    if offset is None:
        return None
    if offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-size if offset[0] == "-" else size)


def _add_months(time: datetime, months: int) -> datetime:
    years, month = divmod(time.year * 12 + time.month - 1 + months, 12)
    # A month after January 31st is the last day of February.
    day = min(time.day, calendar.monthrange(years, month + 1)[1])
    return time.replace(year=years, month=month + 1, day=day)
