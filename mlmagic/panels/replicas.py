"""The processes of a job that has several: who runs, who ended, who died and was started again."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.markup import Html, element
from mlmagic.panels.text import WIDTH, table
from mlmagic.panels.times import coarse_duration, duration
from mlmagic.spec.job import JobRecord, JobState, Replica

# More than these are a wall: then only those are on view that something befell.
_MOST_SHOWN = 6
# As a shell tells a program that SIGTERM ended.
_TERMINATED = frozenset({-signal.SIGTERM, 128 + signal.SIGTERM})
_DIED = "✗"


def replicas_html(record: JobRecord, replicas: Sequence[Replica], now: datetime) -> Html | None:
    """Return the replicas as a table, open where there is something to see."""
    if len(replicas) < 2:
        return None
    remarkable = [replica for replica in replicas if _is_remarkable(record, replica)]
    whole = theme.folded(
        f"Replicas: {_told(record, replicas)}",
        _table_html(record, replicas, now),
        is_open=len(replicas) <= _MOST_SHOWN and (bool(remarkable) or not record.state.is_final),
    )
    if not remarkable or len(replicas) <= _MOST_SHOWN:
        return whole
    return element("div", whole, _table_html(record, remarkable[:_MOST_SHOWN], now))


def replicas_text(record: JobRecord, replicas: Sequence[Replica], now: datetime) -> list[str]:
    """Return the same for a terminal."""
    if len(replicas) < 2:
        return []
    remarkable = [replica for replica in replicas if _is_remarkable(record, replica)]
    shown = replicas if len(replicas) <= _MOST_SHOWN else remarkable[:_MOST_SHOWN]
    header, rows = _cells(record, shown, now)
    listed = table([name.upper() for name in header], rows, flexible=1, width=WIDTH - 2).split("\n") if rows else []
    return [f"Replicas: {_told(record, replicas)}", *(f"  {line}" for line in listed)]


def _told(record: JobRecord, replicas: Sequence[Replica]) -> str:
    counts = Counter(_state(record, replica)[1] for replica in replicas)
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _table_html(record: JobRecord, replicas: Sequence[Replica], now: datetime) -> Html:
    header, rows = _cells(record, replicas, now)
    colours = [_state(record, replica)[2] for replica in replicas]
    cells = [
        [theme.mono(name), element("span", state, style=f"color:{theme.toned(colour)}" if colour else None), *rest]
        for (name, state, *rest), colour in zip(rows, colours, strict=True)
    ]
    return theme.table(header, cells)


def _cells(record: JobRecord, replicas: Sequence[Replica], now: datetime) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows; that none was started again needs no column."""
    rows = [_row(record, replica, now) for replica in replicas]
    header = ["Replica", "State", "Took", "Started again"]
    if any(replica.restarts for replica in replicas):
        return header, rows
    return header[:-1], [row[:-1] for row in rows]


def _row(record: JobRecord, replica: Replica, now: datetime) -> list[str]:
    sign, word, _ = _state(record, replica)
    seconds = ((replica.end_time or record.end_time or now) - replica.start_time).total_seconds()
    took = coarse_duration(seconds) if _runs(record, replica) else duration(seconds)
    again = "" if not replica.restarts else "once" if replica.restarts == 1 else f"{replica.restarts} times"
    return [replica.name, f"{sign} {word}", took, again]


def _is_remarkable(record: JobRecord, replica: Replica) -> bool:
    return replica.restarts > 0 or _state(record, replica)[0] == _DIED


def _runs(record: JobRecord, replica: Replica) -> bool:
    return replica.end_time is None and not record.state.is_final


def _state(record: JobRecord, replica: Replica) -> tuple[str, str, str | None]:
    """Return the sign, the words and the colour of what became of a replica."""
    code = replica.exit_code
    if _runs(record, replica):
        return theme.icon(JobState.RUNNING), "running", theme.BLUE
    if code == 0:
        return theme.icon(JobState.SUCCEEDED), "ended", theme.GREEN
    if code is None and not replica.pid:
        # In Google Cloud; of its end nothing is told but the job's.
        return "■", "ended with its job", None
    if code is None:
        return "?", "gone", theme.PURPLE
    # Parameter servers have no end of their own, and a cancelled job ends them all.
    is_meant = code in _TERMINATED and record.state is not JobState.FAILED
    word = f"ended by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    return ("■", word, None) if is_meant else (_DIED, word, theme.RED)


def signal_name(number: int) -> str:
    """Return `SIGKILL` for 9."""
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
