"""Integrated gradients (Sundararajan, Taly and Yan, 2017): gradients along the line from the usual row to each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mlmagic.explanation.players import Array, Columns
from mlmagic.explanation.shapley import Floats, Question

Gradient = Callable[[Columns, Array], Mapping[str, Array]]
"""Inputs, and which output of each of them is meant, to the gradients by each input."""

_VALUES = 1 << 22


def integrated_gradients(gradient: Gradient, question: Question, usual: Columns, *, steps: int) -> Floats:
    """Return the contributions, (rows, features); they add up to prediction - baseline as far as the steps are fine.

    Args:
        gradient: asks the model.
        question: what is explained; the inputs of its features are numbers.
        usual: one row of these, (1, …) by input.
        steps: points on the line, each in the middle of its part.
    """
    rows, players, outputs = question.rows, question.players, question.outputs
    width = sum(int(np.prod(column.shape[1:])) for column in rows.values())
    many = max(1, _VALUES // max(1, width * steps))
    places = (np.arange(steps) + 0.5) / steps
    found = np.empty((len(outputs), len(players)))
    for start in range(0, len(outputs), many):
        some = slice(start, start + many)
        part = {name: column[some] for name, column in rows.items()}
        count = len(outputs[some])
        points = _points(part, usual, {player.input for player in players}, places)
        slopes = gradient(points, np.tile(outputs[some], steps))
        for at, player in enumerate(players):
            slope = player.values(slopes).reshape(steps, count).astype(np.float64).mean(axis=0)
            found[some, at] = slope * (player.values(part).astype(np.float64) - player.values(usual))
    return found


def _points(rows: Columns, usual: Columns, moved: set[str], places: Floats) -> dict[str, Array]:
    """Return (steps × rows, …) by input; one that does not contribute is the row's own."""
    found = {}
    for name, own in rows.items():
        if name in moved:
            along = places.reshape(-1, *[1] * own.ndim)
            points = (usual[name][None] + along * (own[None] - usual[name][None])).astype(own.dtype)
        else:
            points = np.broadcast_to(own, (len(places), *own.shape))
        found[name] = points.reshape(-1, *own.shape[1:])
    return found
