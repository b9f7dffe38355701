from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from mlmagic.backends.endpoints import Address
from mlmagic.errors import BackendError, PredictionError
from mlmagic.serving.client import EndpointClient, EndpointPredictor
from mlmagic.spec.endpoint import Limits
from mlmagic.spec.model import Signature, TensorSpec

SIGNATURE = Signature(
    inputs=(TensorSpec(name="x", dtype="float32", shape=(None,)),),
    outputs=(TensorSpec(name="y", dtype="float32", shape=(None,)),),
)
Answer = tuple[int, object, dict[str, str]]


class Server(http.server.ThreadingHTTPServer):
    """Doubles `x`, after what `faults` say: a status with a body, or None to hang up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: list[Answer | None] = []
        self.closes = False
        self.token = "secret"
        self.seen: list[tuple[str, dict[str, str], dict[str, list[float]]]] = []
        self.connections = 0

    @property
    def address(self) -> Address:
        return Address(url=f"http://127.0.0.1:{self.server_port}", token=self.token)

    def finish_request(self, request: object, client_address: object) -> None:
        self.connections += 1
        super().finish_request(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        if self.headers["authorization"] != f"Bearer {self.server.token}":
            return self.answer(401, {"error": "no token"})
        fault = self.server.faults.pop(0) if self.server.faults else (200, None, {})
        if fault is None:
            self.close_connection = True
            return None
        status, content, headers = fault
        outputs = {"outputs": [2 * x for x in body["inputs"]["x"]]}
        return self.answer(status, outputs if content is None else content, headers)

    def answer(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(content).encode() if not isinstance(content, bytes) else content
        self.send_response(status)
        for name, value in {"x-mlmagic-version": "taxi@2", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        # Without a word about it, as a server that is restarted does.
        self.close_connection = self.server.closes

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def client_of(
    server: Server, locate: Callable[[], Address] | None = None, **options: object
) -> Iterator[EndpointClient]:
    client = EndpointClient(locate or (lambda: server.address), "taxi", **options)
    yield client
    client.close()


def ask(client: EndpointClient, *values: float, version: int | None = None) -> list[float]:
    predictor = EndpointPredictor(client, SIGNATURE, version=version)
    return predictor.predict({"x": np.array(values, dtype=np.float32)})["y"].tolist()


def test_a_connection_is_kept(server: Server) -> None:
    with client_of(server) as client:
        assert [ask(client, 1.0), ask(client, 2.0, 3.0)] == [[2.0], [4.0, 6.0]]
    assert server.connections == 1


def test_the_token_and_a_key_go_along(server: Server) -> None:
    with client_of(server) as client:
        predictor = EndpointPredictor(client, SIGNATURE, version=2)
        predictor.predict({"x": np.zeros(1)})
        predictor.predict({"x": np.zeros(1)})
    (path, headers, _), (_, again, _) = server.seen
    assert path == "/v1/models/taxi/versions/2:predict"
    assert headers["authorization"] == "Bearer secret"
    assert headers["x-mlmagic-key"] == again["x-mlmagic-key"]
    assert predictor.answered_by == "taxi@2"


def test_a_kept_connection_that_was_closed_is_replaced(server: Server) -> None:
    server.closes = True
    with client_of(server) as client:
        assert [ask(client, 1.0), ask(client, 2.0)] == [[2.0], [4.0]]
    assert server.connections == 2


def test_what_got_no_answer_is_asked_again(server: Server) -> None:
    busy = (503, {"error": "it starts"}, {"retry-after": "0"})
    server.faults = [None, busy, (429, {"error": "queue"}, {})]
    with client_of(server) as client:
        assert ask(client, 1.0) == [2.0]
    assert len(server.seen) == 4


def test_a_new_token_is_read_once(server: Server) -> None:
    known = iter([Address(url=server.address.url, token="old"), server.address])
    with client_of(server, lambda: next(known)) as client:
        assert ask(client, 1.0) == [2.0]


def test_a_token_that_stays_wrong_is_an_error(server: Server) -> None:
    with (
        client_of(server, lambda: Address(url=server.address.url, token="old")) as client,
        pytest.raises(PredictionError, match=r"^no token$"),
    ):
        ask(client, 1.0)


def test_the_servers_problems_are_told(server: Server) -> None:
    told = 'taxi cannot take these:\n  - instances[3].age: expected a number, got "x"\n  - b\nIt takes age (float32).'
    server.faults = [(400, {"error": told}, {})]
    with client_of(server) as client, pytest.raises(PredictionError) as caught:
        ask(client, 1.0)
    assert str(caught.value) == told
    assert caught.value.problems == ('instances[3].age: expected a number, got "x"', "b")
    assert caught.value.hint == "It takes age (float32)."


def test_an_answer_of_somebody_else_is_told_as_it_is(server: Server) -> None:
    server.faults = [(500, b"oops", {}), (404, {"error": {"message": "none"}}, {}), (500, b"", {})]
    with client_of(server) as client:
        for told in ("^oops$", "^none$", "^taxi answered with status 500.$"):
            with pytest.raises(PredictionError, match=told):
                ask(client, 1.0)


def test_patience_ends(server: Server) -> None:
    server.faults = [(503, {"error": "it cannot be loaded"}, {})] * 2
    with client_of(server, patience_seconds=0) as client, pytest.raises(PredictionError, match="it cannot be loaded"):
        ask(client, 1.0)


def test_nobody_listens(server: Server) -> None:
    with (
        client_of(server, lambda: Address(url="http://127.0.0.1:1"), patience_seconds=0) as client,
        pytest.raises(PredictionError, match=r"the endpoint of taxi does not answer: .*refused") as caught,
    ):
        ask(client, 1.0)
    assert caught.value.hint == "See how it is: %endpoints"


def test_an_endpoint_that_failed_is_not_waited_for(server: Server) -> None:
    def locate(known: Iterator[Address]) -> Address:
        for address in known:
            return address
        raise BackendError("taxi@2 cannot be loaded.")

    known = iter([server.address])
    server.faults = [(503, {"error": "failed"}, {})]
    with client_of(server, lambda: locate(known)) as client, pytest.raises(BackendError, match="cannot be loaded"):
        ask(client, 1.0)


def test_an_answer_that_takes_too_long_is_an_error(server: Server) -> None:
    answered = threading.Event()
    server.finish_request = lambda *_: answered.wait(10)
    with client_of(server, answer_seconds=0.05) as client, pytest.raises(PredictionError, match=r"no answer in 0.05 s"):
        ask(client, 1.0)
    answered.set()


def test_what_is_too_large_for_a_request_is_halved(server: Server) -> None:
    with client_of(server, limits=Limits(instances=2)) as client:
        assert ask(client, 1.0, 2.0, 3.0, 4.0, 5.0) == [2.0, 4.0, 6.0, 8.0, 10.0]
    assert [len(body["inputs"]["x"]) for _, _, body in server.seen] == [2, 1, 2]


def test_threads_have_connections_of_their_own(server: Server) -> None:
    found: dict[int, list[float]] = {}
    with client_of(server) as client:
        threads = [threading.Thread(target=lambda n=n: found.update({n: ask(client, n)})) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {n: [2.0 * n] for n in range(8)}
