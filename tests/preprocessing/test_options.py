"""What Beam is told: on this machine, and where workers are elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import (
    DirectOptions,
    GoogleCloudOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
    WorkerOptions,
)

from mlmagic.errors import UsageError
from mlmagic.preprocessing.arguments import parse_arguments
from mlmagic.preprocessing.options import pipeline_options

DATAFLOW = ("--runner", "dataflow", "--project=p", "--region", "europe-west4", "--temp_location=gs://b/tmp")


def options(*words: str, files: str = "gs://b/*.csv", output: str = "gs://b/out") -> PipelineOptions:
    return pipeline_options(parse_arguments(["--input", files, "--output", output, *words]), Path("/package"))


def test_threads_of_this_machine() -> None:
    direct = options("--workers", "3").view_as(DirectOptions)
    assert (direct.direct_num_workers, direct.direct_running_mode) == (3, "multi_threading")
    assert options("--workers", "1").view_as(DirectOptions).direct_running_mode == "in_memory"


def test_dataflow_gets_the_package_of_the_cell() -> None:
    made = options(*DATAFLOW, "--max_num_workers", "9")
    assert made.view_as(StandardOptions).runner == "DataflowRunner"
    assert made.view_as(SetupOptions).setup_file == "/package/setup.py"
    assert not made.view_as(SetupOptions).save_main_session
    assert made.view_as(WorkerOptions).max_num_workers == 9
    cloud = made.view_as(GoogleCloudOptions)
    assert (cloud.project, cloud.region, cloud.temp_location) == ("p", "europe-west4", "gs://b/tmp")


def test_what_dataflow_lacks_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        options("--runner", "dataflow", "--region", "r", files="rides.csv", output="out")
    assert caught.value.problems == (
        "--project: missing; the project that is billed",
        "--temp_location: missing; a folder in a bucket, gs://…, for what workers exchange",
        "--output out: Dataflow's workers write to a bucket, gs://…",
        "--input rides.csv: Dataflow's workers read from buckets, gs://…, and BigQuery, bq://…",
    )


def test_options_that_beam_does_not_have_are_told() -> None:
    with pytest.raises(UsageError) as caught:
        options(*DATAFLOW, "--max_num_worker=9")
    assert caught.value.problems == ("--max_num_worker=9: Did you mean --max_num_workers?",)


def test_another_runner_of_beam_goes_by_its_name() -> None:
    assert options("--runner", "PrismRunner").view_as(StandardOptions).runner == "PrismRunner"
