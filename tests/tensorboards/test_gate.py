from __future__ import annotations

import pytest

from mlmagic.tensorboards.gate import Gate

PREFIX = "/secret"


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ask(clock):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Location", "/elsewhere")])
        return [environ["PATH_INFO"].encode()]

    gate = Gate(application, PREFIX, clock)

    def request(path, host="127.0.0.1:6006"):
        answers = []
        body = b"".join(gate({"PATH_INFO": path, "HTTP_HOST": host}, lambda *words: answers.append(words)))
        return answers[0][0][:3], dict(answers[0][1]), body

    request.gate = gate
    return request


@pytest.mark.parametrize("path", ["/", "/data/runs", "/secret/x"])
def test_what_knows_the_prefix_is_let_through_and_goes_on_without_it(ask, path):
    status, headers, body = ask(f"/secret{path}")
    assert (status, body) == ("200", path.encode())
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Location"] == "/secret/elsewhere"


def test_the_prefix_alone_leads_to_its_folder(ask):
    status, headers, body = ask("/secret")
    assert (status, headers["Location"], body) == ("308", "/secret/", b"")


@pytest.mark.parametrize("path", ["", "/", "/secre", "/secrets/", "/SECRET/", "/x/secret/", "/\xe9\udc80"])
def test_what_does_not_is_told_nothing(ask, path):
    status, _, body = ask(path)
    assert (status, body) == ("404", b"Not found.\n")


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "LOCALHOST:8888", "127.0.0.1"])
def test_this_machine_is_called_by_its_own_names(ask, host):
    assert ask("/secret/", host)[0] == "200"


@pytest.mark.parametrize(
    "host", ["", "evil.example", "localhost.evil.example:6006", "a@localhost", "127.0.0.1:x", "[::1"]
)
def test_foreign_names_are_refused(ask, host):
    status, _, body = ask("/secret/", host)
    assert (status, body) == ("403", b"This address is for 127.0.0.1 and localhost alone.\n")


def test_only_requests_that_are_let_through_keep_it_alive(ask, clock):
    clock.now = 10.0
    ask("/wrong/")
    ask("/secret/", "evil.example")
    assert ask.gate.idle_seconds == 10.0
    assert ask("/secret/-/alive")[2] == b"alive\n"
    assert ask.gate.idle_seconds == 0.0
