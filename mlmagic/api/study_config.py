"""`--config` of a study: ML Engine's `trainingInput.hyperparameters`, or what `gcloud ai hp-tuning-jobs` takes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlmagic.api.config_file import load_config
from mlmagic.api.config_section import Section
from mlmagic.api.job_config import JOB_KEYS
from mlmagic.api.study_parameters import read_ml_engine_parameters, read_vertex_parameters
from mlmagic.errors import UsageError, nearest
from mlmagic.spec.study import (
    Algorithm,
    EarlyStopping,
    Goal,
    MeasurementSelection,
    Parameter,
    StoppingRule,
)

DEFAULT_METRIC = "training/hptuning/metric"
"""ML Engine's, and that of the package cloudml-hypertune."""

_FORMS = "It takes ML Engine's form (trainingInput: hyperparameters: ...) or Vertex AI's (studySpec: ...)."
_GOALS = {goal.value: goal for goal in Goal}
_ALGORITHMS = {algorithm.value: algorithm for algorithm in Algorithm}
_OTHER_ALGORITHMS = {
    "POPULATION_BASED_TRAINING": "Vertex AI has it neither; take it out for the Bayesian search, or write GRID_SEARCH "
    "or RANDOM_SEARCH"
}
_SELECTIONS = {selection.value: selection for selection in MeasurementSelection}
_RULES = {
    "medianAutomatedStoppingSpec": StoppingRule.MEDIAN,
    "decayCurveStoppingSpec": StoppingRule.DECAY_CURVE,
}
_CONVEX = "use medianAutomatedStoppingSpec or decayCurveStoppingSpec"
_NOT_SUPPORTED = {
    "convexAutomatedStoppingSpec": _CONVEX,
    "convexStopConfig": _CONVEX,
    "convexStoppingSpec": _CONVEX,
    "studyStoppingConfig": "a study ends after maxTrialCount trials; take it out",
    "transferLearningConfig": "name earlier studies with --warm-start",
}
_ML_ENGINE_KEYS = frozenset({"params", "hyperparameterMetricTag", "maxTrials", "enableTrialEarlyStopping"})
_STUDY_KEYS = frozenset({"metrics", "parameters", *_RULES, "measurementSelectionType", *_NOT_SUPPORTED})
_TUNING_KEYS = ("maxTrialCount", "parallelTrialCount", "maxFailedTrialCount", "studySpec", "trialJobSpec")
# What `gcloud ai hp-tuning-jobs describe` prints beside what was asked for.
_OUTPUT_KEYS = ("name", "state", "trials", "error", "createTime", "startTime", "endTime", "updateTime")
_OTHER_KEYS = ("displayName", "labels", "encryptionSpec")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyConfig:
    """What a file says about a study; None where it says nothing."""

    metric: str | None = None
    goal: Goal | None = None
    parameters: tuple[Parameter, ...] | None = None
    algorithm: Algorithm | None = None
    early_stopping: EarlyStopping | None = None
    selection: MeasurementSelection | None = None
    trials: int | None = None
    parallel: int | None = None
    max_failed: int | None = None
    resumes: str | None = None
    job: Mapping[str, Any] | None = None
    """What it says about the jobs of trials, for `read_job_config`."""
    notes: tuple[str, ...] = ()
    """What is left out, or means something else here; for the user."""


def read_study_config(config: str | os.PathLike[str] | Mapping[str, Any]) -> StudyConfig:
    """Read a YAML or JSON file, or a mapping of the same form; camelCase and snake_case are the same.

    Raises:
        UsageError: it cannot be read or does not fit; all that is wrong is listed.
    """
    place, document = load_config(config, _FORMS)
    problems: list[str] = []
    found = _read(document, problems)
    if problems:
        raise UsageError(f"{place} does not describe a study:", problems=problems)
    return found


def _read(document: Mapping[str, Any], problems: list[str]) -> StudyConfig:
    outer = document.get("trainingInput")
    if isinstance(outer, Mapping) and "hyperparameters" in outer:
        job = _without(document, "trainingInput") | _kept("trainingInput", _without(outer, "hyperparameters"))
        return _ml_engine(Section(outer["hyperparameters"], "trainingInput.hyperparameters", problems), job)
    if "hyperparameters" in document:
        section = Section(document["hyperparameters"], "hyperparameters", problems)
        return _ml_engine(section, _without(document, "hyperparameters"))
    if document.keys() & set(_TUNING_KEYS):
        return _tuning_job(document, problems)
    if document.keys() & _ML_ENGINE_KEYS:
        return _ml_engine(Section(document, "", problems), {})
    if document.keys() & _STUDY_KEYS:
        return StudyConfig(**_study_spec(Section(document, "", problems)))
    if not document.keys() & JOB_KEYS:
        for key in document:
            near = nearest(key, ["hyperparameters", *_TUNING_KEYS, *_STUDY_KEYS, *_ML_ENGINE_KEYS, *JOB_KEYS], limit=1)
            problems.append(f"{key} is not known. {near or _FORMS}")
    return StudyConfig(job=document)


def _ml_engine(section: Section, job: Mapping[str, Any]) -> StudyConfig:
    has_early_stopping = section.switch("enableTrialEarlyStopping")
    found = StudyConfig(
        # Left out, it is the one that the package cloudml-hypertune reports.
        metric=_metric(section, "hyperparameterMetricTag") or DEFAULT_METRIC,
        goal=section.word("goal", {"GOAL_TYPE_UNSPECIFIED": Goal.MAXIMIZE, **_GOALS}) or Goal.MAXIMIZE,
        parameters=read_ml_engine_parameters(section),
        algorithm=_algorithm(section),
        early_stopping=EarlyStopping(rule=StoppingRule.MEDIAN) if has_early_stopping else None,
        trials=section.count("maxTrials", 1),
        parallel=section.count("maxParallelTrials", 1),
        max_failed=section.count("maxFailedTrials", 0),
        resumes=section.text("resumePreviousJobId"),
        job=job or None,
        notes=("enableTrialEarlyStopping stops by the median rule of Vertex AI",) if has_early_stopping else (),
    )
    section.finish()
    return found


def _tuning_job(document: Mapping[str, Any], problems: list[str]) -> StudyConfig:
    section = Section(document, "", problems)
    for key in document.keys() & (_STUDY_KEYS | {"algorithm", "observationNoise"}):
        section.take(key)
        section.wrong("belongs below studySpec", key)
    trials = section.count("maxTrialCount", 1)
    parallel = section.count("parallelTrialCount", 1)
    max_failed = section.count("maxFailedTrialCount", 0)
    study = section.section("studySpec")
    job = _kept("jobSpec", section.take("trialJobSpec") or {})
    job |= {key: section.take(key) for key in _OTHER_KEYS if key in section}
    for key in _OUTPUT_KEYS:
        section.take(key)
    section.finish()
    words = {} if study is None else _study_spec(study)
    return StudyConfig(**words, trials=trials, parallel=parallel, max_failed=max_failed, job=job or None)


def _study_spec(section: Section) -> dict[str, Any]:
    """Return what a StudySpec says, as fields of StudyConfig."""
    section.refuse(_NOT_SUPPORTED)
    metrics = section.sections("metrics")
    if len(metrics) > 1:
        section.wrong(
            f"has {len(metrics)} entries, and a study has one metric here: keep that which it tunes for", "metrics"
        )
    metric = goal = None
    for item in metrics:
        item.refuse({"safetyConfig": "take it out, and leave unsafe values out of the space"})
        metric = _metric(item, "metricId") if item.has("metricId") else None
        goal = item.word("goal", {"GOAL_TYPE_UNSPECIFIED": None, **_GOALS})
        item.finish()
    has_noise = section.take("observationNoise")
    found = {
        "metric": metric,
        "goal": goal,
        "parameters": read_vertex_parameters(section),
        "algorithm": _algorithm(section),
        "early_stopping": _early_stopping(section),
        "selection": section.word(
            "measurementSelectionType", {"MEASUREMENT_SELECTION_TYPE_UNSPECIFIED": None, **_SELECTIONS}
        ),
        "notes": ("observationNoise is left out: the search tells from the results how noisy they are",)
        if has_noise
        else (),
    }
    section.finish()
    return found


def _metric(section: Section, key: str) -> str | None:
    metric = section.text(key)
    if metric is not None and (not metric or any(letter.isspace() for letter in metric)):
        section.wrong(f"is {metric!r:.60}: a metric's name holds no spaces, and is not empty", key)
    return metric


def _algorithm(section: Section) -> Algorithm | None:
    section.refuse_words("algorithm", _OTHER_ALGORITHMS)
    return section.word("algorithm", _ALGORITHMS)


def _early_stopping(section: Section) -> EarlyStopping | None:
    found = []
    for key, rule in _RULES.items():
        inner = section.section(key)
        if inner is not None:
            found.append(EarlyStopping(rule=rule, use_elapsed_duration=inner.switch("useElapsedDuration") or False))
            inner.finish()
    if len(found) > 1:
        section.wrong(f"has {' and '.join(_RULES)}: a study has one rule")
    return found[0] if found else None


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def _kept(key: str, value: Any) -> dict[str, Any]:
    """Return the key with its value, or nothing where that is empty."""
    return {key: value} if value else {}
