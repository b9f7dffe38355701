"""Google's high-level SDK, as it is: versions of a model, an endpoint that shares its traffic, a batch prediction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from support.vertex import IMAGE, Vertex, until
from support.vertex_clients import high_level_sdk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def sdk(vertex: Vertex) -> Iterator[Any]:
    aiplatform = high_level_sdk(vertex.emulator)
    yield aiplatform
    for endpoint in aiplatform.Endpoint.list():
        endpoint.delete(force=True)


@pytest.fixture(scope="module")
def models(sdk: Any, uri: str) -> list[Any]:
    """Two versions."""
    first = sdk.Model.upload(display_name="vector", artifact_uri=uri, serving_container_image_uri=IMAGE)
    second = sdk.Model.upload(
        parent_model=first.resource_name,
        is_default_version=False,
        version_aliases=["golden"],
        artifact_uri=uri,
        serving_container_image_uri=IMAGE,
    )
    return [first, second]


def test_versions(sdk: Any, models: list[Any]) -> None:
    first, second = models
    assert (first.version_id, second.version_id, second.resource_name) == ("1", "2", first.resource_name)
    assert sdk.Model(first.resource_name).version_id == "1"
    assert sdk.Model(f"{first.resource_name}@golden").version_id == "2"
    listed = {each.version_id: set(each.version_aliases) for each in first.versioning_registry.list_versions()}
    assert listed == {"1": {"default"}, "2": {"golden"}}


@pytest.fixture(scope="module")
def endpoint(sdk: Any, models: list[Any]) -> Any:
    """Both deployed, the second with a fifth of the traffic."""
    made = sdk.Endpoint.create(display_name="rides")
    for model, share in zip(models, (100, 20), strict=True):
        made.deploy(model, machine_type="n1-standard-2", traffic_percentage=share)
    return made


def test_an_endpoint_with_two_versions(endpoint: Any) -> None:
    assert sorted(endpoint.traffic_split.values()) == [20, 80]
    replies = [endpoint.predict(instances=[{"pixels": [1, 2, 3]}]) for _ in range(80)]
    assert {reply.model_version_id for reply in replies} == {"1", "2"}
    assert replies[0].predictions == [[2.0, 4.0, 6.0]]


def test_a_deployed_model_may_have_more_replicas(endpoint: Any, vertex: Vertex) -> None:
    client, name = vertex.client("EndpointService"), endpoint.resource_name
    deployed = client.get_endpoint(name=name).deployed_models[0]
    deployed.dedicated_resources.max_replica_count = 2
    mask = {"paths": ["dedicated_resources.max_replica_count"]}
    client.mutate_deployed_model(endpoint=name, deployed_model=deployed, update_mask=mask).result(timeout=600)
    found = client.get_endpoint(name=name).deployed_models[0].dedicated_resources
    assert (found.min_replica_count, found.max_replica_count, found.machine_spec.machine_type) == (
        1,
        2,
        "n1-standard-2",
    )
    with pytest.raises(exceptions.BadRequest, match="Cannot mutate model of a DeployedModel"):
        client.mutate_deployed_model(endpoint=name, deployed_model=deployed, update_mask={"paths": ["model"]})


def test_an_endpoint_is_renamed_and_its_traffic_moved(endpoint: Any) -> None:
    first, second = [deployed.id for deployed in endpoint.list_models()]
    endpoint.update(display_name="taxis", traffic_split={first: 0, second: 100})
    assert (endpoint.display_name, endpoint.traffic_split) == ("taxis", {second: 100})


def test_a_batch_prediction(sdk: Any, models: list[Any], vertex: Vertex) -> None:
    source = f"gs://{vertex.emulator.bucket}/batch.jsonl"
    (vertex.emulator.buckets / vertex.emulator.bucket / "batch.jsonl").write_text('{"pixels": [1, 2, 3]}\n')
    job = sdk.BatchPredictionJob.submit(
        model_name=models[0],
        job_display_name="batch",
        gcs_source=source,
        gcs_destination_prefix=f"gs://{vertex.emulator.bucket}/out",
        machine_type="n1-standard-2",
    )
    until(lambda: job.state.name in {"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED"})
    (results,) = [blob for blob in job.iter_outputs() if "prediction.results-" in blob.name]
    assert json.loads(results.download_as_text())["prediction"] == [2.0, 4.0, 6.0]
