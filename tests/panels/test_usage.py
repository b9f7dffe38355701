from __future__ import annotations

import re

import pytest

from mlmagic.panels.chart import sparkline, time_ticks
from mlmagic.panels.samples import POINTS, bounded, thinned
from mlmagic.panels.usage import usage_html, usage_text
from mlmagic.spec.usage import Usage

MIB = 1 << 20


@pytest.fixture
def curve(sample):
    """Make the samples of one replica, one a second, from some seconds ago until now."""

    def make(seconds, replica="chief-0", cores=1.0, **fields):
        return [sample(ago, cores, 100 * MIB, replica=replica, **fields) for ago in range(seconds - 1, -1, -1)]

    return make


def test_peaks_are_told_in_words(curve, sample):
    html = usage_html(Usage(samples=(*curve(60), sample(0, 3.94, 612 * MIB))), is_open=True)
    assert "Usage: at most 3.9 cores and 612 MiB, 1 min 03 s of processor time" in html
    assert 'role="img" aria-label="cores of chief-0 over 1 min 00 s: at most 3.9, at last 3.9"' in html
    assert "at most 612 MiB" in html


def test_charts_have_few_points_and_no_script(curve):
    html = usage_html(Usage(samples=tuple(curve(5000))), is_open=True)
    assert html.count("<svg") == 2
    assert max(line.count("L") for line in re.findall(r'd="([^"]*)"', html)) <= POINTS + 2
    assert not [word for word in ("<script", "http", "<style", "<img", "url(") if word in html]


def test_charts_take_their_colours_from_the_page(curve):
    html = usage_html(Usage(samples=tuple(curve(5))), is_open=True)
    assert "stroke:currentColor" in html
    assert "stroke:var(--jp-brand-color1,#1976d2)" in html


def test_a_curve_breaks_where_nothing_was_measured(sample):
    usage = Usage(samples=tuple(sample(ago) for ago in (60, 59, 58, 20, 19)))
    assert usage_html(usage, is_open=True).count("fill-opacity") == 4


def test_each_replica_has_charts_on_the_same_scale(curve):
    usage = Usage(samples=(*curve(9, "worker-0", 0.1), *curve(9, "chief-0", 3.0)))
    html = usage_html(usage, is_open=True)
    assert html.index(">chief-0<") < html.index(">worker-0<")
    assert html.count("<span>4</span><span>0</span>") == 2
    assert usage_text(usage) == [
        "Usage: at most 3 cores and 100 MiB each, 27 s of processor time",
        "  chief-0   cores ▇▇▇▇▇▇▇▇▇ peak 3 · memory ▇▇▇▇▇▇▇▇▇ peak 100 MiB",
        "  worker-0  cores █████████ peak 0.1 · memory ▇▇▇▇▇▇▇▇▇ peak 100 MiB",
    ]


def test_very_many_replicas_are_told_in_a_line(curve):
    usage = Usage(samples=tuple(sample for number in range(50) for sample in curve(3, f"worker-{number}")))
    html = usage_html(usage, is_open=True)
    assert "42 more replicas: at most 1 core and 100 MiB each." in html
    assert html.count("<svg") == 16
    assert not html.startswith('<details style="margin-top:8px" open')
    assert usage_text(usage)[-1] == "  42 more replicas: at most 1 core and 100 MiB each."


def test_a_gpu_has_charts_where_there_is_one(curve):
    usage = Usage(samples=tuple(curve(3, gpu_percent=40.0, gpu_memory_bytes=2 << 30)))
    assert "GPU memory of chief-0 over 3 s: at most 2.0 GiB" in usage_html(usage, is_open=True)
    assert usage_text(usage) == [
        "Usage: cores ███ peak 1 · memory ▇▇▇ peak 100 MiB · GPU ▄▄▄ peak 40 %",
        "       GPU memory ███ peak 2.0 GiB",
    ]


def test_without_samples_there_is_nothing():
    assert usage_html(Usage(), is_open=True) is None
    assert usage_text(Usage()) == []


def test_numbers_that_are_none_are_not_drawn(sample):
    bad = (sample(1, float("nan")), sample(0, float("inf")))
    assert usage_html(Usage(samples=bad), is_open=True) is None
    assert usage_text(Usage(samples=(*bad, sample(2)))) == ["Usage: cores █ peak 1 · memory ▇ peak 100 MiB"]


def test_thinned_samples_keep_the_time_and_the_peak(sample):
    kept = thinned([sample(3, 1.0, 10), sample(2, 3.0, 30, gpu_percent=50.0), sample(1, 5.0, 20), sample(0, 7.0, 5)], 2)
    assert [(each.cores, each.memory_bytes, each.seconds, each.gpu_percent) for each in kept] == [
        (2.0, 30, 2.0, 50.0), (6.0, 20, 2.0, None),
    ]  # fmt: skip


def test_what_is_saved_is_bounded(curve):
    usage = Usage(samples=tuple(sample for number in range(50) for sample in curve(100, f"worker-{number}")))
    kept = bounded(usage)
    assert len(kept.samples) <= 600
    assert kept.replicas == usage.replicas
    assert round(kept.cpu_seconds) == round(usage.cpu_seconds)


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [(1, [0, 1]), (10, [0, 5, 10]), (130, [0, 60, 120]), (7200, [0, 1800 * 2, 7200]), (10**7, [0, 4320000, 8640000])],
)
def test_ticks_are_few_and_round(seconds, ticks):
    assert time_ticks(seconds) == ticks


def test_a_sparkline_is_as_wide_as_asked():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], 8, 9) == "▁▂▃▄▅▆▇██"
    assert sparkline(list(range(100)), 99, 4) == "▂▄▆█"
    assert sparkline([], 1, 4) == sparkline([1], 0, 4) == ""
