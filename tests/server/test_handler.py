from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest
from support.kept_endpoints import register
from support.rest import Ask

from mlmagic.errors import ConflictError
from mlmagic.server import models
from mlmagic.server import threads
from mlmagic.server.handler import plain
from mlmagic.session import Session
from mlmagic.spec.panel_rows import Headline


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
