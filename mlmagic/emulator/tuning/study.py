"""A StudySpec of Vertex AI as the engine's, and what is refused of it. The sentences are unverified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from mlmagic.emulator.errors import ApiError, Violation
from mlmagic.spec.study import (
    Algorithm,
    Condition,
    EarlyStopping,
    Goal,
    MeasurementSelection,
    Parameter,
    ParameterKind,
    Scale,
    StoppingRule,
    StudySpec,
)

Document = Mapping[str, Any]

_REQUIRED = "Required field is not set."
_MOST_DISCRETE = 1000
_VALUES: Mapping[str, ParameterKind] = {
    "double_value_spec": ParameterKind.DOUBLE,
    "integer_value_spec": ParameterKind.INTEGER,
    "categorical_value_spec": ParameterKind.CATEGORICAL,
    "discrete_value_spec": ParameterKind.DISCRETE,
}
_PARENT_VALUES = ("parent_discrete_values", "parent_int_values", "parent_categorical_values")
_LOG_SCALES = frozenset({Scale.LOG, Scale.REVERSE_LOG})
_UNSUPPORTED = ("convex_automated_stopping_spec", "study_stopping_config")


def study_of(spec: Document, *, trials: int, parallel: int, max_failed: int, seed: int) -> StudySpec:
    """Return the study of a spec that `check_study` has found nothing wrong with."""
    [metric] = spec["metrics"]
    return StudySpec(
        metric=metric["metric_id"],
        # MAXIMIZE is what an unset goal means.
        goal=Goal.MINIMIZE if metric.get("goal") == "MINIMIZE" else Goal.MAXIMIZE,
        parameters=tuple(_parameters(spec["parameters"], None)),
        algorithm=Algorithm(spec.get("algorithm", "ALGORITHM_UNSPECIFIED")),
        early_stopping=_early_stopping(spec),
        selection=_selection(spec),
        trials=trials,
        parallel=min(parallel, trials),
        max_failed=max_failed,
        seed=seed,
    )


def refuse_unsupported_study(spec: Document) -> None:
    """Refuse what the real API takes and the local engine cannot do.

    Raises:
        ApiError: UNIMPLEMENTED.
    """
    found = [name for name in _UNSUPPORTED if name in spec]
    found += ["several metrics"] if len(spec.get("metrics", ())) > 1 else []
    found += ["safety_config"] if any("safety_config" in metric for metric in spec.get("metrics", ())) else []
    if found:
        what = ", ".join(found)
        raise ApiError(status="UNIMPLEMENTED", message=f"mlmagic's emulator does not implement study_spec: {what}.")


def check_study(spec: Document, path: str) -> Iterator[Violation]:
    """Find what is wrong with a StudySpec."""
    metrics = spec.get("metrics", [])
    if not metrics:
        yield Violation(field=f"{path}.metrics", description=_REQUIRED)
    for number, metric in enumerate(metrics):
        yield from _check_id(metric.get("metric_id", ""), f"{path}.metrics[{number}].metric_id")
    parameters = spec.get("parameters", [])
    if not parameters:
        yield Violation(field=f"{path}.parameters", description=_REQUIRED)
    is_grid = spec.get("algorithm") == Algorithm.GRID
    for number, parameter in enumerate(parameters):
        yield from _check_parameter(parameter, f"{path}.parameters[{number}]", is_grid=is_grid)
    names = [parameter.get("parameter_id", "") for parameter in parameters]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        yield Violation(field=f"{path}.parameters", description=f"Parameter id {name!r} is not unique.")


def _check_id(name: str, path: str) -> Iterator[Violation]:
    if not name:
        yield Violation(field=path, description=_REQUIRED)
    elif any(letter.isspace() for letter in name):
        yield Violation(field=path, description=f"{name!r} must not contain whitespace.")


def _check_parameter(parameter: Document, path: str, *, is_grid: bool) -> Iterator[Violation]:
    yield from _check_id(parameter.get("parameter_id", ""), f"{path}.parameter_id")
    kind = _kind(parameter)
    if kind is None:
        yield Violation(field=f"{path}.parameter_value_spec", description=_REQUIRED)
        return
    values = parameter[_field(kind)]
    yield from _check_values(kind, values, f"{path}.{_field(kind)}")
    scale = _scale(parameter)
    if scale is not None and kind is ParameterKind.CATEGORICAL:
        why = "A categorical parameter has no scale type."
        yield Violation(field=f"{path}.scale_type", description=why)
    if scale in _LOG_SCALES and min(_numbers(kind, values), default=1.0) <= 0:
        why = f"{scale} needs a strictly positive feasible space."
        yield Violation(field=f"{path}.scale_type", description=why)
    if is_grid and kind is ParameterKind.DOUBLE:
        why = "Grid search needs INTEGER, CATEGORICAL or DISCRETE parameters."
        yield Violation(field=f"{path}.double_value_spec", description=why)
    for number, condition in enumerate(parameter.get("conditional_parameter_specs", ())):
        inner = f"{path}.conditional_parameter_specs[{number}]"
        if not _parent_values(condition):
            yield Violation(field=f"{inner}.parent_value_condition", description=_REQUIRED)
        yield from _check_parameter(condition.get("parameter_spec", {}), f"{inner}.parameter_spec", is_grid=is_grid)


def _check_values(kind: ParameterKind, values: Document, path: str) -> Iterator[Violation]:
    if "default_value" in values:
        why = "A default value is not supported by HyperparameterTuningJob."
        yield Violation(field=f"{path}.default_value", description=why)
    if kind in {ParameterKind.DOUBLE, ParameterKind.INTEGER}:
        low, high = _numbers(kind, values)
        if low > high:
            why = f"The minimum {low:g} is larger than the maximum {high:g}."
            yield Violation(field=f"{path}.min_value", description=why)
        return
    if not values.get("values"):
        yield Violation(field=f"{path}.values", description=_REQUIRED)
    elif kind is ParameterKind.DISCRETE:
        numbers = _numbers(kind, values)
        if len(numbers) > _MOST_DISCRETE or any(second <= first for first, second in pairwise(numbers)):
            why = f"Discrete values must be strictly increasing, and at most {_MOST_DISCRETE}."
            yield Violation(field=f"{path}.values", description=why)


def _parameters(specs: Sequence[Document], condition: Condition | None) -> Iterator[Parameter]:
    for spec in specs:
        parameter = _parameter(spec, condition)
        yield parameter
        for inner in spec.get("conditional_parameter_specs", ()):
            texts = tuple(parameter.text(value) for value in _parent_values(inner))
            yield from _parameters([inner["parameter_spec"]], Condition(parameter=parameter.name, values=texts))


def _parameter(spec: Document, condition: Condition | None) -> Parameter:
    kind = _kind(spec) or ParameterKind.DOUBLE
    values = spec[_field(kind)]
    numbers = _numbers(kind, values)
    is_range = kind in {ParameterKind.DOUBLE, ParameterKind.INTEGER}
    return Parameter(
        name=spec["parameter_id"],
        kind=kind,
        minimum=numbers[0] if is_range else None,
        maximum=numbers[1] if is_range else None,
        categories=tuple(values["values"]) if kind is ParameterKind.CATEGORICAL else (),
        numbers=numbers if kind is ParameterKind.DISCRETE else (),
        scale=_scale(spec),
        condition=condition,
    )


def _kind(parameter: Document) -> ParameterKind | None:
    return next((kind for field, kind in _VALUES.items() if field in parameter), None)


def _field(kind: ParameterKind) -> str:
    return next(field for field, one in _VALUES.items() if one is kind)


def _numbers(kind: ParameterKind, values: Document) -> tuple[float, ...]:
    """Return both ends of a range, or all values of a DISCRETE parameter. What is unset is 0, as in the message."""
    match kind:
        case ParameterKind.CATEGORICAL:
            return ()
        case ParameterKind.DISCRETE:
            return tuple(float(value) for value in values.get("values", ()))
        case _:
            return float(values.get("min_value", 0)), float(values.get("max_value", 0))


def _scale(parameter: Document) -> Scale | None:
    name = parameter.get("scale_type", "SCALE_TYPE_UNSPECIFIED")
    return None if name == "SCALE_TYPE_UNSPECIFIED" else Scale(name)


def _parent_values(condition: Document) -> Sequence[Any]:
    return next((condition[name].get("values", ()) for name in _PARENT_VALUES if name in condition), ())


def _early_stopping(spec: Document) -> EarlyStopping | None:
    for field, rule in (
        ("median_automated_stopping_spec", StoppingRule.MEDIAN),
        ("decay_curve_stopping_spec", StoppingRule.DECAY_CURVE),
    ):
        if field in spec:
            return EarlyStopping(rule=rule, use_elapsed_duration=spec[field].get("use_elapsed_duration", False))
    return None


def _selection(spec: Document) -> MeasurementSelection:
    is_best = spec.get("measurement_selection_type") == MeasurementSelection.BEST
    return MeasurementSelection.BEST if is_best else MeasurementSelection.LAST
