"""Metrics of scores that tell one class from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlmagic.spec.evaluation import Curve, ReliabilityBin

Array = np.ndarray[Any, np.dtype[Any]]

_MOST_POINTS = 200
_BINS = 10


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows by descending score: at each distinct score, how many positive and negative rows have it or a higher one."""

    scores: Array
    positives: Array
    negatives: Array

    @classmethod
    def of(cls, actual: Array, score: Array) -> Ranking:
        """Rank rows; `actual` is True for positive ones."""
        order = np.argsort(-score, kind="stable")
        ranked, is_positive = score[order], actual[order].astype(bool)
        ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, int)
        positives = np.cumsum(is_positive)[ends]
        return cls(ranked[ends], positives, ends + 1 - positives)

    @property
    def has_both(self) -> bool:
        """There are rows of either class."""
        return bool(len(self.scores) and self.positives[-1] and self.negatives[-1])

    def roc(self) -> tuple[Array, Array]:
        """Return false and true positive rates, from (0, 0) to (1, 1)."""
        false = np.append(0, self.negatives) / self.negatives[-1]
        true = np.append(0, self.positives) / self.positives[-1]
        return false, true

    def auc(self) -> float:
        """Return the area below the ROC curve: how often a positive row's score is above a negative one's."""
        if not self.has_both:
            return np.nan
        false, true = self.roc()
        return float(np.sum(np.diff(false) * (true[1:] + true[:-1])) / 2)

    def average_precision(self) -> float:
        """Return the precision at each recall, averaged."""
        if not len(self.scores) or not self.positives[-1]:
            return np.nan
        precision = self.positives / (self.positives + self.negatives)
        recall = np.append(0, self.positives) / self.positives[-1]
        return float(np.sum(np.diff(recall) * precision))


def binary_metrics(actual: Array, predicted: Array, score: Array | None = None) -> dict[str, float]:
    """Return the metrics of answers, and of the probabilities behind them; NaN where one is not defined.

    Args:
        actual: True for rows of the positive class.
        predicted: True for rows that were taken for positive.
        score: the probability that a row is positive.
    """
    actual, predicted = actual.astype(bool), predicted.astype(bool)
    right = float((actual & predicted).sum())
    found, present = float(predicted.sum()), float(actual.sum())
    answers = {
        "accuracy": float((actual == predicted).mean()) if len(actual) else np.nan,
        "precision": right / found if found else np.nan,
        "recall": right / present if present else np.nan,
        "f1": 2 * right / (found + present) if found + present else np.nan,
    }
    if score is None:
        return answers
    ranking = Ranking.of(actual, score)
    return {
        "auc": ranking.auc(),
        "average_precision": ranking.average_precision(),
        **answers,
        "log_loss": log_loss(np.where(actual, score, 1 - score)),
        "brier": float(np.mean((score - actual) ** 2)) if len(actual) else np.nan,
    }


def log_loss(probability: Array) -> float:
    """Return the mean of -log of the probability that each row's own class was given."""
    if not len(probability):
        return np.nan
    wide = probability.astype(np.float64)
    least = np.finfo(np.float64).eps
    return float(-np.mean(np.log(np.clip(wide, least, 1.0))))


def roc_curve(actual: Array, score: Array) -> Curve | None:
    """Return true over false positive rates; None unless there are rows of either class."""
    ranking = Ranking.of(actual, score)
    if not ranking.has_both:
        return None
    false, true = ranking.roc()
    return _thinned(false, true, np.append(np.inf, ranking.scores))


def precision_recall_curve(actual: Array, score: Array) -> Curve | None:
    """Return precision over recall; None without positive rows."""
    ranking = Ranking.of(actual, score)
    if not len(ranking.scores) or not ranking.positives[-1]:
        return None
    precision = ranking.positives / (ranking.positives + ranking.negatives)
    return _thinned(ranking.positives / ranking.positives[-1], precision, ranking.scores)


def calibration(actual: Array, score: Array) -> tuple[ReliabilityBin, ...]:
    """Return how often rows of about the same probability are positive, by tenths of probability; empty ones not."""
    place = np.clip((score * _BINS).astype(int), 0, _BINS - 1)
    rows = np.bincount(place, minlength=_BINS)
    predicted = np.bincount(place, weights=score, minlength=_BINS)
    positive = np.bincount(place, weights=actual.astype(float), minlength=_BINS)
    return tuple(
        ReliabilityBin(
            predicted=float(predicted[at] / rows[at]), actual=float(positive[at] / rows[at]), rows=int(rows[at])
        )
        for at in np.flatnonzero(rows)
    )


def _thinned(x: Array, y: Array, thresholds: Array) -> Curve:
    """Return a curve of a bounded number of points, spread evenly along it."""
    if len(x) > _MOST_POINTS:
        length = np.append(0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
        at = np.searchsorted(length, np.linspace(0, length[-1], _MOST_POINTS))
        kept = np.unique(np.append(np.minimum(at, len(x) - 1), [0, len(x) - 1]))
        x, y, thresholds = x[kept], y[kept], thresholds[kept]
    return Curve(x=tuple(x.tolist()), y=tuple(y.tolist()), thresholds=tuple(thresholds.astype(float).tolist()))
