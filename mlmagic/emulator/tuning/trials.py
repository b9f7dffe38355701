"""What the API tells of a study's trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mlmagic.emulator.jobs.states import rfc3339
from mlmagic.spec.study import Measurement, Parameter, ParameterKind, StudySpec, Trial, TrialState

_ENDED_WITH_ITS_JOB = "The job ended before the trial."


def trials_of(study: StudySpec, trials: Sequence[Trial], *, has_ended: bool) -> list[dict[str, Any]]:
    """Return the messages of a study's trials, by number. `has_ended`: nothing of the study runs any more."""
    return [_trial(study, trial, has_ended=has_ended) for trial in trials]


def _trial(study: StudySpec, trial: Trial, *, has_ended: bool) -> dict[str, Any]:
    state, reason = trial.state, trial.reason
    if has_ended and not state.is_final:
        # Unverified: what becomes of the trials of a job that is cancelled.
        state, reason = TrialState.INFEASIBLE, _ENDED_WITH_ITS_JOB
    message: dict[str, Any] = {
        "id": str(trial.number),
        "state": str(state),
        "parameters": [
            {"parameter_id": parameter.name, "value": _value(parameter, trial.parameters[parameter.name])}
            for parameter in study.parameters
            if parameter.name in trial.parameters
        ],
        "start_time": rfc3339(trial.suggest_time),
    }
    if trial.end_time is not None:
        message["end_time"] = rfc3339(trial.end_time)
    if trial.final is not None:
        message["final_measurement"] = _measurement(study.metric, trial.final)
    if state is TrialState.INFEASIBLE and reason:
        message["infeasible_reason"] = reason
    return message


def _value(parameter: Parameter, text: str) -> float | str:
    """Return a value as a Struct has it: numbers are floats, whole ones too."""
    return text if parameter.kind is ParameterKind.CATEGORICAL else float(text)


def _measurement(metric: str, measurement: Measurement) -> dict[str, Any]:
    value = measurement.value
    return {
        "step_count": str(measurement.step),
        "elapsed_duration": f"{measurement.elapsed_seconds:.6f}s",
        # JSON has no other way to say what is not a number.
        "metrics": [{"metric_id": metric, "value": value if math.isfinite(value) else _words(value)}],
    }


def _words(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
