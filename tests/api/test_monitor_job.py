"""Monitoring that goes on by itself: what is submitted, and what is refused."""

from __future__ import annotations

import threading

import pytest
from support.monitored import endpoint, register

from mlmagic.api import monitor_job_program
from mlmagic.api.monitor import monitor
from mlmagic.api.monitor_arguments import read_wanted
from mlmagic.api.monitor_job_words import parse_words
from mlmagic.errors import ConflictError, NotFoundError, UsageError
from mlmagic.spec.job import JobKind
from mlmagic.spec.request_log import RequestLogging
from mlmagic.workspace.monitors import MonitorFolder

SECRET = "https://hooks.example.com/services/secret"


@pytest.fixture
def served(session, tmp_path, monkeypatch):
    """A session with an endpoint that logs, whose jobs do nothing until the test is over."""
    over = threading.Event()

    def wait():
        while not over.wait(0.01):
            pass

    monkeypatch.setattr(monitor_job_program, "main", wait)
    register(session, tmp_path)
    endpoint(session, 1, log=RequestLogging(sampling_rate=1.0))
    yield session
    over.set()


def test_a_job_of_its_own_kind(served):
    job = monitor("rides", every="5m", threshold={"miles": 0.2, None: 0.25}, last="1h", session=served)
    spec = served.jobs.get(job.id).spec
    assert (spec.kind, spec.display_name, spec.package.module) == (
        JobKind.MONITORING,
        "rides-monitoring",
        "monitor.task",
    )
    assert spec.package.cold_reason == "monitoring needs no TensorFlow"
    words = parse_words(spec.args)
    assert (words.every, words.has_webhook, words.workspace) == (300, False, str(served.location.root))
    wanted = read_wanted(served.location.inputs, words.given)
    assert (wanted.endpoint, wanted.seconds, wanted.rows) == ("rides", 3600, None)
    assert wanted.spec.feature_alert_conditions["miles"].threshold == 0.2
    assert wanted.spec.default_numeric_alert_condition.threshold == 0.25


def test_words_of_files_are_read_as_they_were(served, tmp_path):
    paths = [tmp_path / "-odd name=1.csv", tmp_path / "b.csv"]
    for path in paths:
        path.write_text("miles,zone\n1,north\n")
    job = monitor(model="taxi@1", input=list(map(str, paths)), every=3600, threshold="0.2", name="days", session=served)
    words = parse_words(served.jobs.get(job.id).spec.args)
    wanted = read_wanted(served.location.inputs, words.given)
    assert wanted.inputs.words == tuple(map(str, paths))
    assert (wanted.spec.default_numeric_alert_condition.threshold, str(wanted.model)) == (0.2, "taxi@1")


def test_the_address_stands_in_one_file_alone(served):
    typed = f"%monitor rides --every 5m --webhook {SECRET}"
    job = monitor("rides", every="5m", webhook=SECRET, invocation=typed, session=served)
    spec = served.jobs.get(job.id).spec
    assert spec.invocation == "%monitor rides --every 5m --webhook https://hooks.example.com/…"
    assert parse_words(spec.args).has_webhook
    assert "secret" not in str(spec)
    path = served.workspace.job(job.id).webhook
    assert (path.read_text(), path.stat().st_mode & 0o777) == (SECRET, 0o600)


def test_two_that_do_the_same_are_one_too_many(served):
    first = monitor("rides", every="5m", session=served)
    with pytest.raises(ConflictError, match=f"{first.id} monitors rides already, with the same options"):
        monitor("rides", every="300s", webhook=SECRET, session=served)
    assert monitor("rides", every="10m", session=served).id != first.id
    with pytest.raises(ConflictError, match=f"{first.id} monitors rides already"):
        first.rerun()
    served.jobs.cancel(first.id)
    assert monitor("rides", every="5m", session=served).id != first.id


def test_all_that_does_not_fit_is_told_at_once(served):
    with pytest.raises(UsageError) as caught:
        monitor("rides", every="often", webhook="http://a.example.com/secret", rows=0, name="no name", session=served)
    told = str(caught.value)
    assert [word in told for word in ("every 'often' is no duration", "is not encrypted", "rows 0", "no name")] == [
        True
    ] * 4
    with pytest.raises(UsageError, match="webhook, name: only with every, which makes a job"):
        monitor("rides", webhook=SECRET, name="x", session=served)
    with pytest.raises(UsageError, match="runner dataflow: not with every"):
        monitor(model="taxi", every="1h", runner="dataflow", session=served)
    with pytest.raises(UsageError, match=r"every 0\.5 must be 1 second or more"):
        monitor("rides", every=0.5, session=served)
    assert len(served.jobs.list()) == 0


def test_what_would_fail_at_each_look_is_told_now(served, session):
    with pytest.raises(NotFoundError, match="taxis"):
        monitor("taxis", every="5m", session=served)
    with pytest.raises(UsageError, match=r"no feature 'mile' is compared\. Did you mean miles"):
        monitor("rides", every="5m", threshold={"mile": 0.2}, session=served)
    with pytest.raises(UsageError, match="by: the slices of taxi@1 cannot be told"):
        monitor("rides", every="5m", by="zone", session=served)
    with pytest.raises(UsageError, match="matches no file"):
        monitor(model="taxi", input="none-*.csv", every="5m", session=session)


def test_an_endpoint_without_a_log_has_nothing_to_look_at(session, tmp_path):
    register(session, tmp_path)
    endpoint(session, 1)
    with pytest.raises(UsageError, match="does not log its requests"):
        monitor("rides", every="5m", session=session)
    assert not MonitorFolder(session.workspace.endpoint("rides").monitoring).root.exists()
