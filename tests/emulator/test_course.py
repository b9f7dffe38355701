"""The trip of Google's course with Google's own SDK: a trainer in a bucket, trained, tuned, served and asked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.emulated_jobs import TRAINING_IMAGE, wait_for
from support.vertex import IMAGE, until
from support.vertex_clients import high_level_sdk, seen_states

from mlmagic.emulator.launch import Emulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SETUP = "from setuptools import find_packages, setup\nsetup(name='trainer', version='0.1', packages=find_packages())\n"
TASK = """
import argparse
import os
import time

import hypertune


def train(rate, rounds):
    weight = 0.0
    for _ in range(rounds):
        weight -= rate * (weight - 2.5)
    return weight, (weight - 2.5) ** 2


def export(weight, folder):
    import tensorflow as tf

    module = tf.Module()
    module.weight = tf.Variable(weight)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="miles")])
    def fares(miles):
        return {"fare": module.weight * miles}

    tf.saved_model.save(module, folder, signatures=fares)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    weight, loss = train(arguments.rate, arguments.rounds)
    time.sleep(2)
    hypertune.HyperTune().report_hyperparameter_tuning_metric("loss", loss, global_step=arguments.rounds)
    if not os.environ.get("CLOUD_ML_TRIAL_ID"):
        export(weight, os.environ["AIP_MODEL_DIR"])
"""


@pytest.fixture(scope="module")
def sdk(emulator: Emulator) -> Iterator[Any]:
    aiplatform = high_level_sdk(emulator)
    yield aiplatform
    for endpoint in aiplatform.Endpoint.list():
        endpoint.delete(force=True)
    aiplatform.initializer.global_pool.shutdown(wait=True)


def packaged(emulator: Emulator, folder: Path) -> list[dict[str, Any]]:
    """Bring the trainer into the bucket as a source distribution, and return the pool that runs it."""
    from google.cloud.storage import Client

    (folder / "trainer").mkdir()
    for name, text in {"setup.py": SETUP, "trainer/__init__.py": "", "trainer/task.py": TASK}.items():
        (folder / name).write_text(text, "utf-8")
    subprocess.run([sys.executable, "setup.py", "--quiet", "sdist"], cwd=folder, check=True, capture_output=True)
    blob = Client(project=emulator.project).bucket(emulator.bucket).blob("course/trainer-0.1.tar.gz")
    blob.upload_from_filename(str(folder / "dist" / "trainer-0.1.tar.gz"))
    program = {
        "executor_image_uri": TRAINING_IMAGE,
        "package_uris": [f"gs://{emulator.bucket}/{blob.name}"],
        "python_module": "trainer.task",
    }
    return [{"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 1, "python_package_spec": program}]


def tuned(sdk: Any, pools: list[dict[str, Any]]) -> tuple[Any, int]:
    """Tune the trainer, and return the job and how many trials were seen at a time at most."""
    from google.cloud.aiplatform import hyperparameter_tuning

    job = sdk.HyperparameterTuningJob(
        display_name="fares-tuned",
        custom_job=sdk.CustomJob(display_name="trial", worker_pool_specs=pools),
        metric_spec={"loss": "minimize"},
        parameter_spec={"rate": hyperparameter_tuning.DoubleParameterSpec(min=0.01, max=0.1, scale="log")},
        max_trial_count=8,
        parallel_trial_count=2,
    )
    job.run(sync=False)
    job.wait_for_resource_creation()
    most = 0

    def look() -> str:
        nonlocal most
        most = max(most, sum(trial.state.name == "ACTIVE" for trial in job.trials))
        return str(job.state.name)

    wait_for(look, lambda state: state in {"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED"})
    job.wait()
    return job, most


def uploaded(sdk: Any, uri: str) -> tuple[Any, Any]:
    """Upload a model, and the same as its second version."""
    first = sdk.Model.upload(display_name="fares", artifact_uri=uri, serving_container_image_uri=IMAGE)
    second = sdk.Model.upload(
        parent_model=first.resource_name,
        is_default_version=False,
        version_aliases=["golden"],
        artifact_uri=uri,
        serving_container_image_uri=IMAGE,
    )
    return first, second


def predicted(sdk: Any, model: Any, emulator: Emulator) -> list[dict[str, Any]]:
    """Predict a file of two instances, and return the lines of the results."""
    bucket = emulator.buckets / emulator.bucket
    (bucket / "batch.jsonl").write_text('{"miles": 2.0}\n{"miles": 4.0}\n', "utf-8")
    job = sdk.BatchPredictionJob.submit(
        model_name=model,
        job_display_name="fares-batch",
        gcs_source=f"gs://{emulator.bucket}/batch.jsonl",
        gcs_destination_prefix=f"gs://{emulator.bucket}/out",
        machine_type="n1-standard-2",
    )
    until(lambda: job.state.name in {"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED"})
    texts = [blob.download_as_text() for blob in job.iter_outputs() if "prediction.results-" in blob.name]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def test_from_a_trainer_to_predictions(sdk: Any, emulator: Emulator, ask: Any, tmp_path: Path) -> None:
    pools = packaged(emulator, tmp_path)
    base = f"gs://{emulator.bucket}/course/fares"
    ask("POST", "/emulator/faults", {"rpc": "machines.start", "delay_seconds": 3, "times": 1})
    job = sdk.CustomJob(display_name="fares", worker_pool_specs=pools, base_output_dir=base)
    job.submit()
    states = seen_states(job)
    # The first look may come too late for QUEUED.
    assert states in (["QUEUED", "PENDING", "RUNNING", "SUCCEEDED"], ["PENDING", "RUNNING", "SUCCEEDED"]), job.error

    study, most = tuned(sdk, pools)
    assert ([trial.id for trial in study.trials], most) == ([str(number) for number in range(1, 9)], 2)
    for trial in study.trials:
        loss = 2.5**2 * (1 - trial.parameters[0].value) ** 80
        assert trial.final_measurement.metrics[0].value == pytest.approx(loss)

    first, second = uploaded(sdk, f"{base}/model")
    assert (first.version_id, second.version_id, second.resource_name) == ("1", "2", first.resource_name)
    assert sdk.Model(f"{first.resource_name}@golden").version_id == "2"
    listed = {each.version_id: set(each.version_aliases) for each in first.versioning_registry.list_versions()}
    assert listed == {"1": {"default"}, "2": {"golden"}}

    endpoint = sdk.Endpoint.create(display_name="fares")
    endpoint.deploy(first, machine_type="n1-standard-2", traffic_percentage=100)
    endpoint.deploy(second, machine_type="n1-standard-2", traffic_percentage=20)
    assert sorted(endpoint.traffic_split.values()) == [20, 80]
    replies = [endpoint.predict(instances=[{"miles": 2.0}]) for _ in range(80)]
    assert {reply.model_version_id for reply in replies} == {"1", "2"}
    assert replies[0].predictions == [pytest.approx(5.0)]
    assert [line["prediction"] for line in predicted(sdk, first, emulator)] == [pytest.approx(5.0), pytest.approx(10.0)]
