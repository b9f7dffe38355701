"""Specs as custom jobs, read by the API's own message; and what is refused before anything is sent."""

from __future__ import annotations

import dataclasses

import pytest

from mlmagic.backends.google.environments import image_for
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.backends.google.submission import INSTALL_AND_RUN, Attempt, check_submission, custom_job, tuning_job
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobKind, JobSpec, PackageReference
from mlmagic.spec.resources import Resources, WorkerPool
from mlmagic.spec.study import (
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
from mlmagic.spec.tiers import TIERS
from mlmagic.spec.vertex import VertexOptions

SETTINGS = GoogleSettings(project="my-project", region="us-central1", bucket="gs://b")
JOB = "taxi-20260131-123015-0a1b"
SPEC = JobSpec(display_name="taxi", package=PackageReference(digest="d"), args=("--name=$HOME; rm", "two words"))


STUDY = StudySpec(
    metric="val_loss",
    goal=Goal.MINIMIZE,
    parameters=(
        Parameter(name="lr", kind=ParameterKind.DOUBLE, minimum=1e-4, maximum=0.1, scale=Scale.LOG),
        Parameter(name="kind", kind=ParameterKind.CATEGORICAL, categories=("deep", "wide")),
        Parameter(
            name="units",
            kind=ParameterKind.DISCRETE,
            numbers=(8.0, 64.0),
            condition=Condition(parameter="kind", values=("deep",)),
        ),
    ),
    early_stopping=EarlyStopping(rule=StoppingRule.MEDIAN),
    selection=MeasurementSelection.BEST,
    trials=8,
    parallel=20,
    max_failed=3,
)


def attempt(image: str = "tensorflow/tensorflow:2.21.0") -> Attempt:
    return Attempt(job_id=JOB, number=2, workspace="abc", image=image, package_uri="gs://b/mlmagic/packages/d.tar.gz")


def test_what_users_typed_stands_in_words_of_its_own() -> None:
    job = custom_job(SPEC, attempt(), SETTINGS)
    (pool,) = job["job_spec"]["worker_pool_specs"]
    command = ["bash", "-c", INSTALL_AND_RUN, "/gcs/b/mlmagic/packages/d.tar.gz", "trainer.task"]
    assert pool["container_spec"] == {"image_uri": attempt().image, "command": command, "args": list(SPEC.args)}
    assert job["labels"] == {"mlmagic-job": JOB, "mlmagic-attempt": "2", "mlmagic-workspace": "abc"}
    assert job["job_spec"]["base_output_directory"] == {"output_uri_prefix": f"gs://b/mlmagic/jobs/{JOB}"}


def test_vertex_ais_own_image_installs_the_package_itself() -> None:
    uri = "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-17.py310:latest"
    (pool,) = custom_job(SPEC, attempt(uri), SETTINGS)["job_spec"]["worker_pool_specs"]
    assert pool["python_package_spec"] == {
        "executor_image_uri": uri,
        "package_uris": ["gs://b/mlmagic/packages/d.tar.gz"],
        "python_module": "trainer.task",
        "args": list(SPEC.args),
    }


@pytest.mark.parametrize("tier", sorted(TIERS))
def test_the_api_takes_every_tier(tier: str) -> None:
    from google.cloud.aiplatform_v1 import CustomJob

    spec = JobSpec(
        display_name="taxi", package=PackageReference(digest="d"), resources=TIERS[tier], timeout_seconds=1.5
    )
    job = CustomJob(custom_job(spec, attempt(), SETTINGS))
    assert [pool.replica_count for pool in job.job_spec.worker_pool_specs] == [*TIERS[tier].replicas.values()]
    assert job.job_spec.scheduling.timeout.total_seconds() == 1.5


def test_the_api_takes_a_study() -> None:
    from google.cloud.aiplatform_v1 import HyperparameterTuningJob

    job = HyperparameterTuningJob(tuning_job(SPEC, STUDY, attempt(), SETTINGS))
    rate, kind = job.study_spec.parameters
    assert (job.max_trial_count, job.parallel_trial_count, job.max_failed_trial_count) == (8, 8, 3)
    assert (rate.scale_type.name, rate.double_value_spec.max_value) == ("UNIT_LOG_SCALE", 0.1)
    (units,) = kind.conditional_parameter_specs
    assert units.parent_categorical_values.values == ["deep"]
    assert units.parameter_spec.discrete_value_spec.values == [8, 64]
    assert "median_automated_stopping_spec" in job.study_spec
    assert job.trial_job_spec.base_output_directory.output_uri_prefix == f"gs://b/mlmagic/jobs/{JOB}"
    assert job.labels["mlmagic-job"] == JOB


def test_an_empty_pool_keeps_its_place() -> None:
    pools = (WorkerPool(), WorkerPool(replica_count=0), WorkerPool(machine_type="n1-standard-8", replica_count=2))
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="d"), resources=Resources(worker_pools=pools))
    told = custom_job(spec, attempt(), SETTINGS)["job_spec"]["worker_pool_specs"]
    assert (told[1], told[2]["replica_count"], told[2]["machine_spec"]) == ({}, 2, {"machine_type": "n1-standard-8"})


def test_account_network_and_spot_come_from_the_settings() -> None:
    network = "projects/1/global/networks/n"
    settings = GoogleSettings(
        project="p", region="r", bucket="gs://b", service_account="a@b.c", network=network, spot=True
    )
    told = custom_job(SPEC, attempt(), settings)["job_spec"]
    assert (told["service_account"], told["network"]) == ("a@b.c", network)
    assert told["scheduling"] == {"disable_retries": True, "strategy": "SPOT"}


def test_all_that_vertex_ai_cannot_do_is_told_at_once() -> None:
    pools = (WorkerPool(accelerator_type="NVIDIA_T4", replica_count=2), WorkerPool(accelerator_type="NVIDIA_TESLA_K80"))
    resources = Resources(worker_pools=pools)
    spec = dataclasses.replace(SPEC, resources=resources, kind=JobKind.BATCH_PREDICTION, args=("--engine", "onnx"))
    with pytest.raises(UsageError) as caught:
        check_submission(spec)
    assert str(caught.value) == (
        "job 'taxi' cannot run on Vertex AI:\n"
        "  - there is no accelerator NVIDIA_T4. Did you mean NVIDIA_L4 or NVIDIA_TESLA_T4 or NVIDIA_TESLA_P4?\n"
        "  - the accelerator NVIDIA_TESLA_K80 is no longer supported\n"
        "  - there is one chief, not 2\n"
        "  - --engine chooses what computes on this machine: leave it out"
    )


def test_what_is_asked_of_vertex_ai_alone_wins_over_the_settings() -> None:
    settings = dataclasses.replace(SETTINGS, service_account="all@p.iam.gserviceaccount.com", network="n")
    options = VertexOptions(spot=True, service_account="one@p.iam.gserviceaccount.com", persistent_resource="pool-1")
    job_spec = custom_job(dataclasses.replace(SPEC, vertex=options), attempt(), settings)["job_spec"]
    assert job_spec["scheduling"]["strategy"] == "SPOT"
    assert job_spec["service_account"] == "one@p.iam.gserviceaccount.com"
    assert (job_spec["network"], job_spec["persistent_resource_id"]) == ("n", "pool-1")
    assert custom_job(SPEC, attempt(), settings)["job_spec"]["scheduling"]["strategy"] == "STANDARD"


def test_the_jobs_own_image_wins_over_the_settings() -> None:
    spec = dataclasses.replace(SPEC, vertex=VertexOptions(image="python:3.11"))
    assert image_for(spec, "python:3.12", python="3.11.9") == "python:3.11"
    assert image_for(SPEC, "python:3.12", python="3.11.9") == "python:3.12"
