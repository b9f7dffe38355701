"""How skew and drift are shown."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from support.flights import statistics_of
from support.monitored import TYPES, rides

from mlmagic.monitoring.compare import report
from mlmagic.monitoring.window import Window
from mlmagic.panels import drift_bundle, drift_chart_bundle, drift_pictures
from mlmagic.spec.monitoring_report import Against, ComparedColumn, MonitoredWindow, MonitoringReport


@pytest.fixture
def shown():
    """Rides in kilometres, from a zone with a name that is markup, against rides in miles."""
    baseline = statistics_of(rides(2000, seed=0), TYPES)
    window = Window(baseline, skipped=["fare"])
    window.add(rides(1000, seed=1, factor=1.609344, zones=("north", "<b>south</b>")))
    columns = tuple(
        ComparedColumn(baseline=baseline.column(each.name), current=each) for each in window.statistics.columns
    )
    found = MonitoredWindow(
        version="taxi@1", baseline="its training", report=report(baseline, window.values), columns=columns
    )
    return MonitoringReport(subject="may.csv", against=Against.TRAINING, windows=(found,), notes=("2 rows are bad.",))


def test_text_names_what_happened(shown):
    text = drift_bundle(shown)["text/plain"]
    assert text.splitlines()[:3] == ["may.csv · skew", "1,000 rows", "✗ ALERT: 2 alerts"]
    assert "taxi@1: 1,000 rows against its training" in text
    assert "as from miles to kilometres" in text
    assert "2 rows are bad." in text
    assert max(map(len, text.splitlines())) <= 100


def test_page_escapes_what_came_in(shown):
    html = drift_bundle(shown)["text/html"]
    assert "&lt;b&gt;south&lt;/b&gt;" in html
    assert "<b>south" not in html
    assert html.count("✗ ALERT") == 3


def test_the_table_has_few_columns_so_that_it_fits_a_narrow_page(shown):
    heads = drift_bundle(shown)["text/html"].split("<th ")[1:]
    assert [re.sub(r"<[^>]*>", " ", head.split(">", 1)[1].split("</th>")[0]).split() for head in heads] == [
        ["Feature"],
        ["Distance", "Threshold"],
        ["baseline", "window"],
        ["Missing"],
        ["What", "happened"],
    ]


def test_payload_leaves_out_the_quantiles(shown):
    payload = drift_bundle(shown)["application/vnd.mlmagic.drift+json"]
    assert "quantiles" not in str(payload)
    assert payload["windows"][0]["report"]["features"][0]["feature"] == "miles"


def test_charts_have_baseline_and_window_side_by_side(shown):
    charts = drift_chart_bundle(shown)
    panels = {panel["title"]["text"]: panel for panel in charts["application/vnd.vegalite.v5+json"]["concat"]}
    assert sorted(panels) == ["miles", "zone"]
    shares = [(row["is"], row["share0"] > 0, row["share1"] > 0) for row in panels["zone"]["data"]["values"]]
    assert sorted(shares) == [("(others)", False, True), ("north", True, True), ("south", True, False)]


def test_the_mark_of_the_baseline_has_the_colour_of_its_bars(shown):
    for picture in (drift_chart_bundle(shown)["image/svg+xml"], drift_pictures(shown)[0][1]):
        filled = {tag.split(" ", 1)[0]: tag for tag in picture.split("<") if 'fill="#4c8df0"' in tag}
        assert ['fill-opacity="0.6"' in filled[tag] for tag in ("rect", "path")] == [True, True]


def test_nothing_to_compare_is_no_chart(shown):
    empty = replace(shown, windows=())
    assert drift_chart_bundle(empty) == {"text/plain": "Charts: none"}
    assert "nothing was compared" in drift_bundle(empty)["text/plain"]
