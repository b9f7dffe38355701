"""Metrics of several classes, beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as peers
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.evaluation.multiclass import class_metrics, confusion, multiclass_metrics, ranks

CLASSES = 5
ROWS = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=60)
LABELS = ["a", "b", "c", "d", "e"]


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_metrics_are_those_of_scikit_learn(rows):
    actual, predicted = np.array(rows).T
    metrics = multiclass_metrics(actual, predicted, CLASSES)
    assert metrics["accuracy"] == pytest.approx(peers.accuracy_score(actual, predicted))
    assert metrics["f1_weighted"] == pytest.approx(peers.f1_score(actual, predicted, average="weighted"))
    of_classes = {"average": "macro", "zero_division": 0}
    assert metrics["f1_macro"] == pytest.approx(peers.f1_score(actual, predicted, **of_classes))
    assert metrics["precision_macro"] == pytest.approx(peers.precision_score(actual, predicted, **of_classes))
    assert metrics["recall_macro"] == pytest.approx(peers.recall_score(actual, predicted, **of_classes))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_probabilities_are_judged_as_by_scikit_learn(seed, rows):
    chance = np.random.default_rng(seed)
    scores = chance.random((rows, CLASSES)) + 0.01
    scores /= scores.sum(axis=1, keepdims=True)
    actual = chance.integers(0, CLASSES, rows)
    own = scores[np.arange(rows), actual]
    metrics = multiclass_metrics(actual, scores.argmax(axis=1), CLASSES, own, ranks(scores, actual))
    known = list(range(CLASSES))
    assert metrics["log_loss"] == pytest.approx(peers.log_loss(actual, scores, labels=known))
    assert metrics["top_3_accuracy"] == pytest.approx(peers.top_k_accuracy_score(actual, scores, k=3, labels=known))


def test_of_equal_scores_the_later_class_comes_first():
    scores = np.array([[0.25, 0.25, 0.25, 0.25]] * 4)
    assert ranks(scores, np.arange(4)).tolist() == [3, 2, 1, 0]


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_the_matrix_is_that_of_scikit_learn(rows):
    actual, predicted = np.array(rows).T
    found = confusion(actual, predicted, LABELS)
    present = [LABELS.index(label) for label in found.labels]
    whole = peers.confusion_matrix(actual, predicted, labels=range(CLASSES))
    assert np.array(found.counts).tolist() == whole[np.ix_(present, present)].tolist()
    assert not found.has_others


def test_rare_classes_are_one():
    actual = np.concatenate([np.arange(20), np.zeros(50, int)])
    found = confusion(actual, actual, [f"c{number}" for number in range(20)])
    assert found.has_others
    assert len(found.labels) == 11
    assert len(found.counts) == 12
    assert found.counts[-1][-1] == 9
    assert sum(map(sum, found.counts)) == 70


def test_each_class_has_its_own_metrics():
    first, second, third = class_metrics(np.array([0, 0, 1]), np.array([0, 1, 3]), LABELS)
    assert (first.label, first.rows, first.precision, first.recall, first.f1) == (
        "a",
        2,
        1.0,
        0.5,
        pytest.approx(2 / 3),
    )
    assert (second.label, second.precision, second.recall) == ("b", 0.0, 0.0)
    assert (third.label, third.rows, third.precision, third.recall) == ("d", 0, 0.0, None)


def test_no_rows_have_no_metrics():
    empty = np.zeros(0, int)
    assert all(np.isnan(value) for value in multiclass_metrics(empty, empty, 3).values())
