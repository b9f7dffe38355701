"""Persistent resources through Google's own clients, and jobs on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions
from support.emulated_jobs import program, wait_for
from support.vertex import Vertex
from support.vertex_clients import FINAL, high_level_sdk, word

from mlmagic.emulator.launch import Emulator

POOL = {"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 2}


@pytest.fixture(scope="module")
def vertex(emulator: Emulator) -> Vertex:
    return Vertex(emulator)


def create(vertex: Vertex, name: str, **more: Any) -> Any:
    """Begin to make a resource of two machines."""
    client = vertex.client("PersistentResourceService")
    resource = {"resource_pools": [POOL], **more}
    return client.create_persistent_resource(
        parent=vertex.parent, persistent_resource=resource, persistent_resource_id=name
    )


def submit(vertex: Vertex, resource: str, **more: Any) -> Any:
    """Send a job that runs on a resource."""
    spec = {"worker_pool_specs": [program("print(42)")], "persistent_resource_id": resource, **more}
    job = {"display_name": "kept", "job_spec": spec}
    return vertex.client("JobService").create_custom_job(parent=vertex.parent, custom_job=job)


def test_a_resource_is_made_listed_and_deleted(vertex: Vertex) -> None:
    client = vertex.client("PersistentResourceService")
    made = create(vertex, "kept", labels={"course": "ml"}).result(timeout=240)
    assert (made.state.name, made.resource_pools[0].id, made.resource_pools[0].replica_count) == (
        "RUNNING",
        "pool-0",
        2,
    )
    assert made.start_time >= made.create_time
    assert [one.name for one in client.list_persistent_resources(parent=vertex.parent)] == [made.name]
    client.delete_persistent_resource(name=made.name).result(timeout=240)
    with pytest.raises(exceptions.NotFound, match=f"The resource {made.name} was not found"):
        client.get_persistent_resource(name=made.name)


def test_a_job_needs_one_that_is_there_with_its_machine(vertex: Vertex) -> None:
    with pytest.raises(exceptions.NotFound, match=r"The PersistentResource .*/persistentResources/none was not found"):
        submit(vertex, "none")
    create(vertex, "small").result(timeout=240)
    other = {**program("pass"), "machine_spec": {"machine_type": "n1-standard-8"}}
    with pytest.raises(exceptions.BadRequest, match="small has no pool of n1-standard-8; it has n1-standard-4"):
        submit(vertex, "small", worker_pool_specs=[other])


def test_a_job_on_one_starts_at_once(vertex: Vertex, ask: Callable[..., Any], no_faults: None) -> None:
    create(vertex, "warm").result(timeout=240)
    ask("POST", "/emulator/faults", {"rpc": "machines.start", "delay_seconds": 3600})
    client = vertex.client("JobService")
    name = submit(vertex, "warm").name
    job = wait_for(lambda: client.get_custom_job(name=name), lambda job: word(job) in FINAL)
    assert (word(job), job.job_spec.persistent_resource_id) == ("SUCCEEDED", "warm")


def test_it_is_not_deleted_under_a_job(vertex: Vertex) -> None:
    client = vertex.client("PersistentResourceService")
    made = create(vertex, "busy").result(timeout=240)
    name = submit(vertex, "busy", worker_pool_specs=[program("import time; time.sleep(3600)")]).name
    assert client.get_persistent_resource(name=made.name).resource_pools[0].used_replica_count == 1
    with pytest.raises(exceptions.BadRequest, match="busy has jobs that run: cancel them first"):
        client.delete_persistent_resource(name=made.name)
    vertex.client("JobService").cancel_custom_job(name=name)
    wait_for(lambda: vertex.client("JobService").get_custom_job(name=name), lambda job: word(job) in FINAL)
    client.delete_persistent_resource(name=made.name).result(timeout=240)


def test_it_grows_and_is_rebooted(vertex: Vertex) -> None:
    client = vertex.client("PersistentResourceService")
    made = create(vertex, "growing").result(timeout=240)
    made.resource_pools[0].replica_count = 5
    mask = {"paths": ["resource_pools.replica_count"]}
    grown = client.update_persistent_resource(persistent_resource=made, update_mask=mask).result(timeout=240)
    assert grown.resource_pools[0].replica_count == 5
    again = client.reboot_persistent_resource(name=made.name).result(timeout=240)
    assert (again.state.name, again.start_time) == ("RUNNING", made.start_time)


def test_what_is_wrong_with_one_is_listed(vertex: Vertex) -> None:
    with pytest.raises(exceptions.BadRequest) as caught:
        create(vertex, "Kept!", resource_pools=[{"machine_spec": {"machine_type": "n1-huge"}}])
    assert "1.Field: persistent_resource_id; Message: The id 'Kept!' is not valid" in caught.value.message
    assert (
        '2.Field: persistent_resource.resource_pools[0].machine_spec.machine_type; Message: Machine type "n1-huge"'
        in (caught.value.message)
    )


def test_operations_are_listed_and_waited_for(vertex: Vertex, ask: Callable[..., Any], no_faults: None) -> None:
    ask("POST", "/emulator/faults", {"rpc": "CreatePersistentResource", "slow_seconds": 1})
    client = vertex.client("PersistentResourceService")
    begun = create(vertex, "slow").operation
    assert client.get_persistent_resource(name=f"{vertex.parent}/persistentResources/slow").state.name == "PROVISIONING"
    listed = client.list_operations({"name": vertex.parent})
    assert begun.name in [operation.name for operation in listed.operations]
    assert client.wait_operation({"name": begun.name, "timeout": {"seconds": 60}}).done


@pytest.mark.slow
def test_the_high_level_sdk_makes_and_uses_one(emulator: Emulator) -> None:
    sdk = high_level_sdk(emulator)
    from google.cloud.aiplatform.persistent_resource import PersistentResource
    from google.cloud.aiplatform_v1.types.persistent_resource import ResourcePool

    kept = PersistentResource.create(persistent_resource_id="course", resource_pools=[ResourcePool(POOL)])
    job = sdk.CustomJob(display_name="kept", worker_pool_specs=[program("print(42)")])
    job.submit(persistent_resource_id="course")
    assert wait_for(lambda: job.state.name, lambda state: state.removeprefix("JOB_STATE_") in FINAL) == (
        "JOB_STATE_SUCCEEDED"
    )
    assert kept.resource_name in [one.resource_name for one in PersistentResource.list()]
    kept.delete()
