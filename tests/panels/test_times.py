from __future__ import annotations

from datetime import timedelta

import pytest

from mlmagic.panels.times import ago, coarse_duration, duration, fine_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59.9, "59 s"), (130, "2 min 10 s"), (3900, "1 h 05 min"), (187_200, "2 d 4 h")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(42.5, "42 s"), (137, "2 min 10 s"), (7265, "2 h 01 min")])
def test_a_coarse_duration_changes_seldom(seconds, text):
    assert coarse_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "just now"), (-5, "just now"), (300, "5 min ago"), (7300, "2 h ago"), (200_000, "2 d ago")],
)
def test_how_long_ago(now, seconds, text):
    assert ago(now - timedelta(seconds=seconds), now) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 ms"),
        (0.0304, "30 ms"),
        (0.095, "0.1 s"),
        (0.3, "0.3 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (75, "1 min 15 s"),
    ],
)
def test_short_durations_are_told_finely(seconds, text):
    assert fine_duration(seconds) == text
