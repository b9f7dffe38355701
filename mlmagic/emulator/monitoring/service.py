"""MetricService, as far as the use of machines by jobs is read by it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.engine import Engine
from mlmagic.emulator.errors import ApiError, invalid
from mlmagic.emulator.filtering import parse_filter
from mlmagic.emulator.jobs.runs import runs
from mlmagic.emulator.jobs.states import rfc3339
from mlmagic.emulator.monitoring.series import METRICS, Interval, series_of

_METRIC = re.compile(r'metric\.type\s*=\s*"([^"]+)"')
_JOB = re.compile(r'^[^()]*\bresource\.labels?\.job_id\s*=\s*"(\d+)"')


class MonitoringService:
    """Reads what replicas take of their machines."""

    def __init__(self, core: Core, engine: Engine) -> None:
        self._core = core
        self._engine = engine

    def list_time_series(self, call: Call) -> dict[str, Any]:
        """Return the time series of one metric; of a metric that nothing has, none."""
        request = call.request
        text = request.get("filter", "")
        metric = _metric(text)
        interval = _interval(request.get("interval", {}))
        if set(request.get("aggregation", {})) - {"alignment_period"} or "secondary_aggregation" in request:
            raise ApiError(status="UNIMPLEMENTED", message="mlmagic's emulator does not aggregate time series.")
        if metric not in METRICS:
            return {}
        lets_through = parse_filter(text)
        job = _JOB.search(text)
        # Only terms that all must hold narrow the search; the filter itself is asked in any case.
        job_id = None if job is None or re.search(r"\b(OR|NOT)\b", text) else job[1]
        found = [
            series
            for run in runs(self._core, self._engine, job_id)
            for series in series_of(run, self._engine.usage(run.record), metric, self._core.project, interval)
            if lets_through(series)
        ]
        if request.get("view") == "HEADERS":
            found = [{key: value for key, value in series.items() if key != "points"} for series in found]
        return {"time_series": found}


def _metric(text: str) -> str:
    found = set(_METRIC.findall(text))
    if len(found) != 1:
        raise invalid("filter", 'The filter must specify a single metric type: metric.type = "…".')
    return str(found.pop())


def _interval(interval: dict[str, Any]) -> Interval:
    if "end_time" not in interval:
        raise invalid("interval.end_time", "The end time of the interval is required.")
    end = _moment(interval["end_time"])
    start = _moment(interval["start_time"]) if "start_time" in interval else end
    if start > end:
        raise invalid("interval.start_time", "The start time must not be later than the end time.")
    return Interval(start=start, end=end)


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return rfc3339(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
