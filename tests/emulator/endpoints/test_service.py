"""Endpoints through Vertex AI's own client, without anything deployed."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from support.vertex import MACHINE, Vertex

PRIVATE = {"image_uri": "us-docker.pkg.dev/p/r/server:1"}


@pytest.fixture(scope="module")
def model(vertex: Vertex, uri: str) -> str:
    return str(vertex.upload(uri).model)


def deploy(vertex: Vertex, endpoint: str, split: dict[str, int] | None = None, **deployed: Any) -> None:
    request = {"endpoint": endpoint, "deployed_model": deployed, "traffic_split": split or {"0": 100}}
    vertex.client("EndpointService").deploy_model(request)


def test_create_get_list_update_delete(vertex: Vertex) -> None:
    client = vertex.client("EndpointService")
    name = vertex.endpoint("rides")
    client.update_endpoint(endpoint={"name": name, "labels": {"a": "b"}}, update_mask={"paths": ["labels"]})
    (found,) = client.list_endpoints({"parent": vertex.parent, "filter": "labels.a=b"})
    assert (found.name, found.display_name) == (name, "rides")
    client.delete_endpoint(name=name).result()
    with pytest.raises(exceptions.NotFound, match=f"The resource {name} was not found"):
        client.get_endpoint(name=name)


def test_an_endpoint_without_models_does_not_predict(vertex: Vertex) -> None:
    with pytest.raises(exceptions.BadRequest, match="does not have any traffic to a deployed model"):
        vertex.client("PredictionService").predict(endpoint=vertex.endpoint(), instances=[1.0])
    with pytest.raises(exceptions.NotFound):
        vertex.client("PredictionService").predict(endpoint=f"{vertex.parent}/endpoints/9", instances=[1.0])


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ({}, "Exactly one of deployed_model.dedicated_resources and"),
        ({"dedicated_resources": {"machine_spec": {}}}, "machine_spec.machine_type is not set"),
        ({"dedicated_resources": {**MACHINE, "machine_spec": {"machine_type": "n1-huge"}}}, "'n1-huge' is not supp"),
        ({"dedicated_resources": {**MACHINE, "min_replica_count": 0}}, "min_replica_count must be at least 1"),
        (
            {"dedicated_resources": {**MACHINE, "min_replica_count": 3, "max_replica_count": 2}},
            r"\(2\) must not be less",
        ),
    ],
)
def test_resources_that_are_refused(vertex: Vertex, model: str, resources: dict[str, Any], why: str) -> None:
    with pytest.raises(exceptions.BadRequest, match=why):
        deploy(vertex, vertex.endpoint(), model=model, **resources)


def test_a_split_that_is_refused(vertex: Vertex, model: str) -> None:
    with pytest.raises(exceptions.BadRequest, match="The traffic percentage values must add up to 100, got 0: 90"):
        deploy(vertex, vertex.endpoint(), {"0": 90}, model=model, dedicated_resources=MACHINE)


def test_a_container_of_the_users_own_is_refused(vertex: Vertex, uri: str) -> None:
    own = vertex.upload(uri, container_spec=PRIVATE).model
    with pytest.raises(exceptions.MethodNotImplemented, match=f"cannot run the container {PRIVATE['image_uri']} of"):
        deploy(vertex, vertex.endpoint(), model=own, dedicated_resources=MACHINE)
