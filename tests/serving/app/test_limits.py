"""Bodies that are too large, too slow, packed, or never come; clients that go."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from support.agents import until
from support.served_models import HOUSES, Endpoint, NumpyEngine, served

from mlmagic.serving.app.served import ServedVersion
from mlmagic.spec.endpoint import Limits

PATH = "/v1/models/taxi:predict"
ONE = json.dumps({"instances": [{"age": 1, "rooms": 2, "city": "rome"}]}).encode()
LIMIT = 100_000
TOO_LARGE = "the body has more than the 100,000 bytes that this endpoint takes\nSend fewer instances at once."


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with served(limits=Limits(body_bytes=LIMIT, instances=100, timeout_seconds=2.0)) as endpoint:
        yield endpoint


def connect(endpoint: Endpoint, head: str, body: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", endpoint.port), timeout=30)
    client.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n".encode() + body)
    return client


def read_all(client: socket.socket) -> bytes:
    with client:
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_body_may_be_as_large_as_the_limit(endpoint: Endpoint) -> None:
    body = ONE.ljust(LIMIT)
    assert endpoint.client.post(PATH, content=body).status_code == 200
    assert endpoint.client.post(PATH, content=iter([body[:10], body[10:70_000], body[70_000:]])).status_code == 200


@pytest.mark.parametrize("size", [LIMIT + 1, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_larger_one_is_refused_and_the_connection_is_kept(endpoint: Endpoint, size: int, chunked: bool) -> None:
    body = ONE.ljust(size)
    reply = endpoint.client.post(PATH, content=iter([body]) if chunked else body)
    assert (reply.status_code, reply.json()) == (413, {"error": TOO_LARGE})
    assert "connection" not in reply.headers
    assert endpoint.client.post(PATH, content=ONE).status_code == 200


@pytest.mark.parametrize("length", ["100001", "9" * 18])
def test_what_is_announced_as_too_large_need_not_be_sent(endpoint: Endpoint, length: str) -> None:
    reply = read_all(connect(endpoint, f"Content-Length: {length}\r\nExpect: 100-continue"))
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in reply


def test_what_is_expected_is_asked_for(endpoint: Endpoint) -> None:
    client = connect(endpoint, f"Content-Length: {len(ONE)}\r\nExpect: 100-continue\r\nConnection: close")
    assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(ONE)
    assert read_all(client).endswith(b'{"predictions":[[1003.0]]}')


@pytest.mark.parametrize("head", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come_is_not_waited_for(endpoint: Endpoint, head: str) -> None:
    reply = read_all(connect(endpoint, head, b"5\r\nabcde\r\n" if "chunked" in head else b"abc"))
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert b"the body did not come in within the 2 s that this endpoint waits for one" in reply
    assert b"connection: close" in reply


def test_slow_bodies_keep_nobody_waiting(endpoint: Endpoint) -> None:
    slow = [connect(endpoint, "Content-Length: 100", b"{") for _ in range(20)]
    assert endpoint.client.post(PATH, content=ONE).status_code == 200
    assert all(read_all(client).startswith(b"HTTP/1.1 408 ") for client in slow)


def test_a_client_that_goes_while_it_sends_is_forgotten(endpoint: Endpoint) -> None:
    for head, body in [("Content-Length: 100", b""), ("Content-Length: 100000", b"x" * 90_000)]:
        connect(endpoint, head, body).close()
    assert endpoint.client.post(PATH, content=ONE).status_code == 200


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(ONE)),
        ("X-Gzip", gzip.compress(ONE)),
        ("deflate", zlib.compress(ONE)),
        ("identity", ONE),
    ],
    ids=["gzip", "X-Gzip", "deflate", "identity"],
)
def test_packed_bodies_are_unpacked(endpoint: Endpoint, encoding: str, packed: bytes) -> None:
    reply = endpoint.client.post(PATH, content=packed, headers={"content-encoding": encoding})
    assert reply.json() == {"predictions": [[1003.0]]}


def test_the_limit_is_on_what_is_unpacked(endpoint: Endpoint) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    reply = endpoint.client.post(PATH, content=bomb, headers={"content-encoding": "gzip"})
    assert (reply.status_code, reply.json()) == (413, {"error": TOO_LARGE})


@pytest.mark.parametrize(
    ("packed", "error"),
    [
        (ONE, "incorrect header check"),
        (gzip.compress(ONE)[:-9], "it ends too early or too late"),
        (gzip.compress(ONE) * 2, "it ends too early or too late"),
        (b"", "it ends too early or too late"),
    ],
    ids=["not packed", "cut", "twice", "empty"],
)
def test_what_is_not_packed_as_it_says_is_refused(endpoint: Endpoint, packed: bytes, error: str) -> None:
    reply = endpoint.client.post(PATH, content=packed, headers={"content-encoding": "gzip"})
    assert reply.status_code == 400
    assert error in reply.json()["error"]


def test_other_encodings_are_not_known(endpoint: Endpoint) -> None:
    reply = endpoint.client.post(PATH, content=ONE, headers={"content-encoding": "br"})
    told = 'the Content-Encoding "br" is not known here; gzip, deflate and none are'
    assert (reply.status_code, reply.json()) == (415, {"error": told})


def test_too_many_instances_are_refused(endpoint: Endpoint) -> None:
    body = {"instances": [{"age": 1, "rooms": 2, "city": "rome"}] * 101}
    reply = endpoint.client.post(PATH, json=body)
    assert (reply.status_code, reply.headers["x-mlmagic-version"]) == (413, "taxi@1")


class Gated:
    """An engine that answers when it is let."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.let = threading.Event()
        self.seen: list[float] = []

    def run(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.release()
        assert self.let.wait(30)
        self.seen += columns["age"].ravel().tolist()
        return {"price": columns["age"].astype(np.float32)}


@contextmanager
def gated(**limits: Any) -> Iterator[tuple[Gated, Endpoint, ServedVersion]]:
    gate = Gated()
    with served({1: NumpyEngine(HOUSES, gate.run)}, limits=Limits(**limits)) as endpoint:
        assert endpoint.deployed.routes is not None
        try:
            yield gate, endpoint, endpoint.deployed.routes.table.versions[1]
        finally:
            gate.let.set()


def send(endpoint: Endpoint, age: int, encoding: str = "") -> socket.socket:
    body = json.dumps({"instances": [{"age": age, "rooms": 2, "city": "rome"}]}).encode()
    return connect(endpoint, f"Content-Length: {len(body)}\r\nConnection: close{encoding}", body)


def await_queue(endpoint: Endpoint, version: ServedVersion, length: int) -> None:
    until(lambda: endpoint.do(lambda: version.queue_length) == length)


@pytest.mark.parametrize("encoding", ["", "\r\nContent-Encoding: identity"])
def test_a_client_that_goes_while_it_waits_leaves_the_queue(encoding: str) -> None:
    with gated(timeout_seconds=2.0) as (gate, endpoint, version):
        # Those with an encoding have tasks, which are watched; the others have nothing but their connections.
        known = endpoint.app._watch if encoding else endpoint.connections
        first = send(endpoint, 1, encoding)
        assert gate.asked.acquire(timeout=30)
        gone, stays = send(endpoint, 2, encoding), send(endpoint, 3, encoding)
        await_queue(endpoint, version, 3)
        gone.close()
        until(lambda: endpoint.do(lambda: len(known)) == 2)
        gate.let.set()
        assert all(b" 200 OK" in read_all(client) for client in (first, stays))
        assert gate.seen == [1.0, 3.0]


def test_requests_beyond_the_queue_are_asked_to_come_again() -> None:
    with gated(queue=2) as (gate, endpoint, version):
        waiting = [send(endpoint, age) for age in (1, 2)]
        await_queue(endpoint, version, 2)
        reply = endpoint.client.post(PATH, content=ONE)
        assert (reply.status_code, reply.headers["retry-after"]) == (429, "1")
        assert reply.json() == {"error": "taxi@1 has 2 requests waiting, which is the most that it takes."}
        gate.let.set()
        assert all(b" 200 OK" in read_all(client) for client in waiting)


def test_an_answer_is_not_waited_for_without_end() -> None:
    with gated(timeout_seconds=0.2) as (_, endpoint, _):
        reply = endpoint.client.post(PATH, content=ONE)
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert reply.json() == {"error": "taxi@1 gave no answer within 0.2 s."}
