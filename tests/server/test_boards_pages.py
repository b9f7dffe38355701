"""Boards as a browser looks at them, below the address of the server."""

from __future__ import annotations

import asyncio
import http.server
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support.boards import PATIENCE_SECONDS, no_board_left, wait_for_runs, write_events
from tornado.httpclient import HTTPClientError

from mlmagic.api.boards import Board, boards, tensorboard
from mlmagic.errors import BackendError
from mlmagic.server.board_pages import ended_page, error_page, silent_page, unknown_page
from mlmagic.session import Session
from mlmagic.spec.board import BoardSource, BoardSpec
from mlmagic.spec.codec import dumps
from mlmagic.tensorboards.record import board_folder
from mlmagic.workspace.files import write_atomic

Look = Callable[..., Awaitable[Any]]


@pytest.fixture
def jp_base_url(request: pytest.FixtureRequest) -> str:
    """As on a hub, unless a test says otherwise."""
    return str(getattr(request, "param", "/user/a%40b/"))


@pytest.fixture
def board(session: Session, tmp_path: Path) -> Iterator[Board]:
    """A board over a folder of logs."""
    write_events(tmp_path / "logs/train", 0.5, 0.25)
    with no_board_left(session):
        board = tensorboard(logdir=tmp_path / "logs", session=session)
        wait_for_runs(board.url, "logs/train")
        yield board


@pytest.fixture
def look(jp_serverapp: Any, http_server_client: Any, jp_auth_header: dict[str, str]) -> Look:
    """Ask for a path below a board's address as a browser does that is logged in."""

    async def look(key: str, path: str = "/", method: str = "GET", **options: Any) -> Any:
        headers = {**(jp_auth_header if options.pop("logged_in", True) else {}), **options.pop("headers", {})}
        return await http_server_client.fetch(
            f"{jp_serverapp.base_url}mlmagic/tensorboard/{key}{path}",
            method=method,
            headers=headers,
            raise_error=False,
            follow_redirects=False,
            allow_nonstandard_methods=True,
            request_timeout=PATIENCE_SECONDS,
            **options,
        )

    return look


@pytest.fixture
def token(jp_auth_header: dict[str, str]) -> str:
    """What lets into the server."""
    return jp_auth_header["Authorization"].partition(" ")[2]


@pytest.fixture
def log_in(jp_serverapp: Any, http_server_client: Any, token: str) -> Callable[[], Awaitable[str]]:
    """Return the cookies of a browser whose user has logged in."""

    async def log_in() -> str:
        address = f"{jp_serverapp.base_url}login?token={token}"
        login = await http_server_client.fetch(address, follow_redirects=False, raise_error=False)
        return cookies_of(login)

    return log_in


def cookies_of(answer: Any) -> str:
    return "; ".join(told.partition(";")[0] for told in answer.headers.get_list("Set-Cookie"))


@pytest.fixture
def echo(board: Board, session: Session) -> Iterator[list[tuple[str, dict[str, str], bytes]]]:
    """In the place of TensorBoard a server that keeps what it is asked."""
    asked: list[tuple[str, dict[str, str], bytes]] = []

    class Echo(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(302 if self.path.endswith("moved") else 200)
            self.send_header("Location", f"{board.record.prefix}/elsewhere?a=1")
            self.send_header("Set-Cookie", "theirs=1")
            self.send_header("Server", "theirs")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - as the server calls it

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever).start()
    folder = board_folder(session.location, board.key)
    mine = replace(board.record, port=server.server_port)
    write_atomic(folder.record, dumps(mine), sync=False)
    yield asked
    write_atomic(folder.record, dumps(board.record), sync=False)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("jp_base_url", ["/", "/user/a%40b/"], indirect=True)
async def test_the_page_and_all_that_it_loads_come_from_below_the_servers_address(look: Look, board: Board) -> None:
    page = await look(board.key)
    assert page.code == 200
    assert board.record.prefix[1:].encode() not in page.body
    assert b"tf-tensorboard" in page.body or b"tb-webapp" in page.body
    scripts = re.findall(rb'(?:src|href)="([^"]+\.js[^"]*)"', page.body)
    assert scripts
    assert not any(script.startswith((b"/", b"http")) for script in scripts)
    fonts = re.findall(rb"url\(([^)]+\.woff2)\)", page.body)
    assert not any(font.startswith((b"/", b"http")) for font in fonts)
    for path in [
        f"/{fonts[0].decode()}",
        f"/{scripts[0].decode().removeprefix('./')}",
        "/data/environment",
        "/data/plugins_listing",
    ]:
        answer = await look(board.key, path)
        assert answer.code == 200, path
        assert board.record.prefix[1:].encode() not in answer.body
    rules = page.headers.get_list("Content-Security-Policy")
    assert any("frame-ancestors 'self'" in rule for rule in rules)
    assert any("script-src" in rule for rule in rules)


async def test_curves_come_through(look: Look, board: Board) -> None:
    answer = await look(board.key, "/data/plugin/scalars/scalars?run=logs/train&tag=loss")
    assert answer.body == b"[[0.0, 0, 0.5], [1.0, 1, 0.25]]" or b"0.25" in answer.body
    tags = await look(board.key, "/data/plugin/scalars/tags", headers={"Accept-Encoding": "gzip"})
    assert tags.code == 200
    assert (await look(board.key, "/data/runs", "HEAD")).code == 200
    body = 'requests=[{"plugin":"scalars","tag":"loss"}]'
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    asked = await look(board.key, "/data/plugin/timeseries/timeSeries", "POST", body=body, headers=headers)
    assert (asked.code, b"0.25" in asked.body) == (200, True)


async def test_without_a_login_nothing_is_answered(look: Look, board: Board, jp_serverapp: Any) -> None:
    for path in ("", "/", "/data/runs", "/-/alive"):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = await look(board.key, path, method, logged_in=False)
            assert (answer.code, method) == (403, method)
    person = await look(board.key, logged_in=False, headers={"Sec-Fetch-Mode": "navigate"})
    assert (person.code, person.headers["Location"].partition("?")[0]) == (302, f"{jp_serverapp.base_url}login")


async def test_what_makes_a_browser_known_to_jupyter_goes_no_further(
    look: Look, board: Board, echo: Any, token: str
) -> None:
    secret = "a-secret-of-jupyter"
    headers = {
        "Authorization": f"token {token}",
        "Cookie": f"session={secret}",
        "X-XSRFToken": secret,
        "Referer": f"http://hub/?token={secret}",
        "X-Forwarded-User": secret,
        "X-TensorBoard-Feature-Flags": "{}",
        "Accept": "application/json",
    }
    answer = await look(board.key, f"/data/a%2Fb?token={token}&run=x%20y&_xsrf={secret}", headers=headers)
    ((path, told, _),) = echo
    assert path == f"{board.record.prefix}/data/a%2Fb?run=x%20y"
    assert secret not in str(told)
    assert token not in str(told)
    assert "authorization" not in told
    assert told["host"].startswith("127.0.0.1:")
    assert (told["accept"], told["x-tensorboard-feature-flags"]) == ("application/json", "{}")
    assert "theirs=1" not in str(answer.headers.get_list("Set-Cookie"))
    assert answer.headers.get("Server") != "theirs"


async def test_a_page_that_moved_is_found_without_the_secret(
    look: Look, board: Board, echo: Any, jp_serverapp: Any
) -> None:
    moved = await look(board.key, "/moved")
    below = f"{jp_serverapp.base_url}mlmagic/tensorboard/{board.key}/"
    assert (moved.code, moved.headers["Location"]) == (302, f"{below}elsewhere?a=1")
    bare = await look(board.key, "")
    assert (bare.code, bare.headers["Location"]) == (302, below)


async def test_another_page_cannot_ask_in_a_users_name(
    look: Look, board: Board, echo: Any, log_in: Callable[[], Awaitable[str]]
) -> None:
    person = {"Cookie": await log_in()}
    asked: dict[str, Any] = {"method": "POST", "body": "x", "logged_in": False}
    foreign = await look(board.key, "/data", headers={**person, "Origin": "http://evil.example"}, **asked)
    assert (foreign.code, echo) == (403, [])
    assert (await look(board.key, "/data", headers=person, **asked)).code == 200
    assert [body for _, _, body in echo] == [b"x"]
    assert (await look(board.key, "/data", "PUT", body="x")).code == 405


async def test_an_answer_is_handed_on_while_it_comes(look: Look, board: Board, session: Session) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        await writer.drain()
        await has_come.wait()
        writer.write(b"later")
        writer.close()

    has_come, parts = asyncio.Event(), []

    def take(part: bytes) -> None:
        parts.append(part)
        has_come.set()

    server = await asyncio.start_server(half, "127.0.0.1", 0)
    folder = board_folder(session.location, board.key)
    try:
        port = server.sockets[0].getsockname()[1]
        write_atomic(folder.record, dumps(replace(board.record, port=port)), sync=False)
        await look(board.key, "/data/large", streaming_callback=take)
    finally:
        server.close()
        write_atomic(folder.record, dumps(board.record), sync=False)
    assert (parts[0], b"".join(parts)) == (b"first", b"firstlater")


@asynccontextmanager
async def broken(board: Board, session: Session, *pieces: bytes) -> AsyncIterator[asyncio.Event]:
    """In the place of TensorBoard what sends these pieces, and hangs up when it is told to."""
    may_end = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.writelines(pieces)
        await may_end.wait()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    folder, port = board_folder(session.location, board.key), server.sockets[0].getsockname()[1]
    write_atomic(folder.record, dumps(replace(board.record, port=port)), sync=False)
    try:
        yield may_end
    finally:
        may_end.set()
        server.close()
        write_atomic(folder.record, dumps(board.record), sync=False)


@pytest.mark.parametrize("length", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
async def test_half_of_an_answer_is_not_taken_for_all_of_it(
    look: Look, board: Board, session: Session, length: bytes
) -> None:
    body = b"5\r\nfirst\r\n" if b"chunked" in length else b"first"
    async with broken(board, session, b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n", body) as may_end:
        with pytest.raises(HTTPClientError, match="Connection closed"):
            await look(board.key, "/data/large", streaming_callback=lambda _: may_end.set())


async def test_one_that_takes_requests_and_answers_none_says_so(
    look: Look, board: Board, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlmagic.server.board_proxy._FIRST_SECONDS", 0.2)
    async with broken(board, session):
        answer = await look(board.key, "/data/runs")
    assert (answer.code, b"does not answer" in answer.body) == (502, True)


async def test_one_that_ended_says_how_it_is_started_again_and_starts_by_nothing_but_its_button(
    look: Look, board: Board, session: Session, log_in: Callable[[], Awaitable[str]]
) -> None:
    person = {"Cookie": await log_in()}
    board.stop()
    page = await look(board.key)
    assert page.code == 410
    assert board.spec.command.encode() in page.body
    assert (await look(board.key, "/data/runs")).code == 410
    assert len(boards(session=session)) == 0
    shown = await look(board.key, headers=person, logged_in=False)
    (token,) = re.findall(r'<button type="submit" name="_xsrf" value="([^"]+)">', shown.body.decode())
    for body in ("", "_xsrf=another"):
        assert (await look(board.key, "/", "POST", body=body, headers=person, logged_in=False)).code == 403
    assert len(boards(session=session)) == 0
    cookies = f"{person['Cookie']}; {cookies_of(shown)}"
    form = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
    again = await look(board.key, "/", "POST", body=f"_xsrf={quote(token)}", headers=form, logged_in=False)
    assert again.code == 303
    assert [one.key for one in boards(session=session)] == [board.key]
    assert (await look(board.key)).code == 200


async def test_one_that_cannot_be_started_again_says_why(
    look: Look, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.stop()
    monkeypatch.setattr("mlmagic.api.boards.find_spec", lambda _: None)
    answer = await look(board.key, "/", "POST", body="")
    assert (answer.code, b"TensorBoard is not installed in " in answer.body) == (501, True)


def test_names_on_pages_are_shown_as_they_are() -> None:
    name = "<script>'\"&"
    spec = BoardSpec(sources=(BoardSource(name=name, folder=f"/{name}"),), workspace="/w")
    for page in (ended_page(spec, name), silent_page(spec), error_page(BackendError(name, problems=[name], hint=name))):
        assert "<script>" not in page
        assert "&lt;script&gt;&#x27;" in page
    assert "%tensorboard JOB" in unknown_page()


async def test_one_that_is_not_known_and_one_that_does_not_answer_say_so(
    look: Look, board: Board, session: Session
) -> None:
    unknown = await look("b" + 15 * "0")
    assert (unknown.code, b"%tensorboard JOB" in unknown.body) == (404, True)
    assert (await look("b0", "/data/runs")).code == 404
    folder = board_folder(session.location, board.key)
    write_atomic(folder.record, dumps(replace(board.record, port=1)), sync=False)
    silent = await look(board.key)
    write_atomic(folder.record, dumps(board.record), sync=False)
    assert (silent.code, b"does not answer" in silent.body) == (502, True)
