"""The routes of an endpoint, as clients of TensorFlow Serving and of Vertex AI use them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator, MutableMapping
from typing import Any, cast

import pytest
from support.agents import until
from support.served_models import Endpoint, served

from mlmagic.serving.app.application import Access, Deployed, create_app
from mlmagic.serving.app.replies import deliver
from mlmagic.spec.endpoint import Limits

ONE = {"instances": [{"age": 1, "rooms": 2, "city": "rome"}]}
VERTEX = "/v1/projects/p/locations/l/endpoints/rides"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with served(traffic={1: 100, 2: 0}, default=1, champion=2, gone=7) as endpoint:
        yield endpoint


@pytest.mark.parametrize(
    ("path", "price"),
    [
        ("taxi:predict", 1003.0),
        ("taxi/versions/1:predict", 1003.0),
        ("taxi/versions/2:predict", 2003.0),
        ("taxi/labels/champion:predict", 2003.0),
        ("taxi%3Apredict", 1003.0),
    ],
)
def test_a_model_is_asked_as_a_whole_by_version_and_by_label(endpoint: Endpoint, path: str, price: float) -> None:
    reply = endpoint.client.post(f"/v1/models/{path}", json=ONE)
    assert (reply.status_code, reply.json()) == (200, {"predictions": [[price]]})
    assert reply.headers["x-mlmagic-version"] == f"taxi@{price // 1000:.0f}"
    assert reply.headers["content-type"] == "application/json"


def test_columns_are_answered_by_columns(endpoint: Endpoint) -> None:
    body = {"inputs": {"age": [1, 2], "rooms": [3, 4], "city": ["rome", None]}}
    assert endpoint.client.post("/v1/models/taxi:predict", json=body).json() == {"outputs": [[1004.0], [1006.0]]}


def test_vertex_ai_tells_in_its_reply_who_answered(endpoint: Endpoint) -> None:
    reply = endpoint.client.post(f"{VERTEX}:predict", json=ONE | {"parameters": {}})
    assert reply.json() == {
        "predictions": [[1003.0]],
        "deployedModelId": "1",
        "model": "projects/p/locations/l/models/taxi",
        "modelDisplayName": "taxi",
        "modelVersionId": "1",
    }
    assert reply.headers["x-mlmagic-version"] == "taxi@1"


def test_a_raw_prediction_is_the_model_servers_own(endpoint: Endpoint) -> None:
    body = {"inputs": {"age": [1], "rooms": [2], "city": ["rome"]}}
    assert endpoint.client.post(f"{VERTEX}:rawPredict", json=body).json() == {"outputs": [[1003.0]]}


def test_any_number_of_projects_may_be_named(endpoint: Endpoint) -> None:
    for number in range(300):
        path = f"/v1/projects/{number}/locations/l/endpoints/rides:predict"
        assert endpoint.client.post(path, json=ONE).json()["model"] == f"projects/{number}/locations/l/models/taxi"


def test_the_endpoint_is_described_as_vertex_ai_does(endpoint: Endpoint) -> None:
    told = endpoint.client.get(VERTEX).json()
    assert (told["name"], told["trafficSplit"]) == (VERTEX.removeprefix("/v1/"), {"1": 100, "2": 0})
    assert [model["modelVersionId"] for model in told["deployedModels"]] == ["1", "2"]


@pytest.mark.parametrize(("path", "versions"), [("", ["2", "1"]), ("/versions/1", ["1"]), ("/labels/champion", ["2"])])
def test_the_status_of_versions_is_told(endpoint: Endpoint, path: str, versions: list[str]) -> None:
    told = endpoint.client.get(f"/v1/models/taxi{path}").json()["model_version_status"]
    assert [status["version"] for status in told] == versions
    assert told[0] == {
        "version": versions[0],
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }


def test_the_metadata_has_the_signatures(endpoint: Endpoint) -> None:
    told = endpoint.client.get("/v1/models/taxi/metadata").json()
    assert told["model_spec"] == {"name": "taxi", "signature_name": "", "version": "1"}
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    dimensions = [{"size": "-1", "name": ""}, {"size": "1", "name": ""}]
    shape = {"dim": dimensions, "unknown_rank": False}
    assert signature["inputs"]["rooms"] == {"dtype": "DT_INT64", "tensor_shape": shape, "name": "rooms:0"}


def test_all_that_is_wrong_is_told_with_its_path(endpoint: Endpoint) -> None:
    body = {"instances": [{"age": "x", "rooms": 2, "city": "rome"}, {"age": 1, "room": 2, "city": None}]}
    reply = endpoint.client.post("/v1/models/taxi:predict", json=body)
    assert (reply.status_code, reply.headers["x-mlmagic-version"]) == (400, "taxi@1")
    assert reply.json()["problems"] == [
        "instances[1].room: the model has no such input. Did you mean rooms?",
        "instances[1].rooms is missing",
        'instances[0].age: expected a number, got "x"',
    ]
    assert all(problem in reply.json()["error"] for problem in reply.json()["problems"])


def test_vertex_ai_has_its_own_form_of_errors(endpoint: Endpoint) -> None:
    body = {"instances": [{"age": "x", "rooms": 2, "city": "rome"}]}
    error = endpoint.client.post(f"{VERTEX}:predict", json=body).json()["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    violations = [{"field": "instances[0].age", "description": 'expected a number, got "x"'}]
    assert error["details"] == [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/v1/models/tax:predict", 'there is no model "tax" here: this endpoint serves taxi (versions 1, 2; labels '),
        ("/v1/models/taxi/versions/3:predict", 'there is no version "3" here: this endpoint serves taxi (versions 1, '),
        ("/v1/models/taxi/labels/gone:predict", 'there is no label "gone" here: this endpoint serves taxi ('),
        ("/v1/models/taxi:guess", "there is nothing under /v1/models/taxi:guess\nGET / says what there is."),
    ],
)
def test_what_is_not_there_is_told_with_what_is(endpoint: Endpoint, path: str, error: str) -> None:
    reply = endpoint.client.post(path, json=ONE)
    assert reply.status_code == 404
    assert reply.json()["error"].startswith(error)


def test_another_endpoint_is_not_found_in_vertex_ais_form(endpoint: Endpoint) -> None:
    reply = endpoint.client.post("/v1/projects/p/locations/l/endpoints/walks:predict", json=ONE)
    error = {"code": 404, "message": 'there is no endpoint "walks" here: this is rides', "status": "NOT_FOUND"}
    assert (reply.status_code, reply.json()) == (404, {"error": error})


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/models/taxi:predict", "POST, OPTIONS"),
        ("PUT", f"{VERTEX}:predict", "POST, OPTIONS"),
        ("POST", "/v1/models/taxi", "GET, HEAD, OPTIONS"),
        ("DELETE", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_refused_with_those_allowed(endpoint: Endpoint, method: str, path: str, allowed: str) -> None:
    reply = endpoint.client.request(method, path)
    assert (reply.status_code, reply.headers["allow"]) == (405, allowed)
    assert endpoint.client.options(path).headers["allow"] == allowed
    assert endpoint.client.options(path).status_code == 204


def test_a_head_has_the_headers_of_a_get(endpoint: Endpoint) -> None:
    reply, head = endpoint.client.get("/v1/models/taxi"), endpoint.client.head("/v1/models/taxi")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(reply.content))


def test_the_index_says_how_to_ask(endpoint: Endpoint) -> None:
    text = endpoint.client.get("/").text
    body = '{"instances": [{"age": 1.5, "rooms": 1, "city": "text"}]}'
    assert f"curl -d '{body}' http://ADDRESS/v1/models/taxi:predict" in text
    assert "It takes age (float32), rooms (int64), city (string or null)." in text


def test_a_worker_is_ready_as_soon_as_something_is_deployed() -> None:
    with served() as endpoint:
        table = endpoint.deployed.routes
        endpoint.deployed.routes = None
        assert endpoint.client.get("/healthz").status_code == 200
        for reply in (endpoint.client.get("/readyz"), endpoint.client.post("/v1/models/taxi:predict", json=ONE)):
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
            assert reply.json() == {"error": "this endpoint is starting: its model is being loaded"}
        endpoint.deployed.routes = table
        assert endpoint.client.get("/readyz").json() == {"status": "ready", "model": "taxi", "versions": [1]}


def test_a_draining_worker_answers_and_closes_each_connection() -> None:
    with served() as endpoint:
        endpoint.deployed.drain()
        reply = endpoint.client.post("/v1/models/taxi:predict", json=ONE)
        assert (reply.status_code, reply.headers["connection"]) == (200, "close")
        assert endpoint.client.get("/readyz").status_code == 503
        assert endpoint.client.get("/healthz").headers["connection"] == "close"


def test_a_worker_sheds_as_many_connections_as_it_was_told_to() -> None:
    with served() as endpoint:
        endpoint.deployed.shed(2)
        replies = [endpoint.client.post("/v1/models/taxi:predict", json=ONE) for _ in range(4)]
        assert [reply.headers.get("connection") for reply in replies] == ["close", "close", None, None]


def test_another_table_takes_over_from_one_request_to_the_next() -> None:
    with served() as endpoint:
        assert endpoint.client.post("/v1/models/taxi:predict", json=ONE).headers["x-mlmagic-version"] == "taxi@1"
        endpoint.do(lambda: endpoint.deployed.swap(endpoint.table({2: 100}, default=2)))
        assert endpoint.client.post("/v1/models/taxi:predict", json=ONE).headers["x-mlmagic-version"] == "taxi@2"
        assert endpoint.client.post("/v1/models/taxi/versions/1:predict", json=ONE).status_code == 404


@pytest.mark.parametrize(("path", "status"), [("taxi", b"200"), ("taxi/versions/1", b"404")])
def test_a_body_that_comes_during_a_change_is_answered_by_what_is_there_then(path: str, status: bytes) -> None:
    body = json.dumps(ONE).encode()
    head = f"POST /v1/models/{path}:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    with served() as endpoint, socket.create_connection(("127.0.0.1", endpoint.port), timeout=30) as client:
        client.sendall(f"{head}Connection: close\r\n\r\n".encode() + body[:5])
        until(lambda: endpoint.do(lambda: len(endpoint.app._watch)) == 1)
        endpoint.do(lambda: endpoint.deployed.swap(endpoint.table({2: 100})))
        client.sendall(body[5:])
        reply = b"".join(iter(lambda: client.recv(65536), b""))
    assert reply.split(b" ", 2)[1] == status
    assert (b"taxi@2" in reply) == (status == b"200")


def test_a_fault_of_the_server_is_answered_in_json_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with served() as endpoint:
        endpoint.deployed.routes = cast("Any", "a fault")
        for path in ("/v1/models/taxi:predict", "/v1/projects/p/locations/l/endpoints/rides:predict"):
            reply = endpoint.client.post(path, json=ONE)
            assert reply.status_code == 500
            assert "the server failed; its log says why" in reply.text
    assert next(record.getMessage() for record in caplog.records if record.exc_info).startswith(
        "a request failed: /v1/"
    )


def test_a_server_may_tell_its_start_and_its_end() -> None:
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    assert converse({"type": "lifespan"}, events) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert converse({"type": "websocket"}, [{"type": "websocket.connect"}]) == ["websocket.close"]


def converse(scope: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
    """What the application says to a server that tells it these events."""
    said = []

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(message["type"])

    asyncio.run(create_app(Deployed(), Access(needs_token=False), Limits())(scope, receive, send))
    return said


@pytest.mark.parametrize("error", [OSError, RuntimeError])
def test_a_client_that_is_gone_is_no_fault(error: type[Exception], caplog: pytest.LogCaptureFixture) -> None:
    async def send(message: MutableMapping[str, Any]) -> None:
        raise error

    asyncio.run(deliver(send, 200, [], b""))
    assert caplog.records == []
