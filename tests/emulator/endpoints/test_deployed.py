"""Models that are really deployed, asked through Vertex AI's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf import json_format, struct_pb2
from support.vertex import Vertex

pytestmark = pytest.mark.timeout(900)

GOOD, BAD = {"pixels": [1, 2, 3]}, {"pixelz": [1, 2, 3]}


def predict(vertex: Vertex, endpoint: str, *instances: Any) -> Any:
    values = [json_format.ParseDict(instance, struct_pb2.Value()) for instance in instances]
    return vertex.client("PredictionService").predict(endpoint=endpoint, instances=values)


@pytest.fixture(scope="module")
def model(vertex: Vertex, uri: str) -> str:
    name = str(vertex.upload(uri, "vector").model)
    vertex.upload(uri, parent_model=name)
    return name


@pytest.fixture(scope="module")
def endpoint(vertex: Vertex, model: str) -> Iterator[str]:
    """An endpoint with version 1."""
    client, name = vertex.client("EndpointService"), vertex.endpoint()
    vertex.deploy(name, f"{model}@1", new=100)
    yield name
    for deployed in client.get_endpoint(name=name).deployed_models:
        client.update_endpoint(endpoint={"name": name, "traffic_split": {}}, update_mask={"paths": ["traffic_split"]})
        client.undeploy_model(endpoint=name, deployed_model_id=deployed.id).result()


def test_predict_tells_who_answered(vertex: Vertex, model: str, endpoint: str) -> None:
    reply = predict(vertex, endpoint, GOOD, {"pixels": [0, 0, 1]})
    assert [list(prediction) for prediction in reply.predictions] == [[2, 4, 6], [0, 0, 2]]
    (deployed,) = vertex.client("EndpointService").get_endpoint(name=endpoint).deployed_models
    assert (reply.deployed_model_id, reply.model, reply.model_version_id) == (deployed.id, model, "1")
    assert reply.model_display_name == "vector"


def test_a_bad_instance_is_told_in_the_servers_words(vertex: Vertex, endpoint: str) -> None:
    with pytest.raises(exceptions.BadRequest, match=r"instances\[0\].pixelz: the model has no such input") as refused:
        predict(vertex, endpoint, BAD)
    assert refused.value.code == 400


def test_raw_predict(vertex: Vertex, endpoint: str) -> None:
    body = {"data": json.dumps({"instances": [[1, 2, 3]]}).encode(), "content_type": "application/json"}
    reply = vertex.client("PredictionService").raw_predict(endpoint=endpoint, http_body=body)
    assert json.loads(reply.data) == {"predictions": [[2.0, 4.0, 6.0]]}
    assert reply.content_type == "application/json"


def test_a_deployed_model_is_not_deleted(vertex: Vertex, model: str, endpoint: str) -> None:
    with pytest.raises(exceptions.BadRequest, match=r"because it is deployed to .* Undeploy it first"):
        vertex.client("ModelService").delete_model(name=model)
    with pytest.raises(exceptions.BadRequest, match=r"it has deployed models \(\d+\)"):
        vertex.client("EndpointService").delete_endpoint(name=endpoint)


def test_faults_reach_the_client(vertex: Vertex, endpoint: str, ask: Any, no_faults: None) -> None:
    ask("POST", "/emulator/faults", {"rpc": "Predict", "status": 429, "times": 1})
    with pytest.raises(exceptions.TooManyRequests, match="The emulator was asked to fail"):
        predict(vertex, endpoint, GOOD)
    assert predict(vertex, endpoint, GOOD).predictions


def test_a_second_version_gets_its_share(vertex: Vertex, model: str, endpoint: str) -> None:
    client = vertex.client("EndpointService")
    (first,) = client.get_endpoint(name=endpoint).deployed_models
    second = vertex.deploy(endpoint, f"{model}@2", **{"new": 20, f"_{first.id}": 80})
    split = dict(client.get_endpoint(name=endpoint).traffic_split)
    assert (split, second.model_version_id) == ({first.id: 80, second.id: 20}, "2")
    assert {predict(vertex, endpoint, GOOD).model_version_id for _ in range(100)} == {"1", "2"}
    with pytest.raises(exceptions.BadRequest, match=r"has 20 % of the traffic of .*: give it to others"):
        client.undeploy_model(endpoint=endpoint, deployed_model_id=second.id)
    client.undeploy_model(endpoint=endpoint, deployed_model_id=second.id, traffic_split={first.id: 100}).result()
    assert {predict(vertex, endpoint, GOOD).model_version_id for _ in range(20)} == {"1"}
