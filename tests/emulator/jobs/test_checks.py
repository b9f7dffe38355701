"""What is refused of a custom job, in which words."""

from __future__ import annotations

from typing import Any

import pytest

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.jobs.checks import check_job_spec, check_resource, refuse, refuse_unsupported

MACHINE = {"machine_type": "n1-standard-4"}
CONTAINER = {"image_uri": "i"}
POOL = {"machine_spec": MACHINE, "replica_count": "1", "container_spec": CONTAINER}
PACKAGE = {"executor_image_uri": "i", "package_uris": ["gs://bucket/x.tar.gz"], "python_module": "trainer.task"}


def found(spec: dict[str, Any] | None) -> list[tuple[str, str]]:
    return [(one.field, one.description) for one in check_job_spec(spec, "job_spec")]


def with_pool(**changes: Any) -> dict[str, Any]:
    return {"worker_pool_specs": [{**POOL, **changes}]}


def test_a_good_job_passes() -> None:
    spec = {
        "worker_pool_specs": [POOL, {}, {**POOL, "replica_count": "3"}],
        "base_output_directory": {"output_uri_prefix": "gs://bucket/a/b"},
        "scheduling": {"timeout": "3600s"},
    }
    assert found(spec) == []


@pytest.mark.parametrize("spec", [None, {}, {"worker_pool_specs": []}])
def test_worker_pools_are_required(spec: dict[str, Any] | None) -> None:
    assert found(spec) == [("job_spec.worker_pool_specs", "Required field is not set.")]


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"replica_count": "2"}, "replica_count", "The replica count of the first worker pool must be 1, not 2."),
        ({"machine_spec": {}}, "machine_spec.machine_type", "Required field is not set."),
        (
            {"machine_spec": {"machine_type": "n9-huge"}},
            "machine_spec.machine_type",
            'Machine type "n9-huge" is not supported.',
        ),
        (
            {"machine_spec": {**MACHINE, "accelerator_type": "NVIDIA_TESLA_T4"}},
            "machine_spec.accelerator_count",
            "Accelerator type and a positive accelerator count must be given together.",
        ),
        ({"container_spec": {}}, "container_spec.image_uri", "Required field is not set."),
        (
            {"container_spec": {**CONTAINER, "env": [{"name": "a=b"}]}},
            "container_spec.env[0].name",
            "'a=b' is not a valid C identifier.",
        ),
    ],
)
def test_what_is_wrong_with_a_pool(changes: dict[str, Any], field: str, text: str) -> None:
    assert found(with_pool(**changes)) == [(f"job_spec.worker_pool_specs[0].{field}", text)]


def test_a_pool_needs_a_task() -> None:
    pool = {"machine_spec": MACHINE, "replica_count": "1"}
    [(field, text)] = found({"worker_pool_specs": [pool]})
    assert field == "job_spec.worker_pool_specs[0].task"
    assert text == "Required field is not set. One of container_spec and python_package_spec must be given."


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"package_uris": []}, "package_uris", "Required field is not set."),
        (
            {"package_uris": ["/home/x.tar.gz"]},
            "package_uris[0]",
            "'/home/x.tar.gz' is not a Cloud Storage path, such as gs://bucket/package.tar.gz.",
        ),
        ({"python_module": "a-b"}, "python_module", "'a-b' is not the name of a Python module."),
        ({"package_uris": ["gs://bucket/x"] * 101}, "package_uris", "At most 100 packages are allowed."),
    ],
)
def test_what_is_wrong_with_a_package(changes: dict[str, Any], field: str, text: str) -> None:
    pool = {"machine_spec": MACHINE, "replica_count": "1", "python_package_spec": {**PACKAGE, **changes}}
    path = f"job_spec.worker_pool_specs[0].python_package_spec.{field}"
    assert found({"worker_pool_specs": [pool]}) == [(path, text)]


@pytest.mark.parametrize("uri", ["/local", "gs://", "gs://b/../c", "s3://bucket/x"])
def test_the_output_folder_is_in_cloud_storage(uri: str) -> None:
    spec = {"worker_pool_specs": [POOL], "base_output_directory": {"output_uri_prefix": uri}}
    why = f"{uri!r} is not a Cloud Storage path, such as gs://bucket/folder."
    assert found(spec) == [("job_spec.base_output_directory.output_uri_prefix", why)]


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({}, ["job.display_name"]),
        ({"display_name": "x" * 129}, ["job.display_name"]),
        ({"display_name": "x", "labels": {"Upper": "a"}}, ["job.labels"]),
        ({"display_name": "x", "labels": {"a": "B", "1": "c"}}, ["job.labels", "job.labels"]),
        ({"display_name": "x" * 128, "labels": {"a-b_1": "größe", "k": ""}}, []),
    ],
)
def test_names_and_labels(document: dict[str, Any], fields: list[str]) -> None:
    assert [one.field for one in check_resource(document, "job")] == fields


def test_a_network_has_the_form_of_one() -> None:
    why = "'default' is not a network, such as projects/12345/global/networks/my-network."
    assert found({"worker_pool_specs": [POOL], "network": "default"}) == [("job_spec.network", why)]


def test_what_the_emulator_has_nothing_for_is_refused() -> None:
    spec = {"worker_pool_specs": [{**POOL, "nfs_mounts": [{"server": "x"}]}], "models": ["m"]}
    with pytest.raises(ApiError) as raised:
        refuse_unsupported(spec, "job_spec")
    assert raised.value.status == "UNIMPLEMENTED"
    assert raised.value.message == "mlmagic's emulator does not implement job_spec: models, nfs_mounts."


def test_a_tensorboard_has_the_form_of_one_and_needs_a_service_account() -> None:
    why = "'board' is not a Tensorboard, such as projects/p/locations/us-central1/tensorboards/123."
    needed = ("job_spec.service_account", "A service account is needed where a Tensorboard is given.")
    assert found({"worker_pool_specs": [POOL], "tensorboard": "board"}) == [("job_spec.tensorboard", why), needed]


def test_all_faults_are_listed_at_once() -> None:
    with pytest.raises(ApiError) as raised:
        refuse([*check_resource({}, "custom_job"), *check_job_spec({}, "custom_job.job_spec")])
    assert raised.value.message == (
        "List of found errors:\t1.Field: custom_job.display_name; Message: Required field is not set.\t"
        "2.Field: custom_job.job_spec.worker_pool_specs; Message: Required field is not set.\t"
    )
    assert raised.value.status == "INVALID_ARGUMENT"
