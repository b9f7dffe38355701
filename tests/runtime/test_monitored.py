"""How far monitoring is, as its log tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from mlmagic.runtime.monitored import MonitorFollower, look_line, read_monitor
from mlmagic.spec.monitoring_alert import MonitorStatus

STATUS = MonitorStatus(looks=1200, last_look=datetime(2026, 5, 1, 12, tzinfo=UTC), alerts=1, alerts_told=3)


def test_a_look_is_a_line_that_is_read_again():
    line = look_line(STATUS, 1234)
    assert line == "Look 1,200 · 2026-05-01 12:00:00 UTC · 1,234 rows · 1 alert now, 3 in all"
    assert read_monitor(f"something else\n{line}\nAlert 0 · Look 9\n") == STATUS
    assert str(STATUS) == "1,200 looks, the last at 12:00:00 UTC · 1 alert now, 3 in all"
    assert STATUS.short == "1 alert · 1,200 looks"


def test_one_that_failed_changes_no_count():
    failed = replace(STATUS, looks=1201, problem="the disk is full")
    follower = MonitorFollower()
    text = f"{look_line(STATUS, 1)}\n{look_line(failed, 0)}\n"
    assert follower.feed(text[:100]) == STATUS
    assert follower.feed(text[100:]) == failed
    assert failed.short == "failed · 1 alert · 1,201 looks"
    assert follower.feed("Look 1,202 · 2026") == failed


def test_a_log_without_looks_tells_nothing():
    assert read_monitor("Waiting: nothing is new.\n") is None
