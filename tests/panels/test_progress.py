from __future__ import annotations

from dataclasses import replace

import pytest

from mlmagic.panels.progress import bar, progress_html, progress_text
from mlmagic.spec.monitoring_alert import MonitorStatus
from mlmagic.spec.report import Progress

HALF = Progress(epoch=2, epochs=4, step=50, steps=100)
DONE = {"state": "SUCCEEDED", "progress": HALF}


def test_a_running_job_has_a_bar(describe):
    shown = describe(progress=HALF, eta_seconds=90)
    assert progress_text(shown) == ["▕█████████               ▏ epoch 2 of 4 · 37 % · about 1 min 30 s left"]
    html = progress_html(shown)
    assert "epoch 2 of 4 · step 50 of 100 · 37 % · about 1 min 30 s left" in html
    assert 'role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="37"' in html


def test_nobody_waits_for_a_job_that_is_cancelled(describe):
    assert "left" not in progress_text(describe("CANCELLING", progress=HALF, eta_seconds=90))[0]


def test_a_failed_job_tells_how_far_it_came(describe, now):
    failed = describe("FAILED", progress=HALF, end_time=now)
    assert progress_text(failed) == ["It came to epoch 2 of 4."]
    assert "It came to epoch 2 of 4." in progress_html(failed)


def test_monitoring_tells_its_last_look(describe, now):
    status = MonitorStatus(looks=1, last_look=now, alerts=2, alerts_told=3)
    told = f"1 look, the last at {now:%H:%M:%S} UTC · 2 alerts now, 3 in all"
    assert progress_text(describe(monitor=status)) == [told]
    failed = progress_html(describe(monitor=replace(status, problem="the disk is full")))
    assert f"{told} · it failed: the disk is full" in failed


@pytest.mark.parametrize("fields", [{}, {"progress": Progress(epoch=1, epochs=0)}, DONE])
def test_otherwise_there_is_none(describe, fields):
    assert progress_text(describe(**fields)) == []
    assert progress_html(describe(**fields)) is None


@pytest.mark.parametrize(("fraction", "drawn"), [(0, "    "), (0.5, "██  "), (0.7, "██▊ "), (1, "████"), (7, "████")])
def test_a_bar_is_as_full_as_the_work(fraction, drawn):
    assert bar(fraction, 4) == f"▕{drawn}▏"
