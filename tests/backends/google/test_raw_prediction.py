"""RawPredict over gRPC, on a channel of its own: the bytes, who is asked, and what is not connected."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlmagic.backends.google.client import raw_prediction
from mlmagic.backends.google.client.connection import Connection
from mlmagic.backends.google.client.raw_prediction import RawPredictionCalls, write_request
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
