"""Who is let in: nobody without a login, and no other site's page by the login of a browser."""

from __future__ import annotations

import json
import re
from http.cookies import SimpleCookie
from typing import Any

import pytest
from support.kept_endpoints import register
from support.rest import Ask
from tornado import web

from mlmagic.server.handler import Handler
from mlmagic.server.routing import API, load
from mlmagic.session import Session

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
EXAMPLES = {"job": "taxi-20260131-235959-0a1b", "number": "1", "replica": "worker-0"}
NOT_LET_IN = {401, 403}


def addresses() -> list[str]:
    """An address of every route, below the server's base URL."""
    paths = [route.path for route in load().routes]
    full = [path.removeprefix("/") if path.startswith("/") else f"{API}/{path}" for path in paths]
    return [re.sub(r"\{(\w+)\}", lambda match: EXAMPLES.get(match[1], "x"), path) for path in full]


@pytest.fixture
def fetch(session: Session, jp_serverapp: Any, http_server_client: Any) -> Any:
    """Ask without a login, unless the headers have one."""

    async def fetch(path: str, method: str = "GET", **headers: str) -> Any:
        return await http_server_client.fetch(
            f"{jp_serverapp.base_url}{path}",
            method=method,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            body=b"{}" if method in {"POST", "PUT", "PATCH"} else None,
            raise_error=False,
            follow_redirects=False,
            request_timeout=60,
        )

    return fetch


@pytest.mark.parametrize("login", [{}, {"Authorization": "token wrong"}], ids=["none", "wrong"])
async def test_nobody_is_let_in_without_a_login(fetch: Any, session: Session, login: dict[str, str]) -> None:
    let_in = []
    for path in addresses():
        for verb in VERBS:
            answer = await fetch(path, verb, **login)
            is_sent_to_login = answer.code == 302 and "/login" in answer.headers["Location"]
            if answer.code not in NOT_LET_IN and not (is_sent_to_login and not path.startswith(API)):
                let_in.append(f"{verb} {path}: {answer.code}")
    assert let_in == []
    assert not session.location.root.exists()


async def test_a_token_is_let_in(ask: Ask) -> None:
    assert (await ask("models")).status == 200


async def test_a_refusal_is_a_problem(fetch: Any) -> None:
    answer = await fetch(f"{API}/models")
    assert answer.code == 403
    assert json.loads(answer.body) == {"problem": {"message": "The Jupyter server does not let you do that."}}


async def test_no_verb_can_forget_the_login() -> None:
    class Careless(Handler):
        async def get(self) -> None:
            self.answer({"secret": 1})

    # What tornado's `authenticated` made, which is what Jupyter looks for.
    assert Careless.get.__code__.co_filename == web.authenticated.__code__.co_filename


async def test_the_login_of_a_browser_is_no_help_to_another_site(
    fetch: Any, session: Session, jp_serverapp: Any
) -> None:
    register(session.workspace, 1)
    cookies: dict[str, str] = {}
    for page in ("login", f"api/me?token={jp_serverapp.identity_provider.token}"):
        answer = await fetch(page)
        found = SimpleCookie("; ".join(line.partition(";")[0] for line in answer.headers.get_list("Set-Cookie")))
        cookies |= {name: cookie.value for name, cookie in found.items()}
    browser = "; ".join(f"{name}={value}" for name, value in cookies.items())
    token = cookies["_xsrf"]
    assert (await fetch(f"{API}/models", Cookie=browser, Referer=jp_serverapp.connection_url)).code == 200
    for verb, path in (("POST", "models/sums/default"), ("DELETE", "models/sums"), ("POST", "endpoints/x/stop")):
        answer = await fetch(f"{API}/{path}", verb, Cookie=browser)
        assert answer.code == 403, answer.body
        assert b"_xsrf" in answer.body
    # With it, the body is looked at.
    assert (await fetch(f"{API}/models/sums/default", "POST", Cookie=browser, X_XSRFToken=token)).code == 400
    foreign = await fetch(f"{API}/models", Cookie=browser, Origin="http://elsewhere.example")
    assert foreign.code in {403, 404}
    assert [version.number for version in session.models.versions("sums")] == [1]


async def test_a_user_may_be_forbidden(ask: Ask, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def is_authorized(_: Any, handler: Any, user: Any, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return action == "read"

    monkeypatch.setattr(type(jp_serverapp.authorizer), "is_authorized", is_authorized)
    assert (await ask("models")).status == 200
    answer = await ask("models/sums", "DELETE")
    assert answer.status == 403
    assert answer.problem["message"] == "User is not authorized to write on resource: mlmagic."
    assert asked == [("read", "mlmagic"), ("write", "mlmagic")]
