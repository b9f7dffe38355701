"""A Jupyter server in this process with the extension, and a client that is logged in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403 - its fixtures, and the hooks that run coroutines
from support.rest import Answer, Ask
from traitlets.config import Config

from mlmagic.session import Session, current_session, reset_session


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The server's session, on a workspace of its own that is not made yet."""
    monkeypatch.setenv("MLMAGIC_HOME", str(tmp_path / "workspace"))
    reset_session()
    yield current_session()
    reset_session()


@pytest.fixture
def jp_server_config() -> Config:
    extensions = {"mlmagic": True, "jupyter_server_terminals": False}
    return Config({"ServerApp": {"jpserver_extensions": extensions, "allow_unauthenticated_access": False}})


@pytest.fixture
def ask(session: Session, jp_serverapp: Any, http_server_client: Any, jp_auth_header: dict[str, str]) -> Ask:
    """Ask an address of the API, with its query as it stands."""

    async def ask(
        path: str,
        method: str = "GET",
        body: object = None,
        *,
        data: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        told = data if data is not None or body is None else json.dumps(body)
        answer = await http_server_client.fetch(
            f"{jp_serverapp.base_url}mlmagic/api/v1/{path}",
            method=method,
            body=told or ("" if method in {"POST", "PUT", "PATCH"} else None),
            headers=jp_auth_header if headers is None else headers,
            raise_error=False,
            request_timeout=60,
            follow_redirects=False,
            allow_nonstandard_methods=True,
        )
        is_json = "json" in answer.headers.get("Content-Type", "") and answer.body
        return Answer(answer.code, json.loads(answer.body) if is_json else answer.body, answer.headers)

    return ask
