"""The usual request is answered without a task, as any other is with one."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
import pytest
from support.served_models import HOUSES, Endpoint, NumpyEngine, served

from mlmagic.serving.app.application import Application

USUAL = {"instances": [{"age": 1.5, "rooms": 2, "city": "rome"}]}
PRICE = b'{"predictions":[[1003.5]]}'


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with served() as endpoint:
        yield endpoint


def request(body: Any = USUAL, *headers: str, version: str = "1.1") -> bytes:
    data = json.dumps(body).encode()
    lines = [f"POST /v1/models/taxi:predict HTTP/{version}", "Host: localhost"]
    return "\r\n".join([*lines, f"Content-Length: {len(data)}", *headers, "", ""]).encode() + data


def ask(endpoint: Endpoint, *parts: bytes, replies: int = 1) -> list[tuple[int, bytes, bytes]]:
    """Send the parts one by one: status, head and body of each reply."""
    received, found = b"", []
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        while len(found) < replies:
            head, end, rest = received.partition(b"\r\n\r\n")
            size = int(re.findall(rb"content-length: (\d+)", head)[0]) if end else 0
            if end and len(rest) >= size:
                found.append((int(head.split()[1]), head, rest[:size]))
                received = rest[size:]
            else:
                received += connection.recv(1 << 16)
        if b"connection: close" in found[-1][1]:
            assert connection.recv(1) == b""
    return found


def test_a_usual_request_needs_no_task(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> NoReturn:
        raise AssertionError("a task")

    monkeypatch.setattr(Application, "__call__", fail)
    ((status, head, body),) = ask(endpoint, request())
    assert (status, body) == (200, PRICE)
    assert b"x-mlmagic-version: taxi@1\r\n" in head
    assert ask(endpoint, request(USUAL | {"more": 1}))[0][0] == 500


def test_requests_that_come_at_once_are_answered_in_turn(endpoint: Endpoint) -> None:
    bodies: list[Any] = [USUAL, {"instances": []}, {"instances": [5]}, USUAL]
    replies = ask(endpoint, b"".join(map(request, bodies)), replies=4)
    assert [status for status, _, _ in replies] == [200, 200, 400, 200]
    assert [replies[place][2] for place in (0, 1, 3)] == [PRICE, b'{"predictions":[]}', PRICE]


@pytest.mark.parametrize("size", [1, 40, 100])
def test_a_request_may_come_in_parts(endpoint: Endpoint, size: int) -> None:
    whole = request({"instances": USUAL["instances"] * 2000})
    parts = [whole[:size], whole[size:120], whole[120:50_000], whole[50_000:]]
    assert json.loads(ask(endpoint, *parts)[0][2]) == {"predictions": [[1003.5]] * 2000}


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(endpoint: Endpoint) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=30) as connection:
        head, _, body = request(USUAL, "Expect: 100-continue").partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("whole", [request(version="1.0"), request(USUAL, "Connection: close")])
def test_a_connection_that_is_not_to_be_kept_is_closed(endpoint: Endpoint, whole: bytes) -> None:
    ((status, head, body),) = ask(endpoint, whole)
    assert (status, body, head.count(b"connection: close")) == (200, PRICE, 1)


def test_the_last_answers_of_a_worker_close_their_connections() -> None:
    with served() as endpoint:
        endpoint.do(endpoint.deployed.drain)
        ((status, head, body),) = ask(endpoint, request())
    assert (status, body, head.count(b"connection: close")) == (200, PRICE, 1)


def test_a_model_that_fails_is_told_and_counted() -> None:
    def fail(_: Mapping[str, Any]) -> NoReturn:
        raise ValueError("no houses")

    with served({1: NumpyEngine(HOUSES, fail)}) as endpoint:
        ((status, head, body),) = ask(endpoint, request())
        assert endpoint.deployed.routes is not None
        counters = endpoint.deployed.routes.table.versions[1].counters
    assert (status, json.loads(body)) == (500, {"error": "taxi@1 failed: ValueError: no houses"})
    assert b"x-mlmagic-version: taxi@1" in head
    assert (counters.requests, counters.errors) == (1, 1)


def test_outputs_that_cannot_be_sent_are_told() -> None:
    def price(columns: Mapping[str, Any]) -> dict[str, Any]:
        return {"price": np.array([[1j]] * len(columns["age"]))}

    with served({1: NumpyEngine(HOUSES, price)}) as endpoint:
        ((status, _, body),) = ask(endpoint, request())
    assert status == 500
    assert "cannot be sent as JSON" in json.loads(body)["error"]
