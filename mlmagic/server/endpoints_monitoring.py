"""What monitoring found over REST: of an endpoint the newest report, its charts, the alerts; of files the alerts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from mlmagic.api.endpoints import endpoint
from mlmagic.api.monitor_watchers import monitoring_jobs, watchers
from mlmagic.panels import drift_bundle, drift_pictures
from mlmagic.server.handler import Handler, Route, described
from mlmagic.session import Session
from mlmagic.spec.monitoring_alert import Alert
from mlmagic.spec.panel_rows import FeatureChart, MonitoringPage
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.monitors import (
    MonitorFolder,
    end_alerts,
    is_over,
    lasting_alerts,
    read_alerts,
    read_report,
)

_MOST_ALERTS = 50


class MonitoringHandler(Handler):
    """What monitoring found of an endpoint."""

    @described(MonitoringPage)
    async def get(self, name: str) -> None:
        """Show the newest report of an endpoint, its charts, and its alerts."""
        await self.respond(monitoring_page, self.session, name)


class AlertsHandler(Handler):
    """The alerts of an endpoint."""

    @described({"alerts": [Alert]})
    async def get(self, name: str) -> None:
        """List the alerts that last."""
        await self.respond(lambda: {"alerts": alerts_of(self.session, name)})


class FileAlertsHandler(Handler):
    """The alerts of jobs that look at files."""

    while_empty: ClassVar[Mapping[str, object]] = {"alerts": []}

    @described({"alerts": [Alert]})
    async def get(self) -> None:
        """List the alerts that last of the jobs that look at files again and again; those of endpoints are theirs."""
        await self.respond(lambda: {"alerts": alerts_of_files(self.session)})


def monitoring_page(session: Session, name: str) -> MonitoringPage:
    """Return what monitoring found of an endpoint; of alerts those that last, and the newest of the others.

    Raises:
        NotFoundError: there is no such endpoint.
    """
    logging = endpoint(name, session=session).record.spec.log
    folder = _settled(session, name)
    report = read_report(folder)
    lasting = lasting_alerts(folder)[::-1]
    ended = [alert for alert in read_alerts(folder)[::-1] if alert.end_time is not None]
    return MonitoringPage(
        html="" if report is None else drift_bundle(report)["text/html"],
        charts=() if report is None else tuple(FeatureChart(name=of, html=svg) for of, svg in drift_pictures(report)),
        alerts=(*lasting, *ended)[: max(_MOST_ALERTS, len(lasting))],
        jobs=watchers(session, name),
        is_logged=logging is not None,
    )


def alerts_of(session: Session, name: str) -> tuple[Alert, ...]:
    """Return the alerts of an endpoint that last.

    Raises:
        NotFoundError: there is no such endpoint.
    """
    session.endpoints.get(name)
    return lasting_alerts(_settled(session, name))


def alerts_of_files(session: Session) -> tuple[Alert, ...]:
    """Return the alerts that last of the jobs that look at files and go on; each names its job."""
    folders = [session.workspace.job(job_id).monitoring for job_id in monitoring_jobs(session)]
    return tuple(alert for folder in folders for alert in _lasting(folder, stamp(MonitorFolder(folder).alerts)))


def open_alerts(session: Session, name: str) -> int:
    """Return how many alerts of an endpoint last now."""
    path = _settled(session, name).alerts
    return len(_lasting(path.parent, stamp(path)))


def monitor_folder(workspace: Workspace, name: str) -> MonitorFolder:
    """Return where monitoring keeps what it finds of an endpoint."""
    return MonitorFolder(workspace.endpoint(name).monitoring)


def _settled(session: Session, name: str) -> MonitorFolder:
    """Return the folder, after the alerts of jobs that look no more have ended: one that was killed could not do it."""
    folder = monitor_folder(session.workspace, name)
    jobs = {alert.job for alert in _lasting(folder.root, stamp(folder.alerts)) if alert.job is not None}
    for job in jobs:
        if is_over(JobStore(Database(session.workspace)).get, job):
            # Where nothing can be written now, the next one who asks does it.
            with suppress(OSError):
                end_alerts(folder, job=job, now=datetime.now(UTC))
    return folder


def stamp(path: Path) -> tuple[int, int, int]:
    """Return what tells a file from what it was before; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=128)
def _lasting(folder: Path, stamped: tuple[int, int, int]) -> tuple[Alert, ...]:
    """Return the alerts that last in a file that was not written since: lists are asked for every few seconds."""
    return lasting_alerts(MonitorFolder(folder)) if any(stamped) else ()


ROUTES = (
    Route("endpoints/{name}/monitoring", MonitoringHandler),
    Route("endpoints/{name}/alerts", AlertsHandler),
    Route("alerts", FileAlertsHandler),
)
