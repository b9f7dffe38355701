"""A study in Vertex AI's words: the file that `gcloud ai hp-tuning-jobs create --config` takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlmagic.api.commands import worker_pool_specs
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobSpec
from mlmagic.spec.space_text import number_text
from mlmagic.spec.study import (
    Condition,
    MeasurementSelection,
    Parameter,
    ParameterKind,
    StoppingRule,
    StudySpec,
)

_RULES = {
    StoppingRule.MEDIAN: "medianAutomatedStoppingSpec",
    StoppingRule.DECAY_CURVE: "decayCurveStoppingSpec",
}
_PARENT_VALUES = {
    ParameterKind.INTEGER: "parentIntValues",
    ParameterKind.DISCRETE: "parentDiscreteValues",
    ParameterKind.CATEGORICAL: "parentCategoricalValues",
}


def study_document(spec: JobSpec) -> dict[str, Any]:
    """Return a tuning job as a HyperparameterTuningJob; BUCKET stands for the user's own.

    What only mlmagic has is not in it: `document_notes` tells that.

    Raises:
        UsageError: the job is no study.
    """
    study = spec.study
    if study is None:
        raise UsageError(f"{spec.display_name} is no study: it has no parameters to search.")
    document: dict[str, Any] = {
        "displayName": spec.display_name,
        "maxTrialCount": study.trials,
        "parallelTrialCount": study.parallel,
    }
    if study.max_failed:
        document["maxFailedTrialCount"] = study.max_failed
    document["studySpec"] = _study_spec(study)
    document["trialJobSpec"] = {"workerPoolSpecs": worker_pool_specs(spec)}
    if spec.timeout_seconds is not None:
        document["trialJobSpec"]["scheduling"] = {"timeout": f"{number_text(spec.timeout_seconds)}s"}
    if spec.labels:
        document["labels"] = dict(spec.labels)
    return document


def document_notes(study: StudySpec) -> tuple[str, ...]:
    """Return what `study_document` leaves out, since Vertex AI has nothing of the kind."""
    left_out = {
        "the seed": study.seed,
        "the study that it resumes": study.resumes,
        "the warm start": study.warm_start,
        "the promotion": study.promotion,
    }
    told = [what for what, value in left_out.items() if value]
    return (f"Vertex AI's form has no place for {', '.join(told)}",) if told else ()


def _study_spec(study: StudySpec) -> dict[str, Any]:
    found: dict[str, Any] = {
        "metrics": [{"metricId": study.metric, "goal": study.goal.value}],
        "parameters": [_parameter(item, study.parameters) for item in study.parameters if item.condition is None],
        "algorithm": study.algorithm.value,
    }
    if study.selection is not MeasurementSelection.LAST:
        found["measurementSelectionType"] = study.selection.value
    if study.early_stopping is not None:
        is_by_time = study.early_stopping.use_elapsed_duration
        found[_RULES[study.early_stopping.rule]] = {"useElapsedDuration": True} if is_by_time else {}
    return found


def _parameter(parameter: Parameter, all_parameters: Sequence[Parameter]) -> dict[str, Any]:
    found: dict[str, Any] = {"parameterId": parameter.name, **_values(parameter)}
    if parameter.scale is not None:
        found["scaleType"] = parameter.scale.value
    conditional = [
        {_PARENT_VALUES[parameter.kind]: _parent_values(parameter, item.condition)}
        | {"parameterSpec": _parameter(item, all_parameters)}
        for item in all_parameters
        if item.condition is not None and item.condition.parameter == parameter.name
    ]
    return found | ({"conditionalParameterSpecs": conditional} if conditional else {})


def _values(parameter: Parameter) -> dict[str, Any]:
    low, high = parameter.minimum or 0.0, parameter.maximum or 0.0
    match parameter.kind:
        case ParameterKind.DOUBLE:
            return {"doubleValueSpec": {"minValue": low, "maxValue": high}}
        case ParameterKind.INTEGER:
            return {"integerValueSpec": {"minValue": round(low), "maxValue": round(high)}}
        case ParameterKind.CATEGORICAL:
            return {"categoricalValueSpec": {"values": list(parameter.categories)}}
        case ParameterKind.DISCRETE:
            return {"discreteValueSpec": {"values": list(map(_number, parameter.numbers))}}


def _parent_values(parent: Parameter, condition: Condition) -> dict[str, Any]:
    values = [parent.value(text) for text in condition.values]
    return {"values": [_number(value) if isinstance(value, float) else value for value in values]}


def _number(number: float) -> float | int:
    """Return a whole number as one, as people write it."""
    return int(number) if number.is_integer() else number
