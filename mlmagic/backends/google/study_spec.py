"""What a study searches → Vertex AI's StudySpec, as the message of its API in snake_case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlmagic.spec.study import (
    Algorithm,
    Condition,
    MeasurementSelection,
    Parameter,
    ParameterKind,
    StoppingRule,
    StudySpec,
)

_RULES = {
    StoppingRule.MEDIAN: "median_automated_stopping_spec",
    StoppingRule.DECAY_CURVE: "decay_curve_stopping_spec",
}
_PARENT_VALUES = {
    ParameterKind.INTEGER: "parent_int_values",
    ParameterKind.DISCRETE: "parent_discrete_values",
    ParameterKind.CATEGORICAL: "parent_categorical_values",
}


def study_spec(study: StudySpec) -> dict[str, Any]:
    """Return the StudySpec of a study. What only mlmagic has is not in it: `study_problems` tells that."""
    found: dict[str, Any] = {
        "metrics": [{"metric_id": study.metric, "goal": study.goal.value}],
        "parameters": [_parameter(item, study.parameters) for item in study.parameters if item.condition is None],
        "algorithm": study.algorithm.value,
    }
    if study.selection is not MeasurementSelection.LAST:
        found["measurement_selection_type"] = study.selection.value
    if study.early_stopping is not None:
        is_by_time = study.early_stopping.use_elapsed_duration
        found[_RULES[study.early_stopping.rule]] = {"use_elapsed_duration": True} if is_by_time else {}
    return found


def study_note(study: StudySpec) -> str | None:
    """Return what is to be known of how Vertex AI searches, where that is not as here."""
    told = []
    if study.resumes is not None:
        told.append(f"Vertex AI's search begins anew: it learns nothing from {study.resumes}, whose trials count here")
    if study.seed:
        told.append(f"Vertex AI takes no seed: with {study.seed} it may choose other trials the next time")
    return " · ".join(told) or None


def study_problems(study: StudySpec) -> Iterator[str]:
    """Yield what of a study Vertex AI cannot do, with what can be done instead."""
    if study.warm_start:
        yield f"it cannot learn from other studies, {', '.join(study.warm_start)}: --backend local can"
    if study.resumes is not None and study.algorithm is Algorithm.GRID:
        yield f"a grid begins anew there, and would try again what {study.resumes} has tried: --backend local goes on"
    dense = [parameter.name for parameter in study.parameters if parameter.kind is ParameterKind.DOUBLE]
    if study.algorithm is Algorithm.GRID and dense:
        yield (
            "a grid there has whole numbers, categories and lists of numbers, not ranges such as that of "
            f"{', '.join(dense)}"
        )
    for spaced in (one.name for one in study.parameters if any(map(str.isspace, one.name))):
        yield f"names of parameters have no spaces there: {spaced!r}"


def _parameter(parameter: Parameter, all_parameters: Sequence[Parameter]) -> dict[str, Any]:
    found: dict[str, Any] = {"parameter_id": parameter.name, **_values(parameter)}
    if parameter.scale is not None:
        found["scale_type"] = parameter.scale.value
    conditional = [
        {_PARENT_VALUES[parameter.kind]: _parent_values(parameter, item.condition)}
        | {"parameter_spec": _parameter(item, all_parameters)}
        for item in all_parameters
        if item.condition is not None and item.condition.parameter == parameter.name
    ]
    return found | ({"conditional_parameter_specs": conditional} if conditional else {})


def _values(parameter: Parameter) -> dict[str, Any]:
    low, high = parameter.minimum or 0.0, parameter.maximum or 0.0
    match parameter.kind:
        case ParameterKind.DOUBLE:
            return {"double_value_spec": {"min_value": low, "max_value": high}}
        case ParameterKind.INTEGER:
            return {"integer_value_spec": {"min_value": round(low), "max_value": round(high)}}
        case ParameterKind.CATEGORICAL:
            return {"categorical_value_spec": {"values": list(parameter.categories)}}
        case ParameterKind.DISCRETE:
            return {"discrete_value_spec": {"values": list(map(_number, parameter.numbers))}}


def _parent_values(parent: Parameter, condition: Condition) -> dict[str, Any]:
    values = [parent.value(text) for text in condition.values]
    return {"values": [_number(value) if isinstance(value, float) else value for value in values]}


def _number(number: float) -> float | int:
    """Return a whole number as one, as people write it."""
    return int(number) if number.is_integer() else number
