"""Evaluations as pages, charts and text."""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from mlmagic.evaluation.outcome import Outcome, evaluate_outcome
from mlmagic.evaluation.slices import SLICE_METRICS, slices
from mlmagic.panels import evaluation_bundle, evaluation_chart_bundle
from mlmagic.panels.evaluation_charts import charts_of
from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.evaluation import EvaluationReport, Importance, Importances, ReliabilityBin, Task

VEGA = "application/vnd.vegalite.v5+json"
CHANCE = np.random.default_rng(3)
ROWS = 300


def outcome(task, version, noise, labels=()):
    classes = len(labels)
    actual = CHANCE.normal(10, 3, ROWS) if task is Task.REGRESSION else np.arange(ROWS) % classes
    if task is Task.REGRESSION:
        return Outcome(version=version, task=task, actual=actual, predicted=actual + CHANCE.normal(0, noise, ROWS))
    is_wrong = CHANCE.random(ROWS) < noise
    predicted = np.where(is_wrong, (actual + 1) % classes, actual)
    score = np.where(is_wrong, 0.2, 0.9)
    score = np.where(actual == 1, score, 1 - score) if task is Task.BINARY else score
    return Outcome(version=version, task=task, actual=actual, predicted=predicted, score=score, labels=tuple(labels))


def report_of(task, *noises, labels=(), by=False, **fields):
    state = CHANCE.bit_generator.state
    outcomes = []
    for number, noise in enumerate(noises, 1):
        CHANCE.bit_generator.state = state
        outcomes.append(outcome(task, f"taxi@{number}", noise, labels))
    first = outcomes[0]
    parts = [("<b>card</b>", np.arange(280)), ("cash", np.arange(280, ROWS))] if by else []
    return EvaluationReport(
        task=task,
        data="rides@1",
        split="test",
        target="fare",
        rows=ROWS,
        classes=len(labels) or None,
        by="payment" if by else None,
        slice_metrics=SLICE_METRICS[task] if by else (),
        slices=slices(parts, outcomes),
        versions=tuple(evaluate_outcome(each, None if each is first else first) for each in outcomes),
        **fields,
    )


@pytest.fixture
def regression():
    return report_of(Task.REGRESSION, 1.0, 0.5, by=True, without_target=2, notes=("a note",))


def test_a_page_tells_metrics_differences_and_slices(regression):
    bundle = evaluation_bundle(regression)
    text, html = bundle["text/plain"], bundle["text/html"]
    assert text.splitlines()[0].split() == ["taxi@1", "·", "taxi@2", "300", "rows", "of", "test", "of", "rides@1"]
    assert "taxi@2 - taxi@1" in text
    assert "✓ -0." in text
    assert "rmse by payment" in text
    assert "~ cash" in text
    assert "2 rows have no fare: left out." in text
    assert "Next: %models set-default taxi@2" in text
    assert "root of the mean squared error" in html
    assert "&lt;b&gt;card&lt;/b&gt;" in html
    assert "<b>card" not in html


def test_lines_fit_a_terminal(regression):
    assert max(map(len, evaluation_bundle(regression)["text/plain"].splitlines())) <= 80
    labels = [f"a class with number {number}" for number in range(14)]
    several = report_of(Task.MULTICLASS, 0.1, 0.2, 0.3, 0.4, labels=labels, by=True)
    assert max(map(len, evaluation_bundle(several)["text/plain"].splitlines())) <= 80


def test_one_version_has_no_differences_and_hints_at_slices():
    text = evaluation_bundle(report_of(Task.REGRESSION, 1.0))["text/plain"]
    assert "better" not in text
    assert text.endswith("Next: %models evaluate taxi@1 --data rides@1 --split test --by COLUMN")


def test_the_same_versions_differ_by_chance():
    text = evaluation_bundle(report_of(Task.REGRESSION, 1.0, 1.0))["text/plain"]
    assert "= 0" in text
    assert "set-default" not in text


def test_classes_have_a_matrix_and_a_table():
    labels = ["a<", *(f"class {number}" for number in range(15))]
    bundle = evaluation_bundle(report_of(Task.MULTICLASS, 0.2, labels=labels, by=True))
    assert "fare, one of 16 classes" in bundle["text/plain"]
    assert "Confusion matrix of taxi@1" in bundle["text/plain"]
    assert "class     rows" in bundle["text/plain"]
    assert "others" in bundle["text/html"]


def test_two_classes_say_which_is_positive():
    report = report_of(Task.BINARY, 0.1, labels=("card", "cash"), positive="cash", threshold=0.4, every=23)
    text = evaluation_bundle(report)["text/plain"]
    assert "fare: positive is cash, above 0.4" in text
    assert "300 rows of test of rides@1, each 23rd" in text


@pytest.mark.parametrize(
    ("task", "labels", "titles"),
    [
        (Task.REGRESSION, (), ["Actual over predicted, by tenths", "Errors", "rmse by payment"]),
        (
            Task.BINARY,
            ("card", "cash"),
            [
                "ROC",
                "Precision over recall",
                "Calibration",
                "Confusion of taxi@1",
                "Confusion of taxi@2",
                "auc by payment",
            ],
        ),
        (Task.MULTICLASS, ("a", "b", "c"), ["Confusion of taxi@1", "Confusion of taxi@2", "accuracy by payment"]),
    ],
)
def test_charts_fit_the_task(task, labels, titles):
    bundle = evaluation_chart_bundle(report_of(task, 0.3, 0.1, labels=labels, by=True))
    spec = json.loads(json.dumps(bundle[VEGA], allow_nan=False))
    assert [panel["title"]["text"] for panel in spec["concat"]] == titles
    picture = ET.fromstring(bundle["image/svg+xml"])  # noqa: S314 - our own
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert set(titles) <= set(texts)
    assert {"taxi@1", "taxi@2"} <= set(texts) or task is Task.MULTICLASS
    assert bundle["text/plain"] == f"Charts: {', '.join(titles)}"


def test_numbers_can_be_read_on_any_cell():
    bundle = evaluation_chart_bundle(report_of(Task.BINARY, 0.1, labels=("card", "cash")))
    cells, numbers = next(panel for panel in bundle[VEGA]["concat"] if panel["title"]["text"] == "Confusion")["layer"]
    assert numbers["encoding"]["color"]["condition"] == {"test": "datum.part > 0.45", "value": "white"}
    assert cells["encoding"]["x"]["axis"]["labelAngle"] == 0


@pytest.mark.parametrize(("rows", "places", "title"), [(500, [0.1], ", of 10 rows or more"), (5, [0.1, 0.8], "")])
def test_a_handful_of_rows_is_no_calibration(rows, places, title):
    report = report_of(Task.BINARY, 0.1, labels=("card", "cash"))
    parts = ReliabilityBin(predicted=0.1, actual=0.1, rows=rows), ReliabilityBin(predicted=0.8, actual=0.0, rows=1)
    version = dataclasses.replace(report.versions[0], reliability=parts)
    charts = charts_of(dataclasses.replace(report, versions=(version,)))
    chart = next(chart for chart in charts if chart.title == "Calibration")
    assert [x for x, _ in chart.lines[0].points] == places
    assert chart.x == f"predicted probability{title}"


def test_a_report_comes_back_from_json(regression):
    assert loads(EvaluationReport, dumps(regression)) == regression
    binary = report_of(Task.BINARY, 0.1, labels=("card", "cash"))
    assert loads(EvaluationReport, dumps(binary)) == binary


def test_metrics_that_are_not_defined_are_dashes():
    nothing = Outcome(version="taxi@1", task=Task.BINARY, actual=np.zeros(3, int), predicted=np.zeros(3, int))
    version = evaluate_outcome(dataclasses.replace(nothing, score=np.full(3, 0.1), labels=("a", "b")))
    report = EvaluationReport(task=Task.BINARY, data="a DataFrame", target="x", rows=3, versions=(version,))
    text = evaluation_bundle(report)["text/plain"]
    assert ["auc", "—"] in [line.split() for line in text.splitlines()]
    assert "3 rows of a DataFrame" in text


def test_columns_that_a_version_needs_are_a_table(regression):
    columns = tuple(
        Importance(version=version, column=name, worse=worse, error=0.01)
        for version in ("taxi@1", "taxi@2")
        for name, worse in {"<b>miles</b>": 2.5, "hour": None}.items()
    )
    found = Importances(metric="rmse", rows=300, columns=columns)
    bundle = evaluation_bundle(dataclasses.replace(regression, importances=found))
    told = "By how much rmse gets worse when a column is shuffled, in 300 rows"
    assert told in bundle["text/plain"]
    assert (told in bundle["text/html"], "<b>miles" in bundle["text/html"]) == (True, False)
    alone = dataclasses.replace(regression, versions=regression.versions[:1], slices=(), importances=found)
    assert "2.500  0.01" in evaluation_bundle(alone)["text/plain"]
