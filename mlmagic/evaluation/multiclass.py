"""Metrics of answers that name one of several classes. Classes are numbers from 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlmagic.evaluation.binary import log_loss
from mlmagic.spec.evaluation import ClassMetrics, Confusion

Array = np.ndarray[Any, np.dtype[Any]]

TOP = 3
"""A row counts as found where its class is among the so many most probable ones."""
_LISTED = 20
_ALMOST_ONE = 1e-3
_SHOWN = 12


def multiclass_metrics(
    actual: Array, predicted: Array, classes: int, own: Array | None = None, rank: Array | None = None
) -> dict[str, float]:
    """Return the metrics of answers, and of the probabilities behind them; NaN where one is not defined.

    A class that is in no row and was never predicted counts in no average.

    Args:
        actual: the class of each row.
        predicted: the class that it was taken for.
        classes: how many there are.
        own: the probability that each row's own class was given.
        rank: see `ranks`.
    """
    if not len(actual):
        return dict.fromkeys(("accuracy", "f1_macro", "f1_weighted", "precision_macro", "recall_macro"), np.nan)
    right, present, found = _counts(actual, predicted, classes)
    is_there = (present + found) > 0
    f1 = 2 * right / np.maximum(present + found, 1)
    metrics = {
        "accuracy": float(right.sum() / len(actual)),
        "f1_macro": float(f1[is_there].mean()),
        "f1_weighted": float(np.sum(f1 * present) / len(actual)),
        "precision_macro": float((right / np.maximum(found, 1))[is_there].mean()),
        "recall_macro": float((right / np.maximum(present, 1))[is_there].mean()),
    }
    if rank is not None and classes > TOP:
        metrics[f"top_{TOP}_accuracy"] = float(np.mean(rank < TOP))
    if own is not None:
        metrics["log_loss"] = log_loss(own)
    return metrics


def are_probabilities(scores: Array) -> bool:
    """Say whether each row has a probability for each class: none of them missing, together 1. Of no rows they are."""
    if not len(scores):
        return True
    return bool(scores.min() >= 0 and scores.max() <= 1 and np.abs(scores.sum(axis=1) - 1).max() < _ALMOST_ONE)


def ranks(scores: Array, actual: Array) -> Array:
    """Return how many classes have a higher score than a row's own; of equal ones those with a higher number count."""
    own = scores[np.arange(len(actual)), actual][:, None]
    is_later = np.arange(scores.shape[1])[None, :] > actual[:, None]
    rank: Array = ((scores > own) | ((scores == own) & is_later)).sum(axis=1)
    return rank


def class_metrics(actual: Array, predicted: Array, labels: Sequence[str]) -> tuple[ClassMetrics, ...]:
    """Return precision, recall and f1 of the most frequent classes."""
    right, present, found = _counts(actual, predicted, len(labels))
    order = np.argsort(-(present + found), kind="stable")[:_LISTED]
    return tuple(
        ClassMetrics(
            label=labels[at],
            rows=int(present[at]),
            precision=float(right[at] / found[at]) if found[at] else None,
            recall=float(right[at] / present[at]) if present[at] else None,
            f1=float(2 * right[at] / (found[at] + present[at])),
        )
        for at in order
        if present[at] + found[at]
    )


def confusion(actual: Array, predicted: Array, labels: Sequence[str]) -> Confusion:
    """Return which class was taken for which; all but the most frequent classes are one."""
    size = np.bincount(actual, minlength=len(labels)) + np.bincount(predicted, minlength=len(labels))
    present = np.flatnonzero(size)
    has_others = len(present) > _SHOWN
    kept = present if not has_others else np.sort(np.argsort(-size, kind="stable")[: _SHOWN - 1])
    place = np.full(len(labels), len(kept))
    place[kept] = np.arange(len(kept))
    width = len(kept) + has_others
    counts = np.bincount(place[actual] * width + place[predicted], minlength=width * width).reshape(width, width)
    shown = tuple(labels[at] for at in kept)
    return Confusion(labels=shown, counts=tuple(tuple(row) for row in counts.tolist()), has_others=has_others)


def _counts(actual: Array, predicted: Array, classes: int) -> tuple[Array, Array, Array]:
    """Return how many rows of each class were recognised, are there, and were taken for it."""
    right = np.bincount(actual[actual == predicted], minlength=classes)
    return right, np.bincount(actual, minlength=classes), np.bincount(predicted, minlength=classes)
