"""Sampled Shapley values beside all orders, counted one by one."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from mlmagic.explanation import shapley as module
from mlmagic.explanation.players import Player
from mlmagic.explanation.shapley import Contributions, Question, shapley

PLAYERS = (
    Player(name="a", input="a"),
    Player(name="v[0]", input="v", place=0),
    Player(name="v[1]", input="v", place=1),
    Player(name="t", input="t"),
)
CHANCE = np.random.default_rng(1)
ROWS = {
    "a": CHANCE.normal(size=6),
    "v": CHANCE.normal(size=(6, 2)),
    "t": np.array(["x", "y"] * 3, object)[:, None],
    "key": np.arange(6),
}
DRAWS = {"a": np.array([0.5]), "v": np.array([[1.0, -1.0]]), "t": np.array([["y"]], object)}


def answer(columns: Any, outputs: Any) -> Any:
    """Features that act together, and two outputs."""
    is_x = columns["t"][:, 0] == "x"
    first = columns["a"] * columns["v"][:, 0] + np.where(is_x, columns["v"][:, 1] ** 2, 1.0)
    return np.where(outputs == 0, first, columns["a"] + 10.0)


def question(outputs: Any) -> Question:
    return Question(answer=answer, players=PLAYERS, rows=ROWS, outputs=outputs, predictions=answer(ROWS, outputs))


def explained(draws: Any, outputs: Any, seed: int = 2) -> Contributions:
    return shapley(question(outputs), draws, np.random.default_rng(seed))


def exact(row: int) -> Any:
    """Return the Shapley values of the first output by going through all 24 orders."""
    found = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        mixed = {name: np.array(DRAWS[name] if name in DRAWS else ROWS[name][[row]]) for name in ROWS}
        before = answer(mixed, 0)[0]
        for at in order:
            player = PLAYERS[at]
            flat = mixed[player.input].reshape(1, -1)
            flat[0, player.place or 0] = ROWS[player.input][row].ravel()[player.place or 0]
            mixed[player.input] = flat.reshape(mixed[player.input].shape)
            after = answer(mixed, 0)[0]
            found[at] += (after - before) / len(orders)
            before = after
    return found


def test_many_orders_come_to_what_all_orders_give() -> None:
    draws = {name: np.repeat(column, 600, axis=0) for name, column in DRAWS.items()}
    found = explained(draws, np.zeros(6, int))
    assert found.errors is not None
    for row in range(6):
        away = np.abs(found.amounts[row] - exact(row))
        assert (away <= 4 * found.errors[row] + 1e-12).all()


def test_contributions_add_up_whatever_is_drawn() -> None:
    draws = {name: np.repeat(column, 4, axis=0) for name, column in DRAWS.items()}
    draws["a"] = np.arange(4.0)
    outputs = np.array([0, 1, 0, 1, 0, 1])
    found = explained(draws, outputs)
    np.testing.assert_allclose(found.amounts.sum(axis=1), answer(ROWS, outputs) - found.baselines)
    np.testing.assert_allclose(found.baselines[1::2], 11.5)
    np.testing.assert_allclose(found.amounts[1::2, 1:], 0.0)


def test_parts_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = {name: np.repeat(column, 8, axis=0) for name, column in DRAWS.items()}
    whole = explained(draws, np.zeros(6, int))
    for values in (1, 100, 400):
        monkeypatch.setattr(module, "_VALUES", values)
        parts = explained(draws, np.zeros(6, int))
        np.testing.assert_allclose(parts.amounts, whole.amounts)
        np.testing.assert_allclose(parts.errors, whole.errors, atol=1e-7)


def test_a_lone_feature_has_all_of_the_difference() -> None:
    alone = Question(
        answer=lambda columns, _: columns["a"] * 2.0,
        players=PLAYERS[:1],
        rows={"a": np.array([3.0])},
        outputs=np.zeros(1, int),
        predictions=np.array([6.0]),
    )
    found = shapley(alone, {"a": np.array([0.0, 1.0])}, np.random.default_rng(0))
    assert found.amounts.tolist() == [[5.0]]
    assert found.baselines.tolist() == [1.0]
