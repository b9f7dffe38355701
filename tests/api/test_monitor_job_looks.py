"""One look after another, in this process."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from support.monitored import endpoint, log, register, rides

from mlmagic.api import monitor_job_looks
from mlmagic.api.monitor import monitor
from mlmagic.api.monitor_job_looks import Looks
from mlmagic.api.monitor_job_program import run
from mlmagic.api.monitor_job_words import parse_words
from mlmagic.errors import NotFoundError
from mlmagic.runtime.monitored import read_monitored
from mlmagic.runtime.scalars import curves
from mlmagic.serving.request_log.convert import convert_journals
from mlmagic.spec.endpoint import DeployedVersion
from mlmagic.spec.monitoring_report import Against
from mlmagic.spec.request_log import RequestLogging
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.monitors import read_alerts, read_report

NOW = datetime(2026, 5, 2, tzinfo=UTC)


@pytest.fixture
def requests(session, tmp_path):
    """The log of an endpoint with one version."""
    register(session, tmp_path)
    return endpoint(session, 1, log=RequestLogging(sampling_rate=1.0))


@pytest.fixture
def folder(session):
    """Of the job."""
    folder = session.workspace.job("rides-monitoring-20260502-000000-0a1b")
    folder.logs.mkdir(parents=True)
    return folder


def looks(session, folder, *words, lost=()):
    """Return what looks; lines that begin with a word of `lost` do not come into the log."""

    def tell(line):
        if not line.startswith(tuple(lost)) or not lost:
            with folder.log().open("a") as file:
                file.write(f"{line}\n")
        return not lost or not line.startswith(tuple(lost))

    own = parse_words([*(words or ("--endpoint=rides", "--last=1h")), "--every=300s", "--workspace=w"])
    return Looks(session, own, folder, tell=tell, now=lambda: NOW)


def lines(folder):
    return [line.partition(" · ")[2] or line for line in folder.log().read_text().splitlines()]


def test_an_alert_is_told_when_it_begins_and_when_it_ends(session, requests, folder):
    looking = looks(session, folder)
    log(requests, rides(1000, seed=1, factor=1.609344))
    looking.look()
    log(requests, rides(1000, seed=2, factor=1.609344), hour=2)
    looking.look()
    log(requests, rides(1000, seed=3), hour=4)
    looking.look()
    told = lines(folder)
    assert [line.partition(" UTC · ")[2] for line in told if "UTC" in line] == [
        "1,000 rows · 1 alert now, 1 in all",
        "1,000 rows · 1 alert now, 1 in all",
        "1,000 rows · 0 alerts now, 1 in all",
    ]
    assert [line.partition(": ")[0] for line in folder.log().read_text().splitlines() if "kilometres" in line] == [
        f"{word} {looking_id(looking)} · taxi@1" for word in ("Alert", "Ended")
    ]


def looking_id(looking):
    [alert] = read_alerts(looking.record)
    return alert.id


def test_what_was_found_is_written_down(session, requests, folder):
    log(requests, rides(1000, seed=1, factor=1.609344))
    looking = looks(session, folder)
    looking.look()
    assert read_report(looking.record).against is Against.TRAINING
    [alert] = read_alerts(looking.record)
    assert (alert.job, alert.endpoint, alert.feature, alert.first_seen) == (folder.id, "rides", "miles", NOW)
    assert set(curves(folder.tensorboard_dir)) >= {"monitoring/miles/distance", "monitoring/zone/unseen"}


def test_what_was_found_by_hand_is_told_by_the_job_and_counted_once(session, requests, folder):
    log(requests, rides(1000, seed=1, factor=1.609344))
    monitor("rides", session=session)
    looking = looks(session, folder)
    looking.look()
    [alert] = read_alerts(looking.record)
    assert (alert.job, looking.status.alerts, looking.status.alerts_told) == (folder.id, 1, 1)
    assert folder.log().read_text().count(f"Alert {alert.id} · ") == 1
    # The job is no job of the session, so it looks no more.
    monitor("rides", session=session)
    assert [alert.job for alert in read_alerts(looking.record)] == [None]


def test_a_version_that_was_not_asked_keeps_its_alert(session, requests, folder, tmp_path):
    log(requests, rides(1000, seed=1, factor=1.609344))
    looking = looks(session, folder)
    looking.look()
    register(session, tmp_path)
    both = tuple(DeployedVersion(number=number, traffic=50) for number in (1, 2))
    EndpointStore(Database(session.workspace)).change("rides", lambda spec: replace(spec, deployed=both))
    log(requests, rides(1000, seed=2), version=2, hour=2)
    looking.look()
    assert (looking.status.looks, looking.status.alerts) == (2, 1)
    assert "Ended" not in folder.log().read_text()


def test_files_elsewhere_are_looked_at_each_time(session, requests, folder, monkeypatch):
    log(requests, rides(1000, seed=1))
    report = monitor("rides", session=session)
    looking = looks(session, folder, "--model=taxi", "--input=gs://rides/may.csv")
    monkeypatch.setattr(looking, "_compare", lambda: report)
    looking.look()
    looking.look()
    assert [line.split()[:2] for line in folder.log().read_text().splitlines()] == [["Look", "1"], ["Look", "2"]]


def test_one_that_was_killed_is_gone_on_with(session, requests, folder):
    log(requests, rides(1000, seed=1, factor=1.609344))
    # As if it were killed before it could tell.
    looks(session, folder, lost=["Alert"]).look()
    again = looks(session, folder)
    again.look()
    looks(session, folder).look()
    assert [line.split()[0] for line in folder.log().read_text().splitlines()] == [
        "Look",
        "Waiting:",
        "Alert",
        "Waiting:",
    ]
    assert (again.status.looks, again.status.alerts_told) == (1, 1)


def test_nothing_new_is_waited_for_in_one_line(session, requests, folder):
    looking = looks(session, folder)
    for _ in range(3):
        looking.look()
    assert lines(folder) == ["Waiting: rides has logged nothing yet."]
    log(requests, rides(100, seed=1))
    for _ in range(3):
        looking.look()
    assert lines(folder)[1:][1:] == ["Waiting: nothing is new since the last look."]


def test_a_look_that_fails_is_a_line_and_the_next_one_comes(session, requests, folder, monkeypatch):
    log(requests, rides(1000, seed=1))
    looking = looks(session, folder)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(monitor_job_looks, "record_look", full)
        looking.look()
    looking.look()
    assert lines(folder) == [
        "2026-05-02 00:00:00 UTC · failed: No space left on device",
        "2026-05-02 00:00:00 UTC · 1,000 rows · 0 alerts now, 0 in all",
    ]


def test_a_torn_file_of_the_log_does_not_end_it(session, requests, folder):
    log(requests, rides(1000, seed=1))
    (requests / "00000000000000000001-1.parquet").write_bytes(b"PAR1 torn")
    looking = looks(session, folder)
    looking.look()
    (requests / "00000000000000000001-1.parquet").unlink()
    looking.look()
    assert looking.status.problem is None
    assert lines(folder)[-1].endswith("1,000 rows · 0 alerts now, 0 in all")


def test_it_ends_with_the_endpoint(session, requests, folder):
    looking = looks(session, folder)
    run(looking, 300, tell=print, on_look=lambda: None, sleep=lambda _: delete(session))
    told = "the endpoint rides is deleted, so there is nothing to look at any more"
    assert lines(folder)[-1] == f"The end: {told}."
    assert read_monitored(folder).message == told
    assert not session.workspace.endpoint("rides").root.exists()


def test_one_that_ends_leaves_no_alert(session, requests, folder):
    log(requests, rides(1000, seed=1, factor=1.609344))
    looking = looks(session, folder)
    looking.look()
    log(requests, rides(1000, seed=1), hour=2)

    def gone(_):
        raise NotFoundError("there is no model 'taxi'.")

    looking._compare = gone
    looking.look()
    assert [alert.end_time for alert in read_alerts(looking.record)] == [NOW]
    assert looking.status.alerts == 0


def delete(session):
    EndpointStore(Database(session.workspace)).delete("rides")


def test_what_comes_after_the_look_before_is_the_window(session, requests, folder):
    looking = looks(session, folder, "--endpoint=rides")
    log(requests, rides(600, seed=1))
    looking.look()
    log(requests, rides(1200, seed=2), hour=3)
    looking.look()
    log(requests, rides(20, seed=3), hour=3.5)
    looking.look()
    # Of the first the five minutes that a look is due; then what came since, however long that is ago.
    assert [line.split(" · ")[1] for line in lines(folder)] == ["600 rows", "1,200 rows", "20 rows"]


def test_what_comes_while_the_log_is_read_moves_no_window(session, requests, folder):
    looking = looks(session, folder, "--endpoint=rides")
    log(requests, rides(600, seed=1))
    looking.look()
    log(requests, rides(1200, seed=2), hour=3)
    newest = looking._newest()
    log(requests, rides(20, seed=3), hour=9)
    looking._newest = lambda: newest
    looking.look()
    assert [line.split(" · ")[1] for line in lines(folder)] == ["600 rows", "1,220 rows"]


def test_what_the_log_is_written_into_is_nothing_new(session, requests, folder):
    looking = looks(session, folder, "--endpoint=rides")
    log(requests, rides(300, seed=1))
    log(requests, rides(300, seed=2, factor=9.0), hour=0.1)
    looking.look()
    assert convert_journals(requests)
    for _ in range(2):
        looking.look()
    assert lines(folder)[-1] == "Waiting: nothing is new since the last look."
    assert looking.status.looks == 1


def test_files_are_looked_at_when_they_change(session, requests, folder, tmp_path):
    file = tmp_path / "day-1.csv"
    file.write_text("miles,zone\n" + "2.5,north\n" * 50)
    looking = looks(session, folder, "--model=taxi", f"--input={tmp_path}/day-*.csv")
    looking.look()
    looking.look()
    (tmp_path / "day-2.csv").write_text(file.read_text())
    looking.look()
    told = [line.split(" · ")[1:2] or [line] for line in lines(folder) if not line.startswith("taxi")]
    assert told == [["50 rows"], ["Waiting: nothing is new since the last look."], ["100 rows"]]
    assert read_alerts(looking.record)[0].endpoint is None
    assert looking.record.root == folder.monitoring


def test_a_look_that_takes_too_long_costs_the_next_ones(session, requests, folder):
    times, told = [0.0], []

    def sleep(seconds):
        times.append(times[-1] + seconds)
        if len(times) > 20:
            delete(session)

    run(
        looks(session, folder),
        300,
        tell=told.append,
        on_look=lambda: times.append(times[-1] + 400) if times == [0.0] else None,
        clock=lambda: times[-1],
        sleep=sleep,
    )
    assert told == ["That took 400 s, and a look is due every 300s: those between are left out."]
    # At 600 s the next one, and not before.
    assert times[:3] == [0.0, 400.0, 415.0]
