"""A thousand requests that nobody would send on purpose: never a 500, and good ones beside them are always right."""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from support.served_models import Endpoint, NumpyEngine, served

from mlmagic.serving.engines.load import load_engine
from mlmagic.spec.endpoint import Limits
from mlmagic.spec.model import Signature, TensorSpec

PATH = "/v1/models/taxi:predict"
GOOD = {"age": 1.5, "rooms": 2, "city": "rome"}
PRICE = 4.5
LIMITS = Limits(body_bytes=1_000_000, instances=1000, timeout_seconds=3.0)

ODD = Signature(
    inputs=(
        TensorSpec(name="pixels", dtype="uint8", shape=(None, 2, None)),
        TensorSpec(name="flag", dtype="bool", shape=(None,)),
        TensorSpec(name="whole", dtype="int32", shape=(None,), optional=True),
        TensorSpec(name="half", dtype="float16", shape=(None, 1), optional=True),
        TensorSpec(name="key", dtype="string", shape=(None,), optional=True),
    ),
    outputs=(
        TensorSpec(name="key", dtype="string", shape=(None,)),
        TensorSpec(name="sums", dtype="float64", shape=(None, 2)),
    ),
)


def odd_model(columns: Mapping[str, Any]) -> dict[str, Any]:
    sums = columns["pixels"].astype(np.float64).sum(axis=2) + columns["half"]
    return {"key": columns["key"], "sums": np.where(columns["flag"][:, None], sums, columns["whole"][:, None])}


@pytest.fixture(scope="module")
def houses(models: Path) -> Iterator[Endpoint]:
    """A real model, in a session of TensorFlow."""
    engine = load_engine(models / "houses")
    with served({1: engine}, limits=LIMITS, default=1) as endpoint:
        yield endpoint
    engine.close()


@contextmanager
def neighbour(endpoint: Endpoint) -> Iterator[None]:
    """Somebody who asks good questions all the while."""
    done, asked, wrong = threading.Event(), threading.Event(), list[str]()

    def ask() -> None:
        with httpx.Client(base_url=endpoint.client.base_url, timeout=30) as client:
            for count in itertools.count(1):
                reply = client.post(PATH, json={"instances": [GOOD] * (count % 3 + 1)})
                asked.set()
                if done.is_set():
                    return
                if reply.status_code != 200 or set(map(tuple, reply.json()["predictions"])) != {(PRICE,)}:
                    wrong.append(reply.text)

    thread = threading.Thread(target=ask)
    thread.start()
    assert asked.wait(30)
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert wrong == []


def fuzz(endpoint: Endpoint, mode: GenerationMode, examples: int) -> list[tuple[Case, int]]:
    """Ask what schemathesis makes of the endpoint's own document; every reply has to be as the document says."""
    document = endpoint.client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=str(endpoint.client.base_url))
    asked: list[tuple[Case, int]] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.method != "post":
            continue

        @given(operation.as_strategy(generation_mode=mode))
        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def ask(case: Case) -> None:
            reply = case.call()
            asked.append((case, reply.status_code))
            assert reply.status_code < 500
            if reply.status_code != 404:  # a path that no model has is not in the document
                case.operation.validate_response(reply)

        ask()
    return asked


def columns_differ(body: Any) -> bool:
    """What a schema of columns cannot forbid."""
    columns = body.get("inputs", {})
    return isinstance(columns, dict) and len(set(map(len, columns.values()))) > 1


@pytest.mark.slow
def test_whatever_fits_the_document_is_answered(houses: Endpoint) -> None:
    with neighbour(houses):
        asked = fuzz(houses, GenerationMode.POSITIVE, 60)
    refused = [case.body for case, status in asked if status != 200]
    assert len(asked) >= 250
    assert [body for body in refused if not columns_differ(body)] == []


@pytest.mark.slow
def test_whatever_does_not_is_refused_in_words(houses: Endpoint) -> None:
    with neighbour(houses):
        asked = fuzz(houses, GenerationMode.NEGATIVE, 60)
    assert len(asked) >= 250
    assert {status for _, status in asked} <= {200, 400, 404, 405, 413}


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_a_model_with_odd_inputs_is_as_robust(mode: GenerationMode) -> None:
    with served({1: NumpyEngine(ODD, odd_model)}, limits=LIMITS, default=1) as endpoint:
        asked = fuzz(endpoint, mode, 60)
    assert len(asked) >= 250


def instances(*values: Any) -> bytes:
    return json.dumps({"instances": values}).encode()


def with_age(text: str) -> bytes:
    return f'{{"instances": [{{"age": {text}, "rooms": 2, "city": "rome"}}]}}'.encode()


HAND_MADE = {
    "nothing": b"",
    "no object": b"[]",
    "no text": b"\xff\xfe\x00",
    "bad UTF-8": b'{"instances": [{"age": 1, "rooms": 2, "city": "\xff"}]}',
    "half a surrogate": b'{"instances": [{"age": 1, "rooms": 2, "city": "\\ud800"}]}',
    "null": b"null",
    "instances of null": b'{"instances": null}',
    "instances of an object": b'{"instances": {}}',
    "both forms": b'{"instances": [], "inputs": []}',
    "neither": b"{}",
    "a null": instances(GOOD | {"age": None}),
    "NaN": with_age("NaN"),
    "infinity": with_age("-Infinity"),
    "too large for a float": with_age("1e39"),
    "too large for any": with_age("1e999"),
    "thousands of digits": with_age("9" * 5000),
    "a deep list": with_age("[" * 50_000 + "]" * 50_000),
    "a deep object": b'{"instances": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
    "unclosed": b'{"instances": [' + b"[" * 100_000,
    "a long integer": instances(GOOD | {"rooms": 2**63}),
    "a fraction": instances(GOOD | {"rooms": 2.5}),
    "unknown features": instances(GOOD | {f"feature-{number}": 1 for number in range(5000)}),
    "a long name": instances(GOOD | {"x" * 100_000: 1}),
    "missing features": instances({}),
    "ragged": instances(GOOD | {"age": [[1], [2, 3]]}),
    "wrong types": instances(*[{"age": "old", "rooms": [], "city": {}}] * 500),
    "bare values": instances(1, 2, 3),
    "mixed": instances(GOOD, 1, None, [GOOD]),
    "bad base64": instances(GOOD | {"city": {"b64": "*"}}),
    "no base64": instances(GOOD | {"city": {"b64": 5}}),
    "a signature that is none": b'{"signature_name": "x", "instances": []}',
    "a signature that is a list": b'{"signature_name": ["x"], "instances": []}',
    "columns of unequal lengths": b'{"inputs": {"age": [1], "rooms": [1, 2], "city": []}}',
    "a column that is none": b'{"inputs": {"age": 1, "rooms": 1, "city": "rome"}}',
    "a trailing comma": b'{"instances": [],}',
    "two documents": instances(GOOD) * 2,
    "not gzip": gzip.compress(instances(GOOD)),
}


@pytest.mark.parametrize("name", HAND_MADE)
@pytest.mark.parametrize("path", [PATH, "/v1/projects/p/locations/l/endpoints/rides:predict"])
def test_bodies_made_by_hand_are_refused(houses: Endpoint, name: str, path: str) -> None:
    reply = houses.client.post(path, content=HAND_MADE[name])
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error if path == PATH else error["status"] == "INVALID_ARGUMENT"
    assert len(reply.content) < 10_000


def test_too_many_instances_are_refused(houses: Endpoint) -> None:
    reply = houses.client.post(PATH, content=instances(*[GOOD] * 1001))
    assert (reply.status_code, "1,000" in reply.json()["error"] or "1000" in reply.json()["error"]) == (413, True)


def test_bad_requests_at_once_harm_no_neighbour(houses: Endpoint) -> None:
    def ask(bodies: list[bytes]) -> None:
        with httpx.Client(base_url=houses.client.base_url, timeout=60) as client:
            statuses.extend(client.post(PATH, content=body).status_code for body in bodies)

    statuses: list[int] = []
    bodies = [body for body in HAND_MADE.values() if len(body) < 20_000]
    threads = [threading.Thread(target=ask, args=(bodies[start:] + bodies[:start],)) for start in range(8)]
    with neighbour(houses):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(statuses) == {400}


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 99999999999999999999999999",
        "Content-Length: -1",
        "Content-Length: 5\r\nContent-Length: 6",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked\r\n\r\nxyz",
        "X: \0",
        "Content-Length: 50",
    ],
)
def test_broken_and_slow_requests_end_with_words(houses: Endpoint, head: str) -> None:
    with neighbour(houses), socket.create_connection(("127.0.0.1", houses.port), timeout=30) as client:
        client.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\nabc".encode())
        reply = b"".join(iter(lambda: client.recv(65536), b""))
    assert reply.split(b" ", 2)[1] in {b"400", b"408", b"413"}


def test_odd_paths_are_not_found(houses: Endpoint) -> None:
    paths = [
        "//",
        "/v1/models/../../etc/passwd",
        "/v1/models/%00:predict",
        "/v1/models/taxi:predict/",
        "/%ff%fe",
        "/" * 5000,
    ]
    for path in paths:
        request = houses.client.build_request("POST", f"http://127.0.0.1:{houses.port}")
        request.url = request.url.copy_with(raw_path=path.encode())
        reply = houses.client.send(request)
        assert (reply.status_code, len(reply.content) < 1000) == (404, True)
