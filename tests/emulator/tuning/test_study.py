"""Specs of studies: what they become, and what is refused of them."""

from __future__ import annotations

from typing import Any

import pytest

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.tuning.study import check_study, refuse_unsupported_study, study_of
from mlmagic.spec.study import Algorithm, Condition, EarlyStopping, Goal, ParameterKind, Scale, StoppingRule

RATE = {
    "parameter_id": "rate",
    "double_value_spec": {"min_value": 1e-4, "max_value": 0.1},
    "scale_type": "UNIT_LOG_SCALE",
}
UNITS = {"parameter_id": "units", "integer_value_spec": {"min_value": "1", "max_value": "64"}}
KIND = {
    "parameter_id": "kind",
    "categorical_value_spec": {"values": ["deep", "wide"]},
    "conditional_parameter_specs": [
        {"parent_categorical_values": {"values": ["deep"]}, "parameter_spec": UNITS},
    ],
}
METRIC = {"metric_id": "loss", "goal": "MINIMIZE"}


def spec(*parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"metrics": [METRIC], "parameters": list(parameters), **more}


def found(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one.field, one.description) for one in check_study(document, "study_spec")]


def test_a_study_has_all_that_the_spec_says() -> None:
    document = spec(RATE, KIND, algorithm="RANDOM_SEARCH", median_automated_stopping_spec={})
    study = study_of(document, trials=8, parallel=20, max_failed=3, seed=1)
    assert (study.metric, study.goal, study.algorithm) == ("loss", Goal.MINIMIZE, Algorithm.RANDOM)
    assert study.early_stopping == EarlyStopping(rule=StoppingRule.MEDIAN)
    assert (study.trials, study.parallel, study.max_failed) == (8, 8, 3)


def test_parameters_come_with_their_conditions() -> None:
    rate, kind, units = study_of(spec(RATE, KIND), trials=1, parallel=1, max_failed=0, seed=1).parameters
    assert (rate.kind, rate.minimum, rate.maximum, rate.scale) == (ParameterKind.DOUBLE, 1e-4, 0.1, Scale.LOG)
    assert (kind.categories, units.minimum, units.maximum) == (("deep", "wide"), 1.0, 64.0)
    assert units.condition == Condition(parameter="kind", values=("deep",))


def test_an_unset_goal_maximizes() -> None:
    document = {"metrics": [{"metric_id": "auc"}], "parameters": [UNITS]}
    assert study_of(document, trials=1, parallel=1, max_failed=0, seed=1).goal is Goal.MAXIMIZE


def test_a_good_study_passes() -> None:
    assert found(spec(RATE, KIND)) == []


@pytest.mark.parametrize(
    ("parameter", "field", "text"),
    [
        ({"parameter_id": "x"}, "parameter_value_spec", "Required field is not set."),
        ({**UNITS, "parameter_id": "a b"}, "parameter_id", "'a b' must not contain whitespace."),
        (
            {"parameter_id": "x", "double_value_spec": {"min_value": 2.0, "max_value": 1.0}},
            "double_value_spec.min_value",
            "The minimum 2 is larger than the maximum 1.",
        ),
        (
            {"parameter_id": "x", "discrete_value_spec": {"values": [1.0, 1.0]}},
            "discrete_value_spec.values",
            "Discrete values must be strictly increasing, and at most 1000.",
        ),
        (
            {"parameter_id": "x", "categorical_value_spec": {"values": []}},
            "categorical_value_spec.values",
            "Required field is not set.",
        ),
        (
            {**RATE, "double_value_spec": {"max_value": 1.0}},
            "scale_type",
            "UNIT_LOG_SCALE needs a strictly positive feasible space.",
        ),
        ({**KIND, "scale_type": "UNIT_LINEAR_SCALE"}, "scale_type", "A categorical parameter has no scale type."),
        (
            {**RATE, "double_value_spec": {"min_value": 1.0, "max_value": 2.0, "default_value": 1.5}},
            "double_value_spec.default_value",
            "A default value is not supported by HyperparameterTuningJob.",
        ),
    ],
)
def test_what_is_wrong_with_a_parameter(parameter: dict[str, Any], field: str, text: str) -> None:
    assert found(spec(parameter)) == [(f"study_spec.parameters[0].{field}", text)]


def test_grid_search_needs_a_grid() -> None:
    [(field, text)] = found(spec(RATE, algorithm="GRID_SEARCH"))
    assert field == "study_spec.parameters[0].double_value_spec"
    assert text == "Grid search needs INTEGER, CATEGORICAL or DISCRETE parameters."


def test_metrics_and_parameters_are_required_and_unique() -> None:
    assert [field for field, _ in found({})] == ["study_spec.metrics", "study_spec.parameters"]
    assert found(spec(UNITS, UNITS)) == [("study_spec.parameters", "Parameter id 'units' is not unique.")]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"metrics": [METRIC, METRIC]}, "several metrics"),
        ({"convex_automated_stopping_spec": {}}, "convex_automated_stopping_spec"),
        ({"study_stopping_config": {}}, "study_stopping_config"),
    ],
)
def test_what_the_engine_cannot_do_is_refused(more: dict[str, Any], what: str) -> None:
    with pytest.raises(ApiError) as raised:
        refuse_unsupported_study({**spec(RATE), **more})
    assert raised.value.status == "UNIMPLEMENTED"
    assert raised.value.message == f"mlmagic's emulator does not implement study_spec: {what}."
