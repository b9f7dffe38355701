"""What monitoring found of an endpoint, over REST and in the stream."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import monitored
from support.kept_endpoints import until
from support.rest import Ask

from mlmagic.api.monitor import monitor
from mlmagic.server.live_views import views_of
from mlmagic.server.watcher_changes import Changes
from mlmagic.server.watcher_messages import Message
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.job import JobKind, JobSpec, JobState, PackageReference
from mlmagic.spec.panel_rows import EndpointRow, MonitoringPage
from mlmagic.spec.request_log import RequestLogging
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.monitors import MonitorFolder, read_report, record_look

HOSTILE = "<script>window.wasRun=1</script>"


@pytest.fixture
def rides(session: Session, tmp_path: Path) -> Session:
    """An endpoint whose requests come from a zone that nobody has seen, with a name that is markup."""
    monitored.register(session, tmp_path)
    folder = monitored.endpoint(session, 1, log=RequestLogging(sampling_rate=1.0))
    monitored.log(folder, monitored.rides(1000, seed=1, zones=("north", HOSTILE)))
    return session


async def test_an_endpoint_at_which_nobody_has_looked_has_no_report(ask: Ask, rides: Session) -> None:
    page = decode(MonitoringPage, (await ask("endpoints/rides/monitoring")).json)
    assert (page.html, page.charts, page.alerts, page.jobs, page.is_logged) == ("", (), (), (), True)
    assert (await ask("endpoints/rides/alerts")).json == {"alerts": []}
    assert (await ask("endpoints/ride/monitoring")).problem["hint"] == "Did you mean rides?"


async def test_report_charts_and_alerts_are_shown_and_escaped(ask: Ask, rides: Session) -> None:
    monitor("rides", session=rides)
    page = decode(MonitoringPage, (await ask("endpoints/rides/monitoring")).json)
    assert "&lt;script&gt;" in page.html
    assert "<script" not in page.html + "".join(chart.html for chart in page.charts)
    assert page.charts[0].name == "zone"
    assert [(alert.feature, alert.end_time) for alert in page.alerts] == [("zone", None)]
    (row,) = [decode(EndpointRow, row) for row in (await ask("endpoints")).json["endpoints"]]
    assert row.alerts == len((await ask("endpoints/rides/alerts")).json["alerts"]) == 1


async def test_an_alert_that_has_ended_stays_on_the_page_alone(ask: Ask, rides: Session) -> None:
    monitor("rides", session=rides)
    folder = MonitorFolder(rides.workspace.endpoint("rides").monitoring)
    report = read_report(folder)
    assert report is not None
    record_look(folder, replace(report, windows=()), now=datetime.now(UTC), endpoint="rides")
    page = decode(MonitoringPage, (await ask("endpoints/rides/monitoring")).json)
    assert [alert.end_time is None for alert in page.alerts] == [False]
    assert (await ask("endpoints/rides/alerts")).json == {"alerts": []}


async def test_alerts_of_a_job_that_could_not_end_them_end(ask: Ask, rides: Session) -> None:
    monitor("rides", session=rides)
    folder = MonitorFolder(rides.workspace.endpoint("rides").monitoring)
    report, store, now = read_report(folder), JobStore(Database(rides.workspace)), datetime.now(UTC)
    assert report is not None
    spec = JobSpec(display_name="rides", kind=JobKind.MONITORING, backend="x", package=PackageReference(digest="0"))
    job = store.create(spec, package_files={"trainer/task.py": b""}, now=now).id
    record_look(folder, report, now=now, endpoint="rides", job=job)
    assert [alert["job"] for alert in (await ask("endpoints/rides/alerts")).json["alerts"]] == [job]
    store.advance(job, expect={JobState.QUEUED}, to=JobState.FAILED, now=now, end_time=now)
    assert [decode(EndpointRow, row).alerts for row in (await ask("endpoints")).json["endpoints"]] == [0]
    page = decode(MonitoringPage, (await ask("endpoints/rides/monitoring")).json)
    assert [(alert.job, alert.end_time is None) for alert in page.alerts] == [(job, False)]


async def test_alerts_of_files_are_told_while_their_job_goes_on(ask: Ask, rides: Session) -> None:
    monitor("rides", session=rides)
    report = read_report(MonitorFolder(rides.workspace.endpoint("rides").monitoring))
    assert report is not None
    store, now = JobStore(Database(rides.workspace)), datetime.now(UTC)
    spec = JobSpec(display_name="days", kind=JobKind.MONITORING, backend="google", package=PackageReference(digest="0"))
    job = store.create(spec, package_files={"trainer/task.py": b""}, now=now).id
    assert (await ask("alerts")).json == {"alerts": []}
    record_look(MonitorFolder(rides.workspace.job(job).monitoring), report, now=now, job=job)
    told = (await ask("alerts")).json["alerts"]
    assert [(alert["job"], alert["feature"]) for alert in told] == [(job, "zone")]
    store.advance(job, expect={JobState.QUEUED}, to=JobState.CANCELLED, now=now, end_time=now)
    assert (await ask("alerts")).json == {"alerts": []}


def test_the_stream_tells_that_somebody_looked(rides: Session) -> None:
    views = views_of(rides)
    changes = Changes(Database(rides.workspace), views.rows, endpoints=rides.endpoints.list)
    changes.begin()
    changes.look()
    monitor("rides", session=rides)
    told: list[Message] = []
    until(lambda: told.extend(changes.look()) or told)
    changes.close()
    assert [json.loads(message.data) for message in told] == [{"name": "rides", "kind": "monitoring"}]
