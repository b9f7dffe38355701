"""A study's configuration, in the forms of both of Google's services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlmagic.api.job_config import read_job_config
from mlmagic.api.search_space import read_space, space_text
from mlmagic.api.study_config import DEFAULT_METRIC, StudyConfig, read_study_config
from mlmagic.spec.study import Algorithm, EarlyStopping, Goal, MeasurementSelection, StoppingRule

# The form of the courses' hyperparam.yaml.
ML_ENGINE = """
trainingInput:
  scaleTier: STANDARD_1
  hyperparameters:
    hyperparameterMetricTag: rmse
    goal: MINIMIZE
    maxTrials: 24
    maxParallelTrials: 2
    maxFailedTrials: 3
    enableTrialEarlyStopping: True
    params:
    - parameterName: train_batch_size
      type: INTEGER
      minValue: 8
      maxValue: 512
      scaleType: UNIT_LOG_SCALE
    - parameterName: lr
      type: DOUBLE
      minValue: 1e-4
      maxValue: 0.1
      scaleType: UNIT_REVERSE_LOG_SCALE
    - parameterName: activation
      type: CATEGORICAL
      categoricalValues: [relu, tanh]
      scaleType: NONE
    - parameterName: nbuckets
      type: DISCRETE
      discreteValues: [10, 16, 20.5]
      scaleType: UNIT_LINEAR_SCALE
"""
VERTEX = """
display_name: taxi
labels: {team_name: blue}
max_trial_count: 24
parallel_trial_count: "2"
max_failed_trial_count: 3
study_spec:
  metrics: [{metric_id: rmse, goal: MINIMIZE}]
  median_automated_stopping_spec: {}
  parameters:
  - parameter_id: train_batch_size
    integer_value_spec: {min_value: "8", max_value: "512"}
    scale_type: UNIT_LOG_SCALE
  - parameter_id: lr
    double_value_spec: {min_value: 0.0001, max_value: 0.1}
    scale_type: UNIT_REVERSE_LOG_SCALE
  - parameter_id: activation
    categorical_value_spec: {values: [relu, tanh]}
    scale_type: SCALE_TYPE_UNSPECIFIED
  - parameter_id: nbuckets
    discrete_value_spec: {values: [10, 16, 20.5]}
    scale_type: UNIT_LINEAR_SCALE
trial_job_spec:
  worker_pool_specs:
  - machine_spec: {machine_type: n1-standard-8}
    replica_count: 1
"""
SPACE = "train_batch_size=log:8..512,lr=reverse_log:1e-4..0.1,activation=relu|tanh,nbuckets=linear:10;16;20.5"
TRIALS = (24, 2, 3)


def read(folder: Path, text: str) -> StudyConfig:
    path = folder / "study.yaml"
    path.write_text(text, "utf-8")
    return read_study_config(path)


def what_is_searched(config: StudyConfig) -> tuple[Any, ...]:
    counts = (config.trials, config.parallel, config.max_failed)
    return config.metric, config.goal, config.parameters, config.early_stopping, counts


def test_both_forms_are_the_same_study(tmp_path: Path) -> None:
    old, new = read(tmp_path, ML_ENGINE), read(tmp_path, VERTEX)
    assert what_is_searched(old) == what_is_searched(new)
    rule = EarlyStopping(rule=StoppingRule.MEDIAN)
    assert what_is_searched(new) == ("rmse", Goal.MINIMIZE, read_space(SPACE), rule, TRIALS)


def test_what_is_not_about_the_search_is_for_the_trials_jobs(tmp_path: Path) -> None:
    old, new = read(tmp_path, ML_ENGINE), read(tmp_path, VERTEX)
    assert old.job == {"trainingInput": {"scaleTier": "STANDARD_1"}}
    assert new.job is not None
    job = read_job_config(new.job)
    assert (job.scale_tier, job.labels, job.left_out) == ("CUSTOM", {"team_name": "blue"}, ("displayName",))


def test_what_ml_engine_does_where_nothing_is_said() -> None:
    config = read_study_config({"trainingInput": {"hyperparameters": {"resumePreviousJobId": "taxi_1"}}})
    assert (config.metric, config.goal, config.resumes) == (DEFAULT_METRIC, Goal.MAXIMIZE, "taxi_1")
    assert (config.trials, config.parameters, config.algorithm, config.job) == (None, None, None, None)


def test_what_vertex_ai_does_not_say_is_left_open() -> None:
    assert read_study_config({"studySpec": {"metrics": [{"metricId": "loss"}]}}) == StudyConfig(metric="loss")
    assert read_study_config({"maxTrialCount": 3}) == StudyConfig(trials=3)


@pytest.mark.parametrize(
    "document",
    [
        {"hyperparameters": {"params": [{"parameterName": "lr", "type": "INTEGER", "minValue": 1, "maxValue": 9}]}},
        {"params": [{"parameter_name": "lr", "type": "INTEGER", "min_value": "1", "max_value": "9"}]},
        {"parameters": [{"parameterId": "lr", "integerValueSpec": {"minValue": 1, "maxValue": 9}}]},
    ],
    ids=["hyperparameters", "params", "parameters"],
)
def test_shorter_forms(document: dict[str, Any]) -> None:
    assert read_study_config(document).parameters == read_space("lr=1..9")


def test_what_else_a_study_of_vertex_ai_has() -> None:
    study = {
        "algorithm": "GRID_SEARCH",
        "measurementSelectionType": "BEST_MEASUREMENT",
        "decayCurveStoppingSpec": {"useElapsedDuration": True},
        "observationNoise": "LOW",
    }
    config = read_study_config({"studySpec": study, "name": "projects/1", "state": "JOB_STATE_RUNNING"})
    assert (config.algorithm, config.selection) == (Algorithm.GRID, MeasurementSelection.BEST)
    assert config.early_stopping == EarlyStopping(rule=StoppingRule.DECAY_CURVE, use_elapsed_duration=True)
    assert config.notes == ("observationNoise is left out: the search tells from the results how noisy they are",)


def test_conditional_parameters(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
        parameters:
        - parameterId: layers
          integerValueSpec: {minValue: 1, maxValue: 4}
          conditionalParameterSpecs:
          - parentIntValues: {values: ["2", "3"]}
            parameterSpec:
              parameterId: batch
              discreteValueSpec: {values: [16, 32]}
              conditionalParameterSpecs:
              - parentDiscreteValues: {values: [32]}
                parameterSpec: {parameterId: optimizer, categoricalValueSpec: {values: [adam, sgd]}}
        - parameterId: units
          integerValueSpec: {minValue: 16, maxValue: 64}
        """,
    )
    line = "layers=1..4,batch[layers=2|3]=16;32,optimizer[batch=32]=adam|sgd,units=16..64"
    assert config.parameters is not None
    assert space_text(config.parameters) == line
    assert config.parameters == read_space(line)


def test_a_file_about_jobs_alone_says_nothing_about_the_study() -> None:
    job = {"trainingInput": {"scaleTier": "BASIC", "args": ["--epochs=3"]}, "labels": {"a_b": "c"}}
    assert read_study_config(job) == StudyConfig(job=job)


def test_labels_keep_their_keys() -> None:
    config = read_study_config({"study_spec": {}, "labels": {"team_name": "blue"}})
    assert config.job == {"labels": {"team_name": "blue"}}
