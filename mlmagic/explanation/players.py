"""What contributes to a prediction: an input of the model, or one place of an input that is a vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Columns = Mapping[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A feature. `place` is None where the input has one value for a row."""

    name: str
    input: str
    place: int | None = None

    def values(self, columns: Columns) -> Array:
        """Return its value in each row."""
        column = columns[self.input]
        return column.reshape(len(column), -1)[:, self.place or 0]


def combined(rows: Columns, draws: Columns, players: Sequence[Player], is_own: Array) -> dict[str, Array]:
    """Return inputs in which each feature is the row's own or that of a draw.

    Args:
        rows: (rows, …) by input.
        draws: (draws, …) by input.
        players: the features; an input without one is the row's own.
        is_own: (draws, states, features), where a feature is the row's own.

    Returns:
        By input (draws × states × rows, …), in this order.
    """
    count, states = is_own.shape[:2]
    made = {}
    for name, own in rows.items():
        places = [at for at, player in enumerate(players) if player.input == name]
        flat = own.reshape(len(own), -1)
        shape = (count, states, len(own), flat.shape[1])
        if not places:
            mixed = np.broadcast_to(flat, shape)
        else:
            drawn = draws[name].reshape(count, -1)
            mixed = np.where(is_own[:, :, None, places], flat[None, None], drawn[:, None, None, :])
        made[name] = mixed.reshape(-1, *own.shape[1:])
    return made
