"""What the program is told that brings a pipeline to Dataflow."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mlmagic.backends.google.dataflow_words import (
    Launch,
    check_pipeline,
    input_words,
    job_name,
    launch_words,
    machine_type,
    runs_on_dataflow,
)
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.errors import UsageError
from mlmagic.preprocessing.arguments import parse_arguments
from mlmagic.preprocessing.options import pipeline_options
from mlmagic.serving.batch.arguments import parse_arguments as parse_prediction
from mlmagic.spec.job import JobKind, JobSpec, PackageReference
from mlmagic.spec.resources import Resources

JOB = "rides-20261122-120000-ab12"
SETTINGS = GoogleSettings(
    project="my-project",
    region="europe-west4",
    bucket="gs://b",
    service_account="worker@my-project.iam.gserviceaccount.com",
    network="projects/7/global/networks/inner",
)
SPEC = JobSpec(
    display_name="rides",
    kind=JobKind.PREPROCESSING,
    package=PackageReference(digest="d", module="preprocessor.task"),
    args=("--input", "a.csv", "--target", "fare", "--runner", "dataflow", "--workers", "9", "--", "--disk_size_gb=50"),
    labels={"team": "rides"},
    resources=Resources(cores=3),
)
LAUNCH = Launch(job_id=JOB, number=2, workspace="w1", inputs=["gs://b/a.csv"], package="/p.tar.gz", submitted="/job.id")


def test_beam_gets_what_the_settings_and_the_job_say() -> None:
    from apache_beam.options.pipeline_options import GoogleCloudOptions, SetupOptions, WorkerOptions

    arguments = parse_arguments(launch_words(SPEC, LAUNCH, SETTINGS))
    options = pipeline_options(arguments, Path("/package"))
    cloud, workers = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
    assert (cloud.project, cloud.region, cloud.job_name) == ("my-project", "europe-west4", f"{JOB}-w1-2")
    assert cloud.temp_location == f"gs://b/mlmagic/jobs/{JOB}/temp"
    assert cloud.staging_location == f"gs://b/mlmagic/jobs/{JOB}/staging"
    assert cloud.service_account_email == SETTINGS.service_account
    assert {"team=rides", "mlmagic-attempt=2", f"mlmagic-job={JOB}", "mlmagic-workspace=w1"} == set(cloud.labels)
    assert (workers.machine_type, workers.max_num_workers, workers.network) == ("n1-standard-4", 9, "inner")
    assert workers.disk_size_gb == 50
    assert options.view_as(SetupOptions).extra_packages == ["/p.tar.gz"]
    assert options.view_as(SetupOptions).setup_file is None


def test_the_program_reads_and_writes_in_the_bucket() -> None:
    arguments = parse_arguments(launch_words(SPEC, LAUNCH, SETTINGS))
    assert arguments.inputs == ("gs://b/a.csv",)
    assert arguments.output == f"gs://b/mlmagic/jobs/{JOB}/model"
    assert arguments.parts == f"gs://b/mlmagic/jobs/{JOB}/parts-2"
    assert (arguments.target, arguments.submitted) == ("fare", "/job.id")


def test_a_name_that_dataflow_takes() -> None:
    assert job_name("My_Rides-20261122-120000-ab12", 1, "w1") == "my-rides-20261122-120000-ab12-w1-1"


@pytest.mark.parametrize(("cores", "kind"), [(0.5, 1), (1, 1), (3, 4), (96, 96)])
def test_the_smallest_machine_with_so_many_cores(cores: float, kind: int) -> None:
    assert machine_type(cores) == f"n1-standard-{kind}"


def test_all_that_dataflow_cannot_do_is_told_at_once() -> None:
    args = (*SPEC.args[:-2], "--output", "gs://b/x", "--", "--project=p", "--update")
    resources = Resources(cores=200, memory_bytes=1 << 30)
    with pytest.raises(UsageError) as caught:
        check_pipeline(dataclasses.replace(SPEC, args=args, resources=resources), SETTINGS)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        *("--project after --", "--update after --", "--output", "--memory", "--cores 200")
    ]


def test_only_what_names_the_runner_is_for_dataflow() -> None:
    assert runs_on_dataflow(SPEC)
    assert not runs_on_dataflow(dataclasses.replace(SPEC, kind=JobKind.TRAINING))
    assert not runs_on_dataflow(dataclasses.replace(SPEC, args=("--output", "gs://b/x")))


def test_a_batch_prediction_is_told_where_model_and_output_are() -> None:
    args = ("--model", "taxi@1", "--workspace", "/w", "--input", "a.csv", "gs://x/*.csv", "--output", "out/")
    args += ("--runner", "dataflow", "--workers", "9")
    spec = dataclasses.replace(SPEC, kind=JobKind.BATCH_PREDICTION, args=args, working_directory="/home/me")
    assert (runs_on_dataflow(spec), input_words(spec)) == (True, ("a.csv", "gs://x/*.csv"))
    words = launch_words(spec, dataclasses.replace(LAUNCH, artifact="gs://b/model/"), SETTINGS)
    told = parse_prediction(words)
    assert (told.inputs, told.target.path, told.runner) == (("gs://b/a.csv",), Path("/home/me/out"), "dataflow")
    assert told.sending is not None
    assert (told.sending.artifact, told.sending.submitted) == ("gs://b/model/", "/job.id")
    assert told.sending.parts == f"gs://b/mlmagic/jobs/{JOB}/parts-2"
    assert {"--max_num_workers=9", "--worker_machine_type=n1-standard-4"} <= set(told.sending.beam)
