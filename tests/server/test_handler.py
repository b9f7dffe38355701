from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.deployed import end_endpoints
from support.kept_endpoints import register
from support.rest import Ask

from mlmagic.api.deployment import deploy
from mlmagic.errors import ConflictError
from mlmagic.server import handler, models
from mlmagic.server.handler import plain
from mlmagic.server.threads import Threads
from mlmagic.session import Session
from mlmagic.spec.panel_rows import Headline

ACTIONS = 8
PATIENCE = 60.0


@pytest.fixture
def workspace(session: Session) -> Session:
    register(session.workspace, 1)
    return session


def test_an_answer_is_plain_json() -> None:
    headline = Headline(name="loss", value=float("inf"))
    assert plain({"a": [headline, float("nan")], "b": (1, None), 3: True}) == {
        "a": [{"name": "loss", "value": "Infinity"}, "NaN"],
        "b": [1, None],
        "3": True,
    }


async def test_a_mistake_of_our_own_is_told_without_its_stack(
    ask: Ask, workspace: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: Session) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(models, "list_models", fails)
    answer = await ask("models")
    assert (answer.status, answer.headers["Content-Type"]) == (500, "application/json")
    assert answer.problem == {
        "message": "mlmagic failed with KeyError, which is a mistake of its own.",
        "hint": "The log of the Jupyter server says more.",
    }
    (record,) = [record for record in caplog.records if record.exc_info]
    assert record.levelno == logging.ERROR


async def test_a_clear_error_leaves_no_stack_in_the_log(
    ask: Ask, workspace: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: Session) -> None:
        raise ConflictError("not now.", hint="Later.")

    monkeypatch.setattr(models, "list_models", fails)
    answer = await ask("models")
    assert (answer.status, answer.problem) == (409, {"message": "not now.", "hint": "Later."})
    assert not [record for record in caplog.records if record.exc_info]


async def test_the_server_goes_on_while_work_is_done(
    ask: Ask, workspace: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = threading.Event(), threading.Event()

    def waits(_: Session) -> list[Any]:
        begun.set()
        assert over.wait(60)
        return []

    monkeypatch.setattr(models, "list_models", waits)
    slow = asyncio.ensure_future(ask("models"))
    assert await asyncio.to_thread(begun.wait, 60)
    assert (await ask("models/sums")).status == 200
    over.set()
    assert (await slow).json == {"models": []}


async def test_who_looks_does_not_wait_for_actions(
    ask: Ask, workspace: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = threading.Semaphore(0), threading.Event()

    def waits(*_: object) -> dict[str, str]:
        begun.release()
        assert over.wait(60)
        return {}

    monkeypatch.setattr(models, "set_default", waits)
    actions = [asyncio.ensure_future(ask("models/sums/default", "POST", {"version": 1})) for _ in range(ACTIONS)]
    for _ in actions:
        assert await asyncio.to_thread(begun.acquire, timeout=60)
    try:
        assert (await asyncio.wait_for(ask("models/sums"), 60)).status == 200
    finally:
        over.set()
    assert [(await action).status for action in actions] == [200] * ACTIONS


class Asked:
    """A request that is sent, and whose answer nobody waits for."""

    def __init__(self, serverapp: Any, port: int, header: dict[str, str]) -> None:
        self._base, self._port, self._token = serverapp.base_url, port, header["Authorization"]

    async def send(self, method: str, path: str, body: str = "") -> asyncio.StreamWriter:
        _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = [f"{method} {self._base}mlmagic/api/v1/{path} HTTP/1.1", "Host: localhost"]
        head += [f"Authorization: {self._token}", f"Content-Length: {len(body)}"]
        writer.write(("\r\n".join(head) + f"\r\n\r\n{body}").encode())
        return writer


@pytest.fixture
def asked(
    jp_serverapp: Any, http_server: Any, http_server_port: tuple[Any, int], jp_auth_header: dict[str, str]
) -> Asked:
    return Asked(jp_serverapp, http_server_port[1], jp_auth_header)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """All threads are busy, until they are let go."""
    pool, may_end = Threads("few", 1, 1), threading.Event()
    monkeypatch.setattr("mlmagic.server.handler.threads", lambda _: pool)
    pool.submit(lambda: may_end.wait(PATIENCE))
    while pool._queue.qsize():
        time.sleep(0.01)
    yield may_end.set
    may_end.set()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - it is another thread that makes it true
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("asks", [("GET", "models"), ("POST", "models/sums/default", '{"version":1}')])
async def test_who_has_gone_waits_for_no_look_but_its_action_is_done(
    asked: Asked, full: Callable[[], None], monkeypatch: pytest.MonkeyPatch, asks: tuple[str, ...]
) -> None:
    done: list[int] = []
    monkeypatch.setattr(handler, "has_workspace", lambda _: True)
    monkeypatch.setattr(models, "list_models", lambda _: done.append(1))
    monkeypatch.setattr(models, "set_default", lambda *_: done.append(1))
    pool = handler.threads("read")
    writer = await asked.send(*asks)
    await until(lambda: pool._queue.qsize() == 1)
    writer.close()
    await asyncio.sleep(0.1)
    full()
    await until(lambda: pool._queue.qsize() == 0)
    await pool.run(lambda: None)
    assert done == [1] * (asks[0] == "POST")


async def test_more_than_anybody_would_wait_for_is_refused(
    ask: Ask, workspace: Session, asked: Asked, full: Callable[[], None]
) -> None:
    writer = await asked.send("GET", "models")
    await until(lambda: handler.threads("read")._queue.qsize() == 1)
    answer = await ask("models")
    assert (answer.status, answer.problem) == (
        503,
        {"message": "the server has too much to do: 1 such requests wait already. Try again later."},
    )
    writer.close()


async def test_the_default_is_moved_without_waiting_for_endpoints(
    ask: Ask, workspace: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waits(*_: object, **__: object) -> None:
        raise AssertionError("waited")

    register(workspace.workspace, 2)
    deploy("sums@default", endpoint="adder", wait=False, session=workspace)
    monkeypatch.setattr("mlmagic.api.endpoints.settle", waits)
    try:
        assert (await ask("models/sums/default", "POST", {"version": 2})).status == 200
        (deployed,) = workspace.endpoints.get("adder").spec.deployed
        assert deployed.number == 2
    finally:
        end_endpoints(workspace)


async def test_answers_are_written_where_nobody_waits_for_them(
    ask: Ask, workspace: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    plain_written = handler.written

    def write(value: object) -> bytes:
        names.append(threading.current_thread().name)
        return plain_written(value)

    monkeypatch.setattr(handler, "written", write)
    for path in ("models", "models/sums", "models/sums/versions/1", "endpoints", "datasets", "jobs"):
        assert (await ask(path)).status == 200
    assert [name.rpartition("-")[0] for name in names] == ["mlmagic-read"] * 6


async def test_answers_are_kept_by_nobody(ask: Ask, workspace: Session) -> None:
    answer = await ask("models")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Etag" not in answer.headers


async def test_a_verb_that_is_not_there(ask: Ask, workspace: Session) -> None:
    answer = await ask("models", "DELETE")
    assert (answer.status, answer.problem) == (405, {"message": "Nothing can be done so at this address."})
    # Neither is it taken for something that is missing from a workspace.
    assert (await ask("endpoints/x/stop")).status == 405


async def test_a_panel_that_looks_by_itself_does_not_keep_a_server_up(
    ask: Ask, workspace: Session, jp_serverapp: Any
) -> None:
    settings = jp_serverapp.web_app.settings
    before = settings.get("api_last_activity")
    await ask("models")
    assert settings.get("api_last_activity") == before
    await ask("models/sums/default", "POST", {"version": 1})
    assert settings["api_last_activity"] != before
