"""Who is let in, and what the others are told."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from support.served_models import Endpoint, served

from mlmagic.serving.app.access import Access, Gate, is_loopback
from mlmagic.serving.app.failures import RequestFailed

ONE = {"instances": [{"age": 1, "rooms": 2, "city": "rome"}]}
TOKEN = "s3cret-token"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with served(token=TOKEN) as endpoint:
        yield endpoint


def ask(endpoint: Endpoint, **headers: str) -> httpx.Response:
    return endpoint.client.post("/v1/models/taxi:predict", json=ONE, headers=headers)


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN}"])
def test_the_token_lets_in(endpoint: Endpoint, header: str) -> None:
    assert ask(endpoint, authorization=header).json() == {"predictions": [[1003.0]]}


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (None, "has no token"),
        ("", "has no token"),
        (f"Basic {TOKEN}", "has another token"),
        (TOKEN, "has another token"),
        ("Bearer", "has another token"),
        (f"Bearer {TOKEN}x", "has another token"),
        (f"Bearer {TOKEN[:-1]}", "has another token"),
    ],
)
def test_without_the_token_nobody_is_let_in(endpoint: Endpoint, header: str | None, what: str) -> None:
    reply = ask(endpoint) if header is None else ask(endpoint, authorization=header)
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, 'Bearer realm="mlmagic"')
    assert reply.json()["error"] == (
        f"the request {what}: this endpoint wants the header `Authorization: Bearer TOKEN`, with its token"
    )


def test_all_pages_but_those_of_health_want_the_token(endpoint: Endpoint) -> None:
    pages = ["/", "/openapi.json", "/v1/models/taxi", "/v1/models/taxi/metadata", "/nothing"]
    assert {endpoint.client.get(page).status_code for page in pages} == {401}
    assert {endpoint.client.get(page).status_code for page in ("/healthz", "/readyz")} == {200}


def test_vertex_ai_calls_it_unauthenticated(endpoint: Endpoint) -> None:
    error = endpoint.client.post("/v1/projects/p/locations/l/endpoints/rides:predict", json=ONE).json()["error"]
    assert (error["code"], error["status"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:1234"},
        {"host": "127.0.0.1"},
        {"host": "127.8.8.8:80"},
        {"host": "[::1]:8501"},
        {"host": "api.localhost"},
        {"origin": "http://localhost:8888"},
        {"origin": "https://127.0.0.1"},
    ],
)
def test_names_of_this_machine_are_let_in(endpoint: Endpoint, headers: dict[str, str]) -> None:
    assert ask(endpoint, authorization=f"Bearer {TOKEN}", **headers).status_code == 200


@pytest.mark.parametrize(
    ("header", "value", "example"),
    [
        ("Host", "evil.example:8501", "localhost"),
        ("Host", "localhost.evil.example", "localhost"),
        ("Host", "127.0.0.1.evil.example", "localhost"),
        ("Host", "10.0.0.1", "localhost"),
        ("Host", "localhost:80:80", "localhost"),
        ("Origin", "https://evil.example", "http://localhost"),
        ("Origin", "null", "http://localhost"),
        ("Origin", "http://[evil", "http://localhost"),
    ],
)
def test_foreign_names_and_pages_are_refused_even_with_the_token(
    endpoint: Endpoint, header: str, value: str, example: str
) -> None:
    reply = ask(endpoint, authorization=f"Bearer {TOKEN}", **{header: value})
    assert reply.status_code == 403
    assert reply.json()["error"] == (
        f'the header {header} is "{value}", which is not this machine: the endpoint listens on loopback alone. '
        f"Ask for it as {example}"
    )


def test_health_is_not_told_to_foreign_pages(endpoint: Endpoint) -> None:
    assert endpoint.client.get("/healthz", headers={"host": "evil.example"}).status_code == 403


def test_an_endpoint_for_other_machines_goes_by_any_name() -> None:
    Gate(Access(token=TOKEN, host="server.example")).check_origin(
        {b"host": b"server.example", b"origin": b"https://a.example"}
    )
    with pytest.raises(RequestFailed, match="the header Host"):
        Gate(Access(token=TOKEN, host="::1")).check_origin({b"host": b"server.example"})


def test_of_many_hosts_only_some_are_remembered() -> None:
    gate = Gate(Access(needs_token=False))
    for port in range(200):
        gate.check_origin({b"host": f"localhost:{port}".encode()})
    assert len(gate._hosts) == 64


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_not_a_token(token: str | None) -> None:
    with pytest.raises(ValueError, match="an endpoint that needs a token was given none"):
        Access(token=token)


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(Access(token=TOKEN))


@pytest.mark.parametrize(
    ("host", "local"),
    [("LOCALHOST.", True), ("::1", True), ("::ffff:10.0.0.1", False), ("10.0.0.1", False), ("", False)],
)
def test_what_is_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) is local
