from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mlmagic.panels import board_curves_bundle
from mlmagic.panels.board_curves import MIME_TYPE, curve_charts
from mlmagic.spec.board import BoardCurve, BoardCurves, BoardSource, BoardSpec, FrontEnd

NAME = "<b>'\"&"


def curve(run, name="loss", values=(0.5, 0.25)):
    return BoardCurve(run=run, name=name, steps=tuple(range(len(values))), values=tuple(values))


@pytest.fixture
def page():
    spec = BoardSpec(sources=(BoardSource(name=NAME, folder="/logs"),), workspace="/here/.mlmagic")
    return BoardCurves(spec=spec, front_end=FrontEnd.COLAB, curves=(curve(NAME), curve("taxi")), runs=2)


def test_why_there_is_no_board_is_told_above_the_charts(page):
    bundle = board_curves_bundle(page)
    why = "On Colab no browser can get at a port of the machine: these are the curves as they are now."
    assert why in bundle["text/html"]
    assert why in bundle["text/plain"].replace("\n  ", " ")
    assert bundle["text/html"].count("<path") >= 3
    assert bundle["text/plain"].splitlines()[-1].split() == ["taxi", "loss", "1", "0.2500"]
    assert "curves" not in bundle[MIME_TYPE]


def test_names_are_shown_as_they_are(page):
    html = board_curves_bundle(page)["text/html"]
    assert "<b>" not in html
    assert html.count("&lt;b&gt;&#x27;&quot;&amp;") == 3


def test_what_is_left_out_is_told(page):
    many = tuple(curve("taxi", f"metric-{number:02}") for number in range(14))
    text = board_curves_bundle(replace(page, curves=many, runs=9))["text/plain"].replace("\n  ", " ")
    assert "1 of 9 runs are shown; name those that you want, or choose with --best 1." in text
    assert "12 of 14 charts are shown." in text


def test_before_the_first_epoch_it_is_said_what_to_do(page):
    bundle = board_curves_bundle(replace(page, curves=()))
    assert "Nothing was written yet. Run the cell again when the first epoch is through." in bundle["text/html"]
    assert "<svg" not in bundle["text/html"]


@pytest.mark.parametrize(
    ("url", "shown"), [("http://127.0.0.1:1/s/", '<a href="http://127.0.0.1:1/s/"'), ("a/b/", ">a/b/<")]
)
def test_the_way_to_the_board_is_shown_where_there_is_one(page, url, shown):
    bundle = board_curves_bundle(replace(page, url=url, front_end=FrontEnd.VS_CODE))
    assert shown in bundle["text/html"]
    assert url in bundle["text/plain"]


def test_a_run_has_its_colour_in_all_charts():
    (first, second) = curve_charts([curve("a"), curve("b"), curve("b", "accuracy")])
    assert [line.version for line in first.lines] == [line.version for line in second.lines] == ["a", "b"]
    assert second.lines[0].points == ()


def test_values_that_cannot_be_drawn_are_left_out():
    (chart,) = curve_charts([curve("a", values=(math.nan, 1.0, math.inf, 2.0)), curve("a", "once", (1.0,))])
    assert chart.lines[0].points == ((1.0, 1.0), (3.0, 2.0))
    assert (chart.x_range, chart.y_range) == ((1.0, 3.0), (1.0, 2.0))
    (flat,) = curve_charts([curve("a", values=(3.0, 3.0))])
    assert flat.y_range[0] < 3.0 < flat.y_range[1]
