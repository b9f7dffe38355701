"""A study's page on the screen keeps up with its trials."""

from __future__ import annotations

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from support.written_studies import WrittenStudy

from mlmagic.api.job import Job
from mlmagic.magics.live import LivePanels
from mlmagic.magics.live_studies import StudyPanel
from mlmagic.magics.terminal import ProgressLine
from mlmagic.spec.job import JobState
from mlmagic.workspace.layout import Workspace

HTML, MIME = "text/html", "application/vnd.mlmagic.study+json"


class Screen:
    """A panel, the clock that it goes by, and what it has drawn."""

    def __init__(self, written, **order):
        self.publisher = CapturingDisplayPublisher()
        self.time = 100.0
        self.panel = StudyPanel(written.job.showing(**order), self.publisher, clock=lambda: self.time)
        self.panel.draw()

    def after(self, seconds):
        """Return how many times it was drawn in all."""
        self.time += seconds
        self.panel.draw()
        return len(self.publisher.outputs)

    @property
    def last(self):
        return self.publisher.outputs[-1]


@pytest.fixture
def written(tmp_path):
    study = WrittenStudy(Workspace(tmp_path / ".mlmagic"))
    yield study
    for summary in study.backend.list(states={JobState.RUNNING}, trials=True):
        study.backend.cancel(summary.id)


def test_a_page_is_drawn_when_a_trial_begins_or_ends(written):
    screen = Screen(written)
    written.start(1)
    assert screen.after(0.5) == 1
    assert screen.after(0.5) == 2
    assert "flights/1<" in screen.last["data"][HTML]
    written.end(1, 0.25)
    assert screen.after(1.0) == 3
    assert screen.last["update"] is True
    assert screen.last["data"][MIME]["study"]["trials"][0]["state"] == "SUCCEEDED"


def test_a_page_is_drawn_when_a_trial_reports(written):
    written.start(1)
    screen = Screen(written)
    written.report(1, 0.5)
    assert [screen.after(1.0), screen.after(1.0)] == [1, 2]
    assert "0.5000" in screen.last["data"][HTML]


def test_a_page_keeps_its_order(written):
    for number, value in ((1, 0.5), (2, 0.25)):
        written.start(number)
        written.end(number, value)
    screen = Screen(written, sort_by="number", limit=1)
    assert "1 of 2 trials" in screen.last["data"][HTML]
    written.start(3)
    assert screen.after(1.0) == 2
    assert "flights/1<" in screen.last["data"][HTML]
    assert "flights/3<" not in screen.last["data"][HTML]


def test_while_nothing_happens_only_the_clock_is_drawn_now_and_then(written):
    screen = Screen(written)
    assert [screen.after(3.0) for _ in range(4)] == [1, 1, 1, 2]


def test_the_end_is_drawn_at_once_and_once(written):
    screen = Screen(written)
    written.start(1)
    written.end(1, 0.25)
    written.finish()
    assert [screen.after(0.0), screen.after(60.0)] == [2, 2]
    assert screen.panel.is_over
    assert "%tune promote flights" in screen.last["data"][HTML]


def test_a_job_is_shown_by_its_kind(written, plain_shell):
    plain_shell.display_pub = CapturingDisplayPublisher()
    panels = LivePanels(plain_shell)
    assert isinstance(panels.show(written.job), StudyPanel)
    panels.show(Job(id=written.id, backend=written.backend))
    assert [MIME in output["data"] for output in plain_shell.display_pub.outputs] == [True, False]


def test_a_workspace_that_cannot_be_read_is_read_again_later(written):
    screen = Screen(written)
    trials = written.workspace.job(written.id).trials
    trials.mkdir()
    written.finish()
    for _ in range(59):
        screen.time += 60
        screen.panel.follow()
    assert not screen.panel.is_over
    trials.rmdir()
    screen.time += 60
    screen.panel.follow()
    assert (screen.panel.is_final, len(screen.publisher.outputs)) == (True, 2)


def test_a_terminal_tells_how_far_a_study_is(written, capsys):
    written.start(1)
    written.end(1, None)
    written.start(2)
    ProgressLine(written.job)(written.job.record)
    assert "▕██████                  ▏ 1 of 4 trials · 1 active · 1 failed" in capsys.readouterr().out
