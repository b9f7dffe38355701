"""RawPredict over gRPC, on a channel of its own: the bytes, who is asked, and what is not connected."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from mlmagic.backends.google.client import connection, raw_prediction
from mlmagic.backends.google.client.connection import Connection
from mlmagic.backends.google.client.prediction import PredictionCalls
from mlmagic.backends.google.client.raw_prediction import RawPredictionCalls, write_request
from mlmagic.backends.google.refusals import UnavailableError
from mlmagic.backends.google.settings import GoogleSettings

ENDPOINT = "projects/p/locations/us-central1/endpoints/7"
_TLS = Path(__file__).parents[2] / "support" / "raw_over_tls.py"


def calls(**settings: Any) -> RawPredictionCalls:
    given = {"project": "p", "region": "us-central1", "bucket": "gs://b", "token": "t", **settings}
    return RawPredictionCalls(Connection(GoogleSettings(**given)))


@pytest.mark.parametrize("size", [0, 10, 127, 128, 70_000])
def test_the_bytes_are_those_of_googles_message(size: int) -> None:
    from google.api.httpbody_pb2 import HttpBody
    from google.cloud.aiplatform_v1 import RawPredictRequest

    body = HttpBody(content_type="application/json", data=b"1" * size)
    told = RawPredictRequest.deserialize(write_request(ENDPOINT, body.SerializeToString()))
    assert (told.endpoint, told.http_body) == (ENDPOINT, body)


def test_a_closed_port_is_found_at_once_and_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    asked = calls(rpc_endpoint=f"127.0.0.1:{port}")
    assert asked.ask(ENDPOINT, b"{}") is None
    monkeypatch.setattr(raw_prediction, "_connected", lambda _: pytest.fail("it is tried again"))
    assert asked.ask(ENDPOINT, b"{}") is None


def test_a_port_that_swallows_everything_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_prediction, "_CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked = calls(rpc_endpoint=f"127.0.0.1:{listener.getsockname()[1]}")
        assert [asked.ask(ENDPOINT, b"{}") for _ in range(2)] == [None, None]
        listener.accept()[0].close()
        listener.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_who_waits_for_the_connection_does_not_try_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_prediction, "_CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(4) as threads:
        asked = calls(rpc_endpoint=f"127.0.0.1:{listener.getsockname()[1]}")
        assert list(threads.map(asked.ask, [ENDPOINT] * 4, [b"{}"] * 4)) == [None] * 4
        listener.accept()[0].close()
        listener.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listener.accept()


class Answering:
    """A server that answers with what it was asked, unless it is told to wait."""

    def __init__(self) -> None:
        self.goes_on, self.asked = threading.Event(), threading.Event()
        self.goes_on.set()
        self.token = "t"
        self.server = grpc.server(ThreadPoolExecutor(1))
        methods = {"RawPredict": grpc.unary_unary_rpc_method_handler(self._answer)}
        service = raw_prediction._METHOD.split("/")[1]
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")

    def _answer(self, _request: bytes, context: Any) -> bytes:
        if dict(context.invocation_metadata())["authorization"] != f"Bearer {self.token}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "The token is old.")
        self.asked.set()
        self.goes_on.wait()
        return b""


@pytest.fixture
def answering() -> Iterator[Answering]:
    answering = Answering()
    answering.server.start()
    yield answering
    answering.goes_on.set()
    answering.server.stop(None).wait()


def test_what_another_thread_hangs_up_is_asked_the_other_way(answering: Answering) -> None:
    asked = calls(rpc_endpoint=f"127.0.0.1:{answering.port}")
    assert asked.ask(ENDPOINT, b"{}") is not None
    answering.goes_on.clear()
    answering.asked.clear()
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(asked.ask, ENDPOINT, b"{}")
        assert answering.asked.wait(60)
        channel = asked._channel
        asked.close()
        assert answer.result() is None
    asked._channel = channel
    assert asked.ask(ENDPOINT, b"{}") is None


def test_a_token_that_is_not_taken_is_renewed_the_other_way(answering: Answering) -> None:
    asked = calls(rpc_endpoint=f"127.0.0.1:{answering.port}")
    answering.token = "new"
    assert [asked.ask(ENDPOINT, b"{}") for _ in range(2)] == [None, None]
    asked._connection.credentials.token = "new"  # as REST does it
    assert asked.ask(ENDPOINT, b"{}") is not None
    asked.close()


def test_what_takes_too_long_is_not_sent_again(answering: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = calls(rpc_endpoint=f"127.0.0.1:{answering.port}")
    assert asked.ask(ENDPOINT, b"{}") is not None
    monkeypatch.setattr(raw_prediction, "TIMEOUT_SECONDS", 0.3)
    answering.goes_on.clear()
    with pytest.raises(UnavailableError, match="no answer from Google: Google has taken too long"):
        asked.ask(ENDPOINT, b"{}")
    asked.close()


def test_over_http_it_is_sent_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=r"127\.0\.0\.1 has taken too long\."):
            PredictionCalls(calls(endpoint=address)._connection).predict(ENDPOINT, b'{"instances": [1]}')
        silent.accept()[0].close()
        silent.settimeout(0.1)
        with pytest.raises(TimeoutError):
            silent.accept()


@contextlib.contextmanager
def relay(port: int) -> Iterator[tuple[int, threading.Event]]:
    """A router: gives its port, and what makes it forget its connections without a word."""
    has_forgotten = threading.Event()

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if not has_forgotten.is_set():
                    target.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as kept:

        def accept() -> None:
            with contextlib.suppress(OSError):
                near = kept.enter_context(listener.accept()[0])
                far = kept.enter_context(socket.create_connection(("127.0.0.1", port)))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], has_forgotten


def test_a_connection_that_was_forgotten_is_found_out(answering: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    from google.api_core.exceptions import ServiceUnavailable

    monkeypatch.setattr(raw_prediction, "TIMEOUT_SECONDS", 30.0)
    quick = tuple((name, 1_500 if name.endswith("_ms") else value) for name, value in raw_prediction._OPTIONS)
    monkeypatch.setattr(raw_prediction, "_OPTIONS", quick)
    with relay(answering.port) as (port, has_forgotten):
        asked = calls(rpc_endpoint=f"127.0.0.1:{port}")
        assert asked.ask(ENDPOINT, b"{}") is not None
        has_forgotten.set()
        # Not DeadlineExceeded, for which the whole time is waited.
        with pytest.raises(ServiceUnavailable):
            asked._call(asked._channel, ENDPOINT, b"{}")
        asked.close()


@pytest.mark.parametrize("address", ["10.1.2.3:80", "[2001:db8::1]:80"])
def test_the_token_goes_without_tls_to_this_machine_alone(address: str) -> None:
    assert (
        raw_prediction._target(
            Connection(GoogleSettings(project="p", region="r", bucket="gs://b", rpc_endpoint=address, token="t"))
        )
        is None
    )


def test_google_is_asked_where_its_address_is_with_tls() -> None:
    def target(**settings: Any) -> Any:
        return raw_prediction._target(calls(**settings)._connection)

    assert target() == ("us-central1-aiplatform.googleapis.com:443", False)
    assert target(endpoint="https://vertex.example:8443/") == ("vertex.example:8443", False)
    assert target(endpoint="http://vertex.example") is None
    assert target(endpoint="https://gateway.example/vertex") is None


def test_over_tls_with_token_route_and_who_answered() -> None:
    # gRPC reads the roots that it trusts once for each process.
    done = subprocess.run([sys.executable, str(_TLS)], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.splitlines() == [
        "Bearer secret",
        "endpoint=projects/p/locations/us-central1/endpoints/7",
        "RawAnswer(body=b'{\"predictions\":[1]}', deployed='2')",
    ], done.stderr
