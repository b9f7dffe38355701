"""Skew and drift of what an endpoint was asked, or of rows of files; and how well it was answered."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlmagic.api.monitor_arguments import Thresholds, read_wanted
from mlmagic.api.monitor_endpoint import monitor_endpoint
from mlmagic.api.monitor_given import monitor_files
from mlmagic.api.monitor_views import Monitoring

if TYPE_CHECKING:
    from mlmagic.session import Session

__all__ = ["Monitoring", "monitor"]


def monitor(
    endpoint: str | None = None,
    *,
    model: str | None = None,
    input: Any = None,  # noqa: A002 - the flag's name, which is the word for it
    statistics: str | os.PathLike[str] | None = None,
    against: str = "training",
    last: float | str | None = None,
    rows: int | None = None,
    threshold: Thresholds = None,
    by: str | None = None,
    truth: Any = None,
    key: str | None = None,
    target: str | None = None,
    session: Session | None = None,
) -> Monitoring:
    """Compare what an endpoint was asked, or rows of files, with training or with earlier requests.

    Args:
        endpoint: an endpoint of this machine that logs its requests.
        model: in its place, with `input`: the model that the rows of files are for: `M`, `M@3` or `M@alias`.
        input: files and patterns of CSV, JSON lines or Parquet; or DataFrames.
        statistics: a file such as a dataset's `statistics.json`, in place of what the version keeps of its training.
        against: `"training"`: skew; or `"window"`, drift: the requests just as long before.
        last: how far back from the newest request: `"1h"`, `"2d"`, seconds; a day by default.
        rows: in place of that, the newest requests that have so many rows together.
        threshold: the distance that is an alert: of all features, or `{"fare": 0.2}`. By default 0.3.
        by: a column; the rows of each of its values are compared by themselves, too.
        truth: files or a DataFrame with what came true.
        key: the column by which truth is joined with the requests, which must have sent it.
        target: the column of truth that holds what was so.
        session: another than this process's.

    Raises:
        UsageError: arguments that do not fit, all of them; nothing was logged; nothing to compare with.
        NotFoundError: no such endpoint, model or version.
    """
    from mlmagic.session import current_session

    session = session or current_session()
    given = {
        "endpoint": endpoint,
        "model": model,
        "input": input,
        "statistics": statistics,
        "against": against,
        "last": last,
        "rows": rows,
        "threshold": threshold,
        "by": by,
        "truth": truth,
        "key": key,
        "target": target,
    }
    wanted = read_wanted(session.location.inputs, given)
    if wanted.endpoint is None:
        return monitor_files(session, wanted)
    return _noted(session, wanted.endpoint, monitor_endpoint(session, wanted, wanted.endpoint))


def _noted(session: Session, endpoint: str, found: Monitoring) -> Monitoring:
    """Write down what was found, for the endpoint's page; where that fails, what was found says so."""
    from mlmagic.workspace.monitors import MonitorFolder, record_look

    folder = MonitorFolder(session.location.endpoint(endpoint).monitoring)
    try:
        record_look(folder, found, now=datetime.now(UTC), endpoint=endpoint)
    except OSError as error:
        told = f"This could not be written down for the endpoint's page: {error.strerror or error}."
        return replace(found, notes=(*found.notes, told))
    return found
