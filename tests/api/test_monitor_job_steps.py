"""A look that is killed at each of its steps, and one on a full disk."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime

import pytest
from support.disks import fill, small_disk
from support.killing import run_killed_at_each_step
from support.monitored import endpoint, log, register, rides

from mlmagic.api.monitor import monitor
from mlmagic.api.monitor_job_looks import Looks
from mlmagic.api.monitor_job_program import Log
from mlmagic.api.monitor_job_words import parse_words
from mlmagic.session import Session
from mlmagic.spec.request_log import RequestLogging
from mlmagic.workspace.files import open_to_append
from mlmagic.workspace.monitors import read_alerts

JOB = "rides-monitoring-20260502-000000-0a1b"


def served(start):
    """Return a session with an endpoint that was asked in kilometres, and the folder of a job."""
    session = Session(environ={"MLMAGIC_BACKEND": "local"}, start=start)
    register(session, start)
    log(endpoint(session, 1, log=RequestLogging(sampling_rate=1.0)), rides(1000, seed=1, factor=1.609344))
    folder = session.workspace.job(JOB)
    folder.logs.mkdir(parents=True)
    return session, folder


def looks(session, folder):
    words = parse_words(["--endpoint=rides", "--last=1h", "--every=300s", "--workspace=w"])
    return Looks(session, words, folder, tell=Log(open_to_append(folder.log())).tell)


@pytest.fixture
def found(monkeypatch):
    """Let each look find the same, which is found out once."""

    def keep(session):
        report = monitor("rides", last="1h", session=session)
        monkeypatch.setattr(Looks, "_compare", lambda *_: report)
        monkeypatch.setattr(Looks, "_newest", lambda _: datetime.now(UTC))

    return keep


@pytest.mark.slow
def test_killed_at_any_step_it_tells_each_alert_once(tmp_path, found):
    session, folder = served(tmp_path)
    found(session)
    session.close()
    again, steps = Session(environ={"MLMAGIC_BACKEND": "local"}, start=tmp_path), 0
    record = looks(again, folder).record
    shutil.rmtree(record.root)
    for _ in run_killed_at_each_step(lambda: look_twice(tmp_path, folder)):
        looks(again, folder).look()
        assert folder.log().read_text().count("Alert ") == 1
        assert [alert.job for alert in read_alerts(record)] == [JOB]
        for gone in (record.root, folder.monitoring):
            shutil.rmtree(gone)
        folder.log().unlink()
        steps += 1
    assert steps > 20
    again.close()


def look_twice(start, folder):
    looking = looks(Session(environ={"MLMAGIC_BACKEND": "local"}, start=start), folder)
    looking.look()
    looking.look()


def test_a_full_disk_costs_a_look_and_no_alert(tmp_path, found):
    with small_disk(tmp_path / "disk") as disk:
        session, folder = served(disk)
        found(session)
        looking = looks(session, folder)
        shutil.rmtree(looking.record.root)
        fill(disk / "full")
        looking.look()
        assert looking.status.problem == os.strerror(28)
        (disk / "full").unlink()
        looking.look()
        assert (looking.status.problem, looking.status.alerts) == (None, 1)
        assert folder.log().read_text().count("\nAlert ") == 1
        session.close()
