"""Skew and drift of what an endpoint was asked, or of rows of files; and how well it was answered."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.arguments import ArgumentCheck
from mlmagic.api.monitor_arguments import Thresholds, read_wanted
from mlmagic.api.monitor_dataflow import with_runner
from mlmagic.api.monitor_endpoint import deployed_versions, monitor_endpoint
from mlmagic.api.monitor_given import monitor_files
from mlmagic.api.monitor_job import read_repeating, start_monitoring
from mlmagic.api.monitor_job_webhook import check_no_address
from mlmagic.api.monitor_views import Monitoring
from mlmagic.errors import NotFoundError

if TYPE_CHECKING:
    from mlmagic.api.job import Job
    from mlmagic.session import Session

__all__ = ["Monitoring", "monitor"]


@overload
def monitor(
    endpoint: str | None = ...,
    *,
    model: str | None = ...,
    input: Any = ...,
    statistics: str | os.PathLike[str] | None = ...,
    against: str = ...,
    last: float | str | None = ...,
    rows: int | None = ...,
    threshold: Thresholds = ...,
    by: str | None = ...,
    truth: Any = ...,
    key: str | None = ...,
    target: str | None = ...,
    output: str | None = ...,
    runner: str | None = ...,
    workers: int | None = ...,
    yes: bool = ...,
    every: None = ...,
    invocation: str | None = ...,
    session: Session | None = ...,
) -> Monitoring: ...


@overload
def monitor(
    endpoint: str | None = ...,
    *,
    model: str | None = ...,
    input: Any = ...,
    statistics: str | os.PathLike[str] | None = ...,
    against: str = ...,
    last: float | str | None = ...,
    rows: int | None = ...,
    threshold: Thresholds = ...,
    by: str | None = ...,
    truth: Any = ...,
    key: str | None = ...,
    target: str | None = ...,
    output: str | None = ...,
    runner: str | None = ...,
    workers: int | None = ...,
    yes: bool = ...,
    every: float | str,
    webhook: str | None = ...,
    name: str | None = ...,
    invocation: str | None = ...,
    session: Session | None = ...,
) -> Job: ...


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
    output: str | None = None,
    runner: str | None = None,
    workers: int | None = None,
    yes: bool = False,
    every: float | str | None = None,
    webhook: str | None = None,
    name: str | None = None,
    invocation: str | None = None,
    session: Session | None = None,
) -> Monitoring | Job:
    """Compare what an endpoint was asked, or rows of files, with training or with earlier requests.

    Args:
        endpoint: an endpoint of this machine that logs its requests.
        model: in its place, with `input`: the model that the rows of files are for: `M`, `M@3` or `M@alias`.
        input: files and patterns of CSV, JSON lines or Parquet; or DataFrames.
        statistics: a file such as a dataset's `statistics.json`, in place of what the version keeps of its training.
        against: `"training"`: skew; or `"window"`, drift: the requests just as long before.
        last: how far back from the newest request: `"1h"`, `"2d"`, seconds; by default a day, with `every` what came
            since the look before.
        rows: in place of that, the newest requests that have so many rows together.
        threshold: the distance that is an alert: of all features, or `{"fare": 0.2}`. By default 0.3.
        by: a column; the rows of each of its values are compared by themselves, too.
        truth: files or a DataFrame with what came true.
        key: the column by which truth is joined with the requests, which must have sent it.
        target: the column of truth that holds what was so.
        output: of a model with several outputs, the one that tells the target.
        runner: with `input`, `"direct"`: a pipeline of Beam counts the files, on all processors of this machine; or
            `"dataflow"`, on Google Cloud, as a job that is waited for: the default where work runs there and all files
            are in buckets.
        workers: how many machines that takes at most; by default Dataflow decides.
        yes: start that job although it costs money.
        every: `"5m"`, seconds: start a job that looks so often, and return that; it goes on until it is cancelled.
        webhook: with `every`: an https address, or one of this machine, to which each alert is sent once as JSON.
        name: of the job; by default the endpoint's or the model's with `-monitoring`.
        invocation: the line that was typed.
        session: another than this process's.

    Raises:
        UsageError: arguments that do not fit, all of them; nothing was logged; nothing to compare with.
        ConflictError: with `every`: a job does the same already.
        WaitTimeout: with `runner="dataflow"`: the wait was interrupted; the job goes on.
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
        "output": output,
        "runner": runner,
        "workers": workers,
        "yes": yes,
    }
    own = {"every": every, "webhook": webhook, "name": name, "invocation": invocation, "runner": runner}
    check_no_address({**given, "name": name, "every": every})
    check = ArgumentCheck()
    repeating = read_repeating(own, check)
    wanted = read_wanted(session.location.inputs, given, check)
    if repeating.every is not None:
        return start_monitoring(session, wanted, given, repeating)
    if wanted.endpoint is None:
        return monitor_files(session, with_runner(session, wanted), repeating.invocation)
    return _noted(session, wanted.endpoint, monitor_endpoint(session, wanted, wanted.endpoint))


def _noted(session: Session, endpoint: str, found: Monitoring) -> Monitoring:
    """Write down what was found, for the endpoint's page; where that fails, what was found says so."""
    from mlmagic.workspace.monitors import MonitorFolder, is_over, record_look

    folder = MonitorFolder(session.location.endpoint(endpoint).monitoring)
    try:
        record_look(
            folder,
            found,
            now=datetime.now(UTC),
            endpoint=endpoint,
            deployed=deployed_versions(session.endpoints.get(endpoint).spec),
            is_over=partial(is_over, session.jobs.get),
        )
    except (OSError, NotFoundError) as error:
        why = error.strerror or error if isinstance(error, OSError) else error.message.rstrip(".")
        told = f"This could not be written down for the endpoint's page: {why}."
        return replace(found, notes=(*found.notes, told))
    return found
