"""Windows of a request log: the newest requests, and those before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Both ends belong to it; microseconds since 1970."""

    first: int
    last: int

    @property
    def ends(self) -> tuple[datetime, datetime]:
        """From when to when."""
        return _EPOCH + timedelta(microseconds=self.first), _EPOCH + timedelta(microseconds=self.last)


def newest_periods(
    root: Path, *, seconds: float, rows: int | None, since: datetime | None = None
) -> tuple[Period, Period] | None:
    """Return the newest window of a log, and the one before it; None where nothing is logged.

    Args:
        root: the log's folder.
        seconds: how long each is, back from the newest request.
        rows: how many rows the newest has at least, and then what is before has as many requests.
        since: what came until then is in no newest window of so many seconds, which is the shorter for it.
    """
    times = _times(root)
    if not len(times):
        return None
    newest = int(times[-1])
    if rows is None:
        length = max(1, round(seconds * 1e6))
        if since is not None:
            length = min(length, newest - (since - _EPOCH) // timedelta(microseconds=1))
        return Period(first=newest - length + 1, last=newest), Period(
            first=newest - 2 * length + 1, last=newest - length
        )
    count = _requests_of(root, times, rows)
    first = int(times[-count])
    return Period(first=first, last=newest), Period(first=int(times[-2 * count :][0]), last=first - 1)


def newest_request(root: Path) -> datetime | None:
    """Return when the newest request of a log was answered; None where nothing is logged."""
    times = _times(root)
    return _EPOCH + timedelta(microseconds=int(times[-1])) if len(times) else None


def tables_in(root: Path, period: Period, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Yield what was logged in a period, part by part; `columns` are all that is read, and has the time."""
    from mlmagic.serving.request_log.reading import Choice, read_parts

    for part in read_parts(root, Choice(columns=columns, between=period.ends)):
        times = _microseconds(part.table)
        is_inside = (times >= period.first) & (times <= period.last)
        if is_inside.all():
            yield part.table
        elif is_inside.any():
            yield part.table.filter(_mask(is_inside))


def _times(root: Path) -> np.ndarray[Any, Any]:
    """Return when each request was answered, in order."""
    import numpy as np

    from mlmagic.serving.request_log.reading import Choice, read_parts

    found = [_microseconds(part.table) for part in read_parts(root, Choice(columns=["logging_time"]))]
    return np.sort(np.concatenate(found)) if found else np.zeros(0, np.int64)


def _requests_of(root: Path, times: np.ndarray[Any, Any], rows: int) -> int:
    """Return how many of the newest requests have so many rows together: each has one at least."""
    import numpy as np

    from mlmagic.serving.request_log.instances import instances_of

    newest = Period(first=int(times[-min(rows, len(times))]), last=int(times[-1]))
    asked, counts = [], []
    for table in tables_in(root, newest, ["logging_time", "request_payload", "response_payload"]):
        count = np.zeros(table.num_rows, np.int64)
        for found in instances_of(table, only_input="value"):
            count += np.bincount(found.requests, minlength=table.num_rows)
        asked.append(_microseconds(table))
        counts.append(np.maximum(count, 1))
    order = np.argsort(-np.concatenate(asked), kind="stable")
    total = np.cumsum(np.concatenate(counts)[order])
    return min(len(total), int(np.searchsorted(total, rows)) + 1)


def _microseconds(table: pa.Table) -> np.ndarray[Any, Any]:
    import pyarrow as pa

    times: np.ndarray[Any, Any] = table.column("logging_time").cast(pa.int64()).to_numpy()
    return times


def _mask(chosen: np.ndarray[Any, Any]) -> Any:
    import pyarrow as pa

    return pa.array(chosen)
