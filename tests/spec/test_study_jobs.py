from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.study import Goal, Parameter, ParameterKind, Promotion, StudySpec, Trial, TrialState
from mlmagic.spec.study_jobs import all_rows, promotion_spec, trial_spec

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LR = Parameter(name="lr", kind=ParameterKind.DOUBLE, minimum=0.0, maximum=1.0)
STUDY = JobSpec(
    display_name="taxi",
    kind=JobKind.TUNING,
    package=PackageReference(digest="0"),
    args=("--sample=0.1", "--epochs", "2"),
    dataset="taxi@1",
    study=StudySpec(metric="loss", goal=Goal.MINIMIZE, parameters=(LR,)),
)
RECORD = JobRecord(id="taxi-1", spec=STUDY, state=JobState.RUNNING, create_time=NOW, update_time=NOW)
TRIAL = Trial(number=7, parameters={"lr": "0.5"}, state=TrialState.SUCCEEDED, job="taxi-1-7", suggest_time=NOW)


def test_a_trial_gets_its_parameters_behind_the_arguments() -> None:
    spec = trial_spec(RECORD, TRIAL)
    assert spec.args == ("--sample=0.1", "--epochs", "2", "--lr=0.5")
    assert (spec.kind, spec.parent, spec.trial, spec.study, spec.model) == (JobKind.TRAINING, "taxi-1", 7, None, None)


def test_a_promotion_sees_all_rows_unless_it_says_how_many() -> None:
    promotion = Promotion(model="taxi", args=("--sample=0.5",))
    assert promotion_spec(RECORD, TRIAL, promotion).args[-3:] == ("--lr=0.5", "--sample=1", "--sample=0.5")
    assert promotion_spec(RECORD, TRIAL, promotion).flags == {"lr": "0.5", "sample": "0.5"}


def test_only_the_sample_of_a_dataset_is_set_aside() -> None:
    assert all_rows(STUDY) == {"sample": "1"}
    assert all_rows(dataclasses.replace(STUDY, dataset=None)) == {}
    assert all_rows(dataclasses.replace(STUDY, args=("--sampler=x",))) == {}
    tuned = dataclasses.replace(LR, name="sample")
    assert all_rows(dataclasses.replace(STUDY, study=dataclasses.replace(STUDY.study, parameters=(tuned,)))) == {}
