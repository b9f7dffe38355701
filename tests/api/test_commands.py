"""A job in the words of others."""

from __future__ import annotations

import dataclasses

import pytest

from mlmagic.api.commands import (
    EXECUTOR_IMAGE,
    as_configured,
    gcloud_command,
    gcloud_list,
    has_flags,
    job_document,
    local_command,
    worker_pool_specs,
)
from mlmagic.api.job_config import read_job_config
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.spec.resources import Resources, WorkerPool
from mlmagic.spec.vertex import VertexOptions

SPEC = JobSpec(
    display_name="taxi",
    package=PackageReference(digest="0"),
    args=("--epochs", "5"),
    labels={"team": "a", "cost": "low"},
    resources=Resources(worker_pools=(WorkerPool(accelerator_type="NVIDIA_TESLA_T4"), WorkerPool(replica_count=2))),
)


def test_the_local_command_runs_the_module() -> None:
    assert local_command(SPEC) == ("python", "-m", "trainer.task", "--epochs", "5")


def test_worker_pools_are_those_of_a_custom_job() -> None:
    first, second = worker_pool_specs(SPEC)
    assert first["machineSpec"] == {
        "machineType": "n1-standard-4",
        "acceleratorType": "NVIDIA_TESLA_T4",
        "acceleratorCount": 1,
    }
    assert second["replicaCount"] == 2
    assert second["pythonPackageSpec"]["pythonModule"] == "trainer.task"
    assert second["pythonPackageSpec"]["args"] == ["--epochs", "5"]


def test_gcloud_makes_the_same_job() -> None:
    words = gcloud_command(SPEC)
    assert words[:4] == ("gcloud", "ai", "custom-jobs", "create")
    assert "--args=--epochs,5" in words
    assert "--labels=cost=low,team=a" in words
    assert [word.startswith("--worker-pool-spec=machine-type=n1-standard-4,replica-count=") for word in words].count(
        True
    ) == 2


def test_a_pool_that_is_left_out_keeps_its_place() -> None:
    pools = (WorkerPool(), WorkerPool(replica_count=0), WorkerPool(machine_type="ct5lp-hightpu-1t", tpu_topology="1x1"))
    spec = dataclasses.replace(SPEC, resources=Resources(worker_pools=pools))
    _, empty, last = worker_pool_specs(spec)
    assert (empty, last["machineSpec"]["tpuTopology"]) == ({}, "1x1")
    assert not has_flags(spec)
    pools = (*pools[:2], WorkerPool())
    assert "--worker-pool-spec=" in gcloud_command(dataclasses.replace(SPEC, resources=Resources(worker_pools=pools)))


@pytest.mark.parametrize(
    ("words", "told"),
    [(["a", "b"], "a,b"), (["a,b", "c"], "^:^a,b:c"), (["a,b", "c:d"], "^|^a,b|c:d"), (["^x"], "^:^^x")],
)
def test_commas_need_another_delimiter(words: list[str], told: str) -> None:
    assert gcloud_list(words) == told


def test_gcloud_is_told_what_is_asked_of_vertex_ai_alone() -> None:
    spec = dataclasses.replace(SPEC, vertex=VertexOptions(service_account="t@p.iam.gserviceaccount.com"))
    assert has_flags(spec)
    assert "--service-account=t@p.iam.gserviceaccount.com" in gcloud_command(spec)


def test_what_gcloud_has_no_flag_for_stands_in_a_file() -> None:
    options = VertexOptions(spot=True, service_account="t@p.iam.gserviceaccount.com", persistent_resource="pool-1")
    spec = dataclasses.replace(SPEC, vertex=options, timeout_seconds=90.0)
    assert gcloud_command(spec)[-2:] == ("--config=job.yaml", "--labels=cost=low,team=a")
    document = job_document(spec)
    assert document.pop("workerPoolSpecs") == worker_pool_specs(spec)
    assert document.pop("scheduling") == {"timeout": "90s", "strategy": "SPOT"}
    assert document == {"serviceAccount": "t@p.iam.gserviceaccount.com", "persistentResourceId": "pool-1"}
    read = read_job_config(job_document(spec))
    assert read.worker_pools is not None
    assert ([pool.replica_count for pool in read.worker_pools], read.timeout) == ([1, 2], "90s")


def test_settings_stand_for_what_a_job_leaves_open() -> None:
    google = {"google_image": "us-docker.pkg.dev/p/r/own:1", "google_network": "projects/1/global/networks/a"}
    words = gcloud_command(as_configured(SPEC, google))
    assert any(word.endswith(",container-image-uri=us-docker.pkg.dev/p/r/own:1") for word in words)
    assert "--network=projects/1/global/networks/a" in words
    named = dataclasses.replace(SPEC, vertex=VertexOptions(image="python:3.11"))
    assert as_configured(named, google).vertex.image == "python:3.11"


def test_an_image_of_vertex_ai_takes_the_package() -> None:
    image = EXECUTOR_IMAGE.replace("2-17", "2-14")
    spec = dataclasses.replace(SPEC, vertex=VertexOptions(image=image))
    assert worker_pool_specs(spec)[0]["pythonPackageSpec"]["executorImageUri"] == image
    assert sum(f"executor-image-uri={image}," in word for word in gcloud_command(spec)) == 2


def test_any_other_image_installs_the_package_and_runs_it() -> None:
    spec = dataclasses.replace(SPEC, vertex=VertexOptions(image="us-docker.pkg.dev/p/r/own:1"))
    container = worker_pool_specs(spec)[0]["containerSpec"]
    assert (container["imageUri"], container["args"]) == ("us-docker.pkg.dev/p/r/own:1", ["--epochs", "5"])
    assert container["command"][-2:] == ["/gcs/BUCKET/taxi_trainer-0.1.0.tar.gz", "trainer.task"]
    words = gcloud_command(spec)
    assert any(word.endswith(",container-image-uri=us-docker.pkg.dev/p/r/own:1") for word in words)
    assert not [word for word in words if "python-package-uris" in word or "executor-image" in word]
