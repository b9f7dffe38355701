"""The usual request is answered without a task, as any other is with one."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
import pytest
from support.served_models import HOUSES, Endpoint, NumpyEngine, served

from mlmagic.serving.app.application import Application
from mlmagic.serving.app.direct import DirectProtocol

USUAL = {"instances": [{"age": 1.5, "rooms": 2, "city": "rome"}]}
OTHER = {"instances": [{"age": 2.5, "rooms": 2, "city": "rome"}]}
MISFIT = {"instances": [{"age": "5", "rooms": 2, "city": "rome"}]}
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


def test_a_head_that_is_known_is_not_read_again(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    find = Application.find_prediction

    def counted(app: Application, scope: Any, size: int) -> Any:
        read.append(size)
        return find(app, scope, size)

    monkeypatch.setattr(Application, "find_prediction", counted)
    assert len(request(MISFIT, "X: 1")) == len(request(OTHER, "X: 1")) == len(request(USUAL, "X: 1"))
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=30) as connection:
        for body, price in ((USUAL, b"[1003.5]"), (OTHER, b"[1004.5]"), (USUAL, b"[1003.5]")):
            connection.sendall(request(body, "X: 1"))
            assert price in connection.recv(1000)
    assert len(read) == 1
    # Nor from others.
    assert ask(endpoint, request(OTHER, "X: 1"))[0][2] == b'{"predictions":[[1004.5]]}'
    assert len(read) == 1
    # What does not fit is told as ever, and other heads are read.
    ((status, _, told),) = ask(endpoint, request(MISFIT, "X: 1"))
    assert (status, "expected a number" in json.loads(told)["error"]) == (400, True)
    assert ask(endpoint, request(OTHER, "X: 2"))[0][0] == 200
    assert len(read) == 3


def test_a_connection_is_closed_when_it_was_idle_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    made = DirectProtocol.connection_made

    def made_impatient(protocol: DirectProtocol, transport: Any) -> None:
        protocol.timeout_keep_alive = 0.4
        made(protocol, transport)

    monkeypatch.setattr(DirectProtocol, "connection_made", made_impatient)
    with served() as endpoint, socket.create_connection(("127.0.0.1", endpoint.port), timeout=30) as connection:
        start = time.monotonic()
        while time.monotonic() - start < 1.0:
            connection.sendall(request())
            assert PRICE in connection.recv(1000)
            time.sleep(0.1)
        last = time.monotonic()
        assert connection.recv(1) == b""
        assert time.monotonic() - last > 0.2


def test_of_a_known_head_the_rest_may_come_later_or_at_once(endpoint: Endpoint) -> None:
    whole = request(USUAL, "X: parts")
    ask(endpoint, whole)
    assert [reply[2] for reply in ask(endpoint, whole + whole + whole, whole, replies=4)] == [PRICE] * 4
    for size in (10, len(whole) - 1, whole.find(b"{")):
        with socket.create_connection(("127.0.0.1", endpoint.port), timeout=30) as connection:
            connection.sendall(whole[:size])
            time.sleep(0.05)
            connection.sendall(whole[size:])
            assert PRICE in connection.recv(1000)


def test_a_head_is_known_to_the_table_that_it_was_looked_up_in() -> None:
    with served() as endpoint:
        assert b"x-mlmagic-version: taxi@1\r\n" in ask(endpoint, request())[0][1]
        endpoint.do(lambda: endpoint.deployed.swap(endpoint.table({2: 100})))
        ((status, head, body),) = ask(endpoint, request())
        assert (status, body) == (200, b'{"predictions":[[2003.5]]}')
        assert b"x-mlmagic-version: taxi@2\r\n" in head
        endpoint.do(endpoint.deployed.drain)
        assert b"connection: close" in ask(endpoint, request())[0][1]


def test_a_known_head_lets_nobody_else_in() -> None:
    with served(token="right") as endpoint:
        right, wrong = (request(USUAL, f"Authorization: Bearer {token}") for token in ("right", "wrong"))
        assert [ask(endpoint, whole)[0][0] for whole in (right, wrong, right, wrong)] == [200, 401, 200, 401]
        # Not even one that came while others of the connection waited.
        statuses = [status for status, _, _ in ask(endpoint, right + right, wrong, wrong, right, replies=5)]
        assert statuses == [200, 200, 401, 401, 200]
        assert ask(endpoint, wrong)[0][0] == 401


def test_known_heads_are_not_kept_without_end(endpoint: Endpoint) -> None:
    for number in range(300):
        ask(endpoint, request(USUAL, f"X: many-{number}"))
    ask(endpoint, request(USUAL, "X: " + "a" * 5000))
    assert 0 < len(endpoint.app._known) <= 256
    assert max(map(len, endpoint.app._known)) < 5000
