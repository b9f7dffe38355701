from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

import pytest
from support.boards import no_board_left, read_json, wait_for_runs, write_events
from support.rest import Ask

from mlmagic.api.boards import boards, tensorboard
from mlmagic.errors import MissingDependencyError
from mlmagic.server import boards as handlers
from mlmagic.server.board_notice import tell_kernels
from mlmagic.session import Session
from mlmagic.spec.board_viewer import SERVER, viewer_of


@pytest.fixture
def logs(session: Session, tmp_path: Path) -> Any:
    """A folder of logs beside a workspace; what boards a test starts are ended."""
    write_events(tmp_path / "logs/train", 0.5, 0.25)
    assert session.workspace
    session.models.list()
    with no_board_left(session):
        yield tmp_path / "logs"


async def test_a_board_is_started_found_again_listed_and_ended(ask: Ask, session: Session, logs: Path) -> None:
    asked = {"logdir": [str(logs)], "flags": {"samples_per_plugin": "scalars=1"}}
    first, again = await ask("boards", "POST", asked), await ask("boards", "POST", asked)
    assert (first.status, first.json) == (201, again.json)
    assert set(first.json) == {"key", "title", "path", "startTime"}
    assert first.json["path"] == f"mlmagic/tensorboard/{first.json['key']}/"
    (board,) = boards(session=session)
    wait_for_runs(board.url, "logs/train")
    assert len(read_json(board.url, "data/plugin/scalars/scalars?run=logs/train&tag=loss")) == 1
    assert (await ask("boards")).json == {"boards": [first.json]}
    assert (await ask(f"boards/{board.key}", "DELETE")).status == 204
    assert not board.is_running
    assert (await ask(f"boards/{board.key}", "DELETE")).problem["message"] == f"no TensorBoard '{board.key}' runs."


async def test_one_that_ended_is_started_again_by_its_key(ask: Ask, session: Session, logs: Path) -> None:
    ended = tensorboard(logdir=logs, session=session).stop()
    answer = await ask("boards", "POST", {"key": ended.key})
    assert (answer.status, answer.json["title"]) == (201, "logs")
    assert boards(session=session)[0].url != ended.url
    unknown = await ask("boards", "POST", {"key": "b" + 15 * "0"})
    assert (unknown.status, unknown.problem["message"]) == (404, "there is no TensorBoard 'b000000000000000' any more.")
    hostile = await ask("boards", "POST", {"key": "../../etc"})
    assert (hostile.status, hostile.problem["message"]) == (404, "there is no TensorBoard '../../etc'.")


async def test_all_that_does_not_fit_is_told_at_once(ask: Ask, logs: Path) -> None:
    asked = {"logdir": ["gs://a"], "flags": {"port": "x", "bind_all": "true", "reload_intervall": "1"}}
    answer = await ask("boards", "POST", asked)
    assert answer.status == 400
    assert answer.problem["problems"] == [
        "--port must be a port from 1 to 65535, or default, not 'x'.",
        "--bind_all does not go with a board: whoever reaches this machine could look at the board.",
        "--reload_intervall is no flag of TensorBoard. Did you mean --reload_interval?",
        "logdir 'gs://a' is no folder of this machine.",
    ]
    both = await ask("boards", "POST", {"key": "b" + 15 * "0", "jobs": ["taxi"]})
    assert both.problem["message"] == "key starts a board again as it was; it goes without jobs."


async def test_looking_makes_no_workspace(ask: Ask, session: Session) -> None:
    assert (await ask("boards")).json == {"boards": []}
    answer = await ask("boards", "POST", {"jobs": ["taxi"]})
    assert (answer.status, answer.problem["hint"]) == (404, "The first job makes it.")
    assert not session.location.root.exists()


async def test_without_the_proxy_it_is_told_what_to_install(
    ask: Ask, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "has_proxy", lambda: False)
    answer = await ask("boards", "POST", {"logdir": [str(logs)]})
    assert answer.status == 501
    assert answer.problem["hint"].endswith("pip install 'mlmagic[lab]'")
    assert handlers._page() is handlers.NoPage
    with pytest.raises(MissingDependencyError, match=r"^jupyter-server-proxy"):
        await inspect.unwrap(handlers.NoPage.get)(None)


def test_kernels_are_told_where_boards_are(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"JPY_PARENT_PID": str(os.getpid())}
    tell_kernels("/user/ada/", "/w/.mlmagic", environ)
    assert viewer_of(environ, "/w/.mlmagic").base_url == "/user/ada/"
    monkeypatch.setattr("mlmagic.server.board_notice._PROXY", "no_such_package")
    tell_kernels("/user/ada/", "/w/.mlmagic", environ)
    assert SERVER not in environ
