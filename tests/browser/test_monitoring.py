"""Monitoring on the page of an endpoint, in the list, and as a notification; whatever it found is text."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from support import monitored
from support.browser_tab import violations

from mlmagic.api.monitor import monitor
from mlmagic.errors import NotFoundError
from mlmagic.spec.codec import dumps
from mlmagic.spec.job import JobError, JobKind, JobSpec, JobState, PackageReference
from mlmagic.spec.monitoring_alert import MonitorStatus
from mlmagic.spec.request_log import RequestLogging
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.monitors import MonitorFolder, read_report, record_look

HOSTILE = "<img src=x onerror=window.wasRun=1>"


@pytest.fixture
def rides(workspace, tmp_path):
    """The folder of the log of an endpoint at which nobody has looked."""
    session = workspace.session
    monitored.register(session, tmp_path)
    yield monitored.endpoint(session, 1, log=RequestLogging(sampling_rate=1.0))
    with suppress(NotFoundError):
        session.endpoints.delete(monitored.NAME)


def assert_status_leads_to_endpoints(tab):
    tab.part("tab-data").click()
    alerts = tab.part("status-alerts")
    expect(alerts).to_have_text("✗ 2 alerts")
    alerts.press("Enter")
    expect(tab.part("tab-endpoints")).to_have_attribute("aria-selected", "true")


def test_what_monitoring_finds_comes_to_page_list_and_notifications(tab, workspace, rides):
    tab.open()
    tab.command("mlmagic:show-noun", noun="endpoint", key=monitored.NAME)
    part = tab.part("monitoring", tab.part("endpoint-page"))
    expect(tab.part("monitoring-empty", part)).to_contain_text(f"%monitor {monitored.NAME} --every 5m")
    expect(tab.part("status-alerts")).to_have_count(0)

    monitored.log(rides, monitored.rides(1000, seed=1, factor=1.609344, zones=("north", HOSTILE)))
    monitor(monitored.NAME, session=workspace.session)
    expect(tab.part("alert", part)).to_have_count(2)
    expect(tab.part("alert", part).first).to_contain_text("lasts")
    expect(part).to_contain_text(HOSTILE)
    expect(tab.page.locator(".Toastify")).to_contain_text(f"{monitored.NAME}: taxi@1: ")

    chart = tab.part("feature-chart", part)
    tab.part("feature-choice", chart).select_option("miles")
    expect(chart.locator("svg")).to_contain_text("miles")
    tab.command("mlmagic:open-panel")
    tab.page.get_by_role("tab", name="Endpoints", exact=True).click()
    expect(tab.part("alerts-mark", tab.part("endpoint-row"))).to_have_text("✗ 2 alerts")
    assert_status_leads_to_endpoints(tab)
    assert tab.page.evaluate("() => window.wasRun ?? null") is None
    assert violations(tab.page, "[data-mlm=monitoring]") == []


@pytest.fixture
def watching(workspace, name):
    """A job that looks at files, on a backend that the server knows nothing of."""
    store, now = JobStore(Database(workspace.session.workspace)), datetime.now(UTC)
    spec = JobSpec(display_name=name, kind=JobKind.MONITORING, backend="google", package=PackageReference(digest="0"))
    job = store.create(spec, package_files={"trainer/task.py": b""}, now=now).id
    store.advance(job, expect={JobState.QUEUED}, to=JobState.RUNNING, now=now, start_time=now)
    yield job
    ended = JobError(message="the test is over")
    store.advance(job, expect=set(JobState), to=JobState.FAILED, now=now, end_time=now, error=ended)


def test_alerts_of_files_lead_to_the_page_of_their_job(tab, workspace, rides, watching):
    session = workspace.session
    monitored.log(rides, monitored.rides(1000, seed=1, factor=1.609344, zones=("north", HOSTILE)))
    monitor(monitored.NAME, session=session)
    report = read_report(MonitorFolder(session.workspace.endpoint(monitored.NAME).monitoring))
    session.endpoints.delete(monitored.NAME)
    tab.open()
    expect(tab.part("status")).to_be_visible()
    folder, now = session.workspace.job(watching), datetime.now(UTC)
    record_look(MonitorFolder(folder.monitoring), report, now=now, job=watching)
    folder.monitor_status.write_text(dumps(MonitorStatus(looks=1, last_look=now, alerts=2, alerts_told=2)))
    expect(tab.part("status-alerts")).to_have_text("✗ 2 alerts")
    expect(tab.page.locator(".Toastify")).to_contain_text(f"{watching}: taxi@1: ")
    tab.part("status-alerts").click()
    expect(tab.part("job-page")).to_contain_text(watching)
