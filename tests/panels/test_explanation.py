"""Explanations as pages and text."""

from __future__ import annotations

import dataclasses

import pytest

from mlmagic.panels import explanation_bundle
from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.explanation import Contribution, ExplainedRow, ExplanationReport, Influence, Method

ROW = ExplainedRow(
    row="7",
    output="prediction",
    prediction=12.5,
    baseline=9.0,
    contributions=(
        Contribution(feature="<b>miles</b>", value="4.2", amount=5.0, error=0.25),
        Contribution(feature="payment", value="<script>", amount=-1.5, error=0.1),
        Contribution(feature="hour", value="missing", amount=None),
    ),
)
REPORT = ExplanationReport(
    version="taxi@2",
    output="prediction",
    method=Method.SHAPLEY,
    baseline="32 draws from the training statistics of taxi@2",
    rows=120,
    samples=64,
    seed=0,
    influences=(
        Influence(feature="<b>miles</b>", mean_size=3.0),
        Influence(feature="payment", mean_size=1.5),
        Influence(feature="hour", mean_size=None),
    ),
    shown=(ROW,),
    notes=("a <note>",),
)


def test_the_text_tells_method_influences_and_rows() -> None:
    lines = explanation_bundle(REPORT)["text/plain"].splitlines()
    assert lines[0].split() == ["Why", "taxi@2", "predicts", "so", "120", "rows"]
    assert " ".join(line.strip() for line in lines[1:3]) == (
        "prediction by Shapley values, 64 permutations; usual: 32 draws from the training statistics of taxi@2"
    )
    assert "row 7: prediction 12.50, usual 9" in "\n".join(lines)
    row = next(line for line in lines if line.startswith("payment") and "<script>" in line)
    assert row.split() == ["payment", "<script>", "-1.500", "±", "0.1000", "████"]


def test_whatever_comes_from_data_is_escaped() -> None:
    html = explanation_bundle(REPORT)["text/html"]
    assert "<b>" not in html
    assert "<script" not in html
    assert "&lt;b&gt;miles&lt;/b&gt;" in html
    assert "a &lt;note&gt;" in html


def test_bars_have_the_lengths_of_what_they_stand_for() -> None:
    html = explanation_bundle(REPORT)["text/html"]
    assert html.count("width:100.0%") == 2
    assert html.count("width:30.0%") == 1
    assert html.count("width:50.0%") == 1


def test_features_beyond_the_largest_are_summed_up() -> None:
    many = tuple(Contribution(feature=f"x{at}", value="1", amount=1.0) for at in range(10))
    report = dataclasses.replace(REPORT, shown=(dataclasses.replace(ROW, contributions=many),))
    assert "2 more features: +2" in explanation_bundle(report)["text/plain"]
    assert "2 more features: +2" in explanation_bundle(report)["text/html"]


@pytest.mark.parametrize("method", Method)
def test_a_report_survives_its_codec(method: Method) -> None:
    report = dataclasses.replace(REPORT, method=method)
    assert loads(ExplanationReport, dumps(report)) == report
    assert ("±" in str(explanation_bundle(report)["text/plain"]).splitlines()[-2]) == (method is Method.SHAPLEY)
