"""Metrics of two classes, beside scikit-learn's; scores with ties, and rows of one class."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as peers
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.evaluation.binary import binary_metrics, calibration, precision_recall_curve, roc_curve

# Of a few distinct scores many are the same.
SCORES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.75, 1.0]) | st.floats(0, 1)
ROWS = st.lists(st.tuples(st.booleans(), SCORES), min_size=1, max_size=60)
BOTH = ROWS.filter(lambda rows: len({is_positive for is_positive, _ in rows}) == 2)


def arrays(rows):
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


@settings(deadline=None, max_examples=50)
@given(BOTH)
def test_metrics_of_scores_are_those_of_scikit_learn(rows):
    actual, score = arrays(rows)
    metrics = binary_metrics(actual, score > 0.5, score)
    assert metrics["auc"] == pytest.approx(peers.roc_auc_score(actual, score))
    assert metrics["average_precision"] == pytest.approx(peers.average_precision_score(actual, score))
    assert metrics["log_loss"] == pytest.approx(peers.log_loss(actual, score), rel=1e-4)
    assert metrics["brier"] == pytest.approx(peers.brier_score_loss(actual, score))


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_metrics_of_answers_are_those_of_scikit_learn(rows):
    actual, score = arrays(rows)
    predicted = score > 0.5
    metrics = binary_metrics(actual, predicted)
    assert metrics["accuracy"] == pytest.approx(peers.accuracy_score(actual, predicted))
    for name, peer in (
        ("precision", peers.precision_score),
        ("recall", peers.recall_score),
        ("f1", peers.f1_score),
    ):
        assert metrics[name] == pytest.approx(peer(actual, predicted, zero_division=np.nan), nan_ok=True)


def test_of_one_class_what_needs_both_is_not_defined():
    metrics = binary_metrics(np.zeros(4, bool), np.zeros(4, bool), np.full(4, 0.25))
    assert [name for name, value in metrics.items() if np.isnan(value)] == [
        "auc",
        "average_precision",
        "precision",
        "recall",
        "f1",
    ]
    assert metrics["brier"] == 0.0625
    assert roc_curve(np.zeros(4, bool), np.full(4, 0.25)) is None
    assert precision_recall_curve(np.zeros(4, bool), np.full(4, 0.25)) is None


def test_a_constant_score_tells_nothing():
    metrics = binary_metrics(np.array([True, False, False]), np.ones(3, bool), np.full(3, 0.7))
    assert (metrics["auc"], metrics["average_precision"]) == (0.5, pytest.approx(1 / 3))


@settings(deadline=None, max_examples=50)
@given(BOTH)
def test_curves_go_through_the_points_of_scikit_learn(rows):
    actual, score = arrays(rows)
    false, true, _ = peers.roc_curve(actual, score, drop_intermediate=False)
    curve = roc_curve(actual, score)
    assert curve.x == pytest.approx(false.tolist())
    assert curve.y == pytest.approx(true.tolist())
    precision, recall, thresholds = peers.precision_recall_curve(actual, score)
    found = precision_recall_curve(actual, score)
    assert found.y == pytest.approx(precision[-2::-1].tolist())
    assert found.x == pytest.approx(recall[-2::-1].tolist())
    assert found.thresholds == pytest.approx(thresholds[::-1].tolist())


def test_curves_of_many_rows_stay_small_and_near():
    chance = np.random.default_rng(1)
    actual = chance.random(50_000) < 0.3
    score = np.clip(0.3 * actual + chance.random(50_000), 0, 1.3) / 1.3
    curve = roc_curve(actual, score)
    assert len(curve.x) <= 202
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    whole = binary_metrics(actual, score > 0.5, score)["auc"]
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(whole, abs=1e-3)


def test_calibration_is_by_tenths_of_probability():
    score = np.array([0.05, 0.05, 0.95, 1.0])
    low, high = calibration(np.array([False, True, True, True]), score)
    assert (low.predicted, low.actual, low.rows) == (0.05, 0.5, 2)
    assert (high.predicted, high.actual, high.rows) == (pytest.approx(0.975), 1.0, 2)
