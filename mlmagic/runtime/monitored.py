"""How far a monitoring job is, as its log tells, and how it ended.

`Look 12 · 2026-05-01 12:00:00 UTC · 1,234 rows · 2 alerts now, 3 in all`, or `… · failed: the disk is full`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlmagic.runtime.ending import Ending
from mlmagic.spec.codec import DecodeError, loads
from mlmagic.spec.job import JobState
from mlmagic.spec.monitoring_alert import MonitorStatus

if TYPE_CHECKING:
    from mlmagic.workspace.layout import JobFolder

_TIME = "%Y-%m-%d %H:%M:%S"
_LOOK = re.compile(
    r"^Look ([\d,]{1,14}) · (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC · "
    r"(?:[\d,]{1,24} rows? · ([\d,]{1,14}) alerts? now, ([\d,]{1,14}) in all|failed: (.*))$",
    re.MULTILINE,
)


def look_line(status: MonitorStatus, rows: int) -> str:
    """Return the line of the newest look."""
    assert status.last_look is not None  # noqa: S101 - each look has a time
    head = f"Look {status.looks:,} · {status.last_look.astimezone(UTC):{_TIME}} UTC"
    if status.problem is not None:
        return f"{head} · failed: {status.problem}"
    alerts = f"{status.alerts:,} alert{'s' * (status.alerts != 1)} now, {status.alerts_told:,} in all"
    return f"{head} · {rows:,} row{'s' * (rows != 1)} · {alerts}"


class MonitorFollower:
    """Follows a log in pieces."""

    def __init__(self) -> None:
        self._status: MonitorStatus | None = None
        self._rest = ""

    def feed(self, text: str) -> MonitorStatus | None:
        """Take in the next piece of the log, and return how far the job is; None while nothing tells."""
        whole, newline, self._rest = (self._rest + text).rpartition("\n")
        for match in _LOOK.finditer(whole + newline):
            self._status = _read(match, self._status)
        return self._status


def read_monitor(log_text: str) -> MonitorStatus | None:
    """Return how far a job is, given the end of its log; None where that does not tell."""
    return MonitorFollower().feed(log_text)


def read_monitored(folder: JobFolder) -> Ending:
    """Return how a job ends that came to its end by itself, as when the endpoint is deleted."""
    status = read_status(folder)
    return Ending(state=JobState.SUCCEEDED, exit_code=0, message=None if status is None else status.ended)


def read_status(folder: JobFolder) -> MonitorStatus | None:
    """Return what a job has written down of itself; None where it has not, or that is torn."""
    try:
        return loads(MonitorStatus, folder.monitor_status.read_bytes())
    except (OSError, DecodeError):
        return None


def _read(match: re.Match[str], known: MonitorStatus | None) -> MonitorStatus:
    number, time, alerts, told, problem = match.groups()
    looked = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
    known = replace(known or MonitorStatus(), looks=_number(number), last_look=looked, problem=problem)
    return known if problem is not None else replace(known, alerts=_number(alerts), alerts_told=_number(told))


def _number(text: str) -> int:
    return int(text.replace(",", ""))
