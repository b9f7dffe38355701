"""Sampled Shapley values: features are put in one after the other, in random orders, and what changes is averaged.

Each order is gone both ways from the same draw, which takes away most of what pairs of features do to the error.
All rows have the same draws and orders, so they have one baseline, and their contributions can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlmagic.explanation.players import Array, Columns, Player, combined

Floats = np.ndarray[Any, np.dtype[np.float64]]
Answer = Callable[[Columns, Array], Floats]
"""Inputs, and which output of each of them is meant, to the numbers that the model returns."""

_VALUES = 1 << 22
"""How many values of all inputs are made at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which predictions are explained."""

    answer: Answer
    """Asks the model."""
    players: Sequence[Player]
    """The features."""
    rows: Columns
    """(rows, …) by input."""
    outputs: Array
    """Which output of each row is explained: (rows,)."""
    predictions: Floats
    """That output: (rows,)."""

    def part(self, some: slice) -> Question:
        """Return the question about some of the rows."""
        return replace(
            self,
            rows={name: column[some] for name, column in self.rows.items()},
            outputs=self.outputs[some],
            predictions=self.predictions[some],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    """By how much each feature moved each prediction."""

    amounts: Floats
    """(rows, features)."""
    errors: Floats | None
    """The standard error of each: (rows, features); None where nothing is sampled."""
    baselines: Floats
    """What is predicted where nothing is known of the row, of the output that is explained for it: (rows,)."""


def shapley(question: Question, draws: Columns, chance: np.random.Generator) -> Contributions:
    """Return the contributions; those of a row add up to its prediction - its baseline.

    Args:
        question: what is explained.
        draws: usual rows, (draws, …) by input; from each one order of the features is gone, both ways.
        chance: draws the orders.
    """
    count, features = len(next(iter(draws.values()))), len(question.players)
    orders = np.array([chance.permutation(features) for _ in range(count)])
    baselines = _baselines(question, draws, count)
    sums, squares = np.zeros((2, len(question.outputs), features))
    width = sum(int(np.prod(column.shape[1:])) for column in question.rows.values())
    for some, which in _parts(len(question.outputs), count, features, width):
        drawn = {name: column[which] for name, column in draws.items()}
        changes = _changes(question.part(some), drawn, orders[which], baselines[which, some])
        sums[some] += changes.sum(axis=0)
        squares[some] += (changes**2).sum(axis=0)
    means = sums / count
    variances = np.maximum(squares / count - means**2, 0.0) * count / max(1, count - 1)
    return Contributions(amounts=means, errors=np.sqrt(variances / count), baselines=baselines.mean(axis=0))


def _baselines(question: Question, draws: Columns, count: int) -> Floats:
    """Return (draws, rows): what the draws are answered, of the output that is explained for the row."""
    first = {name: column[:1] for name, column in question.rows.items()}
    asked = combined(first, draws, question.players, np.zeros((count, 1, len(question.players)), bool))
    found = np.empty((count, len(question.outputs)))
    for output in np.unique(question.outputs).tolist():
        found[:, question.outputs == output] = question.answer(asked, np.full(count, output))[:, None]
    return found


def _changes(question: Question, draws: Columns, orders: Array, baselines: Floats) -> Floats:
    """Return (draws, rows, features): what each feature changes on the two ways of each order, in the mean."""
    count, features = orders.shape
    steps = features - 1
    rank = np.argsort(orders, axis=1)[:, None, :]
    done = np.arange(1, features)[None, :, None]
    found = np.empty((count, 2, features + 1, len(question.outputs)))
    found[:, :, 0] = baselines[:, None]
    found[:, :, -1] = question.predictions
    if steps:
        # On the way back the last feature of the order is put in first.
        is_own = np.concatenate([rank < done, steps - rank < done], axis=1)
        asked = combined(question.rows, draws, question.players, is_own)
        answers = question.answer(asked, np.tile(question.outputs, count * 2 * steps))
        found[:, :, 1:-1] = answers.reshape(count, 2, steps, -1)
    changes = np.diff(found, axis=2)
    place = rank.transpose(0, 2, 1)
    forward = np.take_along_axis(changes[:, 0], place, axis=1)
    back = np.take_along_axis(changes[:, 1], steps - place, axis=1)
    return np.asarray((forward + back).transpose(0, 2, 1) / 2)


def _parts(rows: int, draws: int, features: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Yield slices of rows and of draws, so that what is asked about at a time fits in memory."""
    room = max(1, _VALUES // max(1, width) // max(1, 2 * (features - 1)))
    some = max(1, min(draws, room))
    many = max(1, room // some)
    for start in range(0, rows, many):
        for first in range(0, draws, some):
            yield slice(start, start + many), slice(first, first + some)
