"""The words of a tuning call."""

from __future__ import annotations

import pytest

from mlmagic.api.tuning_words import (
    guess_goal,
    read_algorithm,
    read_early_stopping,
    read_goal,
    read_metric,
    read_selection,
)
from mlmagic.errors import UsageError
from mlmagic.spec.study import Algorithm, EarlyStopping, Goal, MeasurementSelection, StoppingRule


@pytest.mark.parametrize(
    ("metric", "goal"),
    [
        ("val_loss", Goal.MINIMIZE),
        ("mean_squared_error", Goal.MINIMIZE),
        ("val_rmse", Goal.MINIMIZE),
        ("sparse_categorical_crossentropy", Goal.MINIMIZE),
        ("val_accuracy", Goal.MAXIMIZE),
        ("AUC_1", Goal.MAXIMIZE),
        ("r2_score", Goal.MAXIMIZE),
        ("neg_mean_squared_error", None),
        ("training/hptuning/metric", None),
        ("score", None),
        ("lossless", None),
    ],
)
def test_the_name_of_a_metric_tells_the_goal_where_it_is_sure(metric: str, goal: Goal | None) -> None:
    assert guess_goal(metric) is goal


def test_a_goal_that_is_given_wins_and_one_that_is_not_sure_is_asked_for() -> None:
    assert read_goal("Maximize", "val_loss") is read_goal(Goal.MAXIMIZE, "x") is Goal.MAXIMIZE
    with pytest.raises(UsageError) as caught:
        read_goal(None, "score")
    assert str(caught.value) == (
        "is score better when it is high, or when it is low? Its name does not tell: give goal, maximize or minimize."
    )


@pytest.mark.parametrize("word", ["grid", "GRID_SEARCH", "grid-search", "Grid"])
def test_vertex_ais_words_are_taken_too(word: str) -> None:
    assert read_algorithm(word) is Algorithm.GRID


def test_what_is_not_said_is_the_default() -> None:
    assert read_algorithm(None) is Algorithm.BAYESIAN
    assert read_selection(None) is MeasurementSelection.LAST
    assert read_early_stopping(None) is read_early_stopping("none") is None


def test_rules_of_early_stopping() -> None:
    curve = EarlyStopping(rule=StoppingRule.DECAY_CURVE)
    assert (
        read_early_stopping("decay_curve") == read_early_stopping("decay-curve") == read_early_stopping(curve) == curve
    )
    assert read_selection("best") is MeasurementSelection.BEST


@pytest.mark.parametrize(
    ("read", "word", "message"),
    [
        (read_algorithm, "baysian", "algorithm cannot be 'baysian'. Did you mean bayesian?"),
        (read_algorithm, 3, "algorithm cannot be 3. It is one of bayesian, grid, random."),
        (
            read_early_stopping,
            "hyperband",
            "early_stopping cannot be 'hyperband'. It is one of median, decay-curve, none.",
        ),
        (read_selection, "first", "selection cannot be 'first'. It is one of last, best."),
        (read_metric, None, "metric is missing: name what the trials report, such as val_loss."),
        (read_metric, 3, "metric must be a name, such as 'val_loss', not int 3."),
        (read_metric, "val loss", "metric 'val loss' has blanks in it; Vertex AI takes none."),
    ],
)
def test_words_that_mean_nothing(read: object, word: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(word)  # type: ignore[operator]
    assert str(caught.value) == message
