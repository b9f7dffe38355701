from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.panels.numbers import best, column, lower_is_better, number

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([12.34567, 0.0123], ["12.3457", "0.0123"]),
        ([0.001234, 0.0011994], ["0.001234", "0.001199"]),
        ([0.99999, 0.5, None], ["1.0000", "0.5000", "—"]),
        ([-3.25, 100.0], ["-3.250", "100.000"]),
        ([3, 12345.0], ["3", "12345"]),
        ([0, 0.5], ["0.0000", "0.5000"]),
        ([1e-12, 2e-12], ["1.000e-12", "2.000e-12"]),
        ([1e12, 0.5], ["1.000e+12", "5.000e-01"]),
        ([NAN, INF, 0.25], ["nan", "inf", "0.2500"]),
        ([None], ["—"]),
    ],
)
def test_a_column_has_the_same_decimals(values, shown):
    assert column(values) == shown


@given(st.lists(st.none() | st.floats() | st.integers(-(10**20), 10**20)))
def test_any_numbers_can_be_shown(values):
    assert len(column(values)) == len(values)
    assert best("loss", values) < frozenset(range(max(1, len(values))))


@pytest.mark.parametrize(("value", "shown"), [(0.41239, "0.4124"), (1.5, "1.500"), (7.0, "7"), (NAN, "nan")])
def test_a_number_alone(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    "name", ["loss", "val_loss", "Head/Loss", "mean_squared_error", "mae_1", "rmse", "accuracy_loss"]
)
def test_lower_is_better(name):
    assert lower_is_better(name) is True


@pytest.mark.parametrize("name", ["accuracy", "val_top-5-accuracy", "auc_1", "f1_score", "r2", "r2_score", "Recall"])
def test_higher_is_better(name):
    assert lower_is_better(name) is False


@pytest.mark.parametrize("name", ["", "learning_rate", "loss_scale", "steps", "glosses", "<script>"])
def test_which_is_better_is_not_guessed(name):
    assert lower_is_better(name) is None
    assert best(name, [1.0, 2.0]) == frozenset()


@pytest.mark.parametrize(
    ("name", "values", "winners"),
    [
        ("loss", [0.5, 0.2, 0.3], {1}),
        ("accuracy", [0.5, None, 0.9, NAN], {2}),
        ("loss", [0.20001, 0.200012, 0.3], {0, 1}),
        ("loss", [-INF, 0.2, 0.1], {2}),
        ("loss", [0.2, 0.2], set()),
        ("loss", [0.2, None], set()),
        ("loss", [NAN, NAN], set()),
    ],
)
def test_the_best_is_found_where_there_is_a_choice(name, values, winners):
    assert best(name, values) == winners
