"""A study in Vertex AI's words, which are read as the same study."""

from __future__ import annotations

import dataclasses

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.api.job_config import read_job_config
from mlmagic.api.search_space import read_space
from mlmagic.api.study_config import read_study_config
from mlmagic.api.study_document import document_notes, study_document
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobKind, JobSpec, PackageReference
from mlmagic.spec.study import (
    Algorithm,
    EarlyStopping,
    Goal,
    MeasurementSelection,
    Promotion,
    StoppingRule,
    StudySpec,
)
from mlmagic.spec.tiers import TIERS
from mlmagic.spec.vertex import VertexOptions

SPACE = "lr=log:1e-5..0.1,optimizer=adam|sgd,momentum[optimizer=sgd]=0.0..0.9,batch=16;32,size[batch=16|32]=1;2.5"
STUDY = StudySpec(metric="val_loss", goal=Goal.MINIMIZE, parameters=read_space(SPACE), trials=24, parallel=2)


def job(study: StudySpec | None = STUDY, **fields: object) -> JobSpec:
    spec = JobSpec(display_name="taxi", kind=JobKind.TUNING, package=PackageReference(digest="0"), study=study)
    return dataclasses.replace(spec, **fields)


def test_the_document() -> None:
    document = study_document(job(args=("--epochs=3",)))
    assert (document["displayName"], document["maxTrialCount"], document["parallelTrialCount"]) == ("taxi", 24, 2)
    study = document["studySpec"]
    assert study["metrics"] == [{"metricId": "val_loss", "goal": "MINIMIZE"}]
    assert [item["parameterId"] for item in study["parameters"]] == ["lr", "optimizer", "batch"]
    (pool,) = document["trialJobSpec"]["workerPoolSpecs"]
    assert pool["pythonPackageSpec"]["args"] == ["--epochs=3"]


def test_machines_that_may_be_taken_away_are_asked_for() -> None:
    document = study_document(job(timeout_seconds=60.0, vertex=VertexOptions(spot=True)))
    assert document["trialJobSpec"]["scheduling"] == {"timeout": "60s", "strategy": "SPOT"}
    assert "scheduling" not in study_document(job())["trialJobSpec"]


def test_parameters_stand_below_those_that_they_depend_on() -> None:
    _, optimizer, batch = study_document(job())["studySpec"]["parameters"]
    assert optimizer["conditionalParameterSpecs"] == [
        {
            "parentCategoricalValues": {"values": ["sgd"]},
            "parameterSpec": {"parameterId": "momentum", "doubleValueSpec": {"minValue": 0.0, "maxValue": 0.9}},
        }
    ]
    (size,) = batch["conditionalParameterSpecs"]
    assert size["parentDiscreteValues"] == {"values": [16, 32]}
    assert size["parameterSpec"]["discreteValueSpec"] == {"values": [1, 2.5]}


def test_what_vertex_ai_does_by_itself_is_left_out() -> None:
    document = study_document(job())
    assert set(document) == {"displayName", "maxTrialCount", "parallelTrialCount", "studySpec", "trialJobSpec"}
    assert set(document["studySpec"]) == {"metrics", "parameters", "algorithm"}
    assert document_notes(STUDY) == ()


def test_what_only_mlmagic_has_is_told() -> None:
    study = dataclasses.replace(STUDY, seed=3, warm_start=("a",), promotion=Promotion(model="taxi"))
    assert document_notes(study) == ("Vertex AI's form has no place for the seed, the warm start, the promotion",)


def test_a_job_that_is_no_study() -> None:
    with pytest.raises(UsageError, match="taxi is no study: it has no parameters to search"):
        study_document(job(None))


RULES = st.builds(EarlyStopping, rule=st.sampled_from(StoppingRule), use_elapsed_duration=st.booleans())
SPACES = st.sampled_from(
    [SPACE, "n=log:1..9", "x=reverse_log:0.1..1.0", "a=linear:1;2.5", "w='yes'|'1'|'a,b'", "a=1..3,b[a=2]=1|2,c=0..9"]
)


@given(
    SPACES,
    st.builds(
        StudySpec,
        metric=st.sampled_from(["val_loss", "training/hptuning/metric"]),
        goal=st.sampled_from(Goal),
        parameters=st.just(()),
        algorithm=st.sampled_from(Algorithm),
        early_stopping=st.none() | RULES,
        selection=st.sampled_from(MeasurementSelection),
        trials=st.integers(1, 99),
        parallel=st.integers(1, 9),
        max_failed=st.integers(0, 9),
    ),
)
def test_it_is_read_as_the_same_study(space: str, study: StudySpec) -> None:
    study = dataclasses.replace(study, parameters=read_space(space))
    config = read_study_config(yaml.safe_load(yaml.safe_dump(study_document(job(study)))))
    read = {name: getattr(config, name) for name in ("metric", "goal", "algorithm", "early_stopping", "trials")}
    assert read == {name: getattr(study, name) for name in read}
    assert (config.parallel, config.max_failed or 0) == (study.parallel, study.max_failed)
    assert (config.selection or MeasurementSelection.LAST, config.parameters) == (study.selection, study.parameters)


def test_its_jobs_are_read_as_the_same_jobs() -> None:
    spec = job(args=("--a", "1"), timeout_seconds=5400.0, labels={"team": "x"}, resources=TIERS["STANDARD_1"])
    config = read_study_config(study_document(spec))
    assert config.job is not None
    read = read_job_config(config.job)
    assert (read.args, read.timeout, read.labels) == (("--a", "1"), "5400s", {"team": "x"})
    assert read.worker_pools == spec.resources.worker_pools
