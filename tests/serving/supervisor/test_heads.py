"""What may come before a token has been shown."""

from __future__ import annotations

import socket

import pytest
from support.kept_endpoints import KeptEndpoint

from mlmagic.serving.app.protocol import LONGEST_HEAD

MANY = b"X: a\r\n" * 10_000
CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"


def refusal(endpoint: KeptEndpoint, sent: bytes) -> bytes:
    """Return what is answered to a head that does not end."""
    with socket.create_connection(("127.0.0.1", endpoint.spec.port), timeout=60) as connection:
        connection.sendall(sent)
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(1 << 16)
    return received


@pytest.mark.parametrize(
    "sent", [b"GET /" + b"a" * LONGEST_HEAD, b"GET / HTTP/1.1\r\n" + MANY, b"GET / HTTP/1.1\r\nX: " + b"a" * (1 << 20)]
)
def test_a_head_that_does_not_end_is_refused(endpoint: KeptEndpoint, sent: bytes) -> None:
    assert refusal(endpoint, sent).startswith(b"HTTP/1.1 431 ")
    assert endpoint.ask(2.0) == (3.0, "sums@1")


def test_what_follows_a_body_does_not_go_on_for_ever(endpoint: KeptEndpoint) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.spec.port), timeout=60) as connection:
        connection.sendall(CHUNKED + MANY)
        received = b""
        while part := connection.recv(1 << 16):
            received += part
    assert b"HTTP/1.1 431 " in received


def test_the_count_begins_anew_with_each_request(endpoint: KeptEndpoint) -> None:
    connection = endpoint.connect()
    for _ in range(3):
        connection.request("GET", "/healthz", headers={"X-Long": "a" * (LONGEST_HEAD // 2)})
        with connection.getresponse() as reply:
            assert (reply.status, bool(reply.read())) == (200, True)
    connection.close()
