from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
from jupyter_server.utils import JupyterServerAuthWarning
from support.rest import Ask

from mlmagic.server.handler import Handler, Route
from mlmagic.server.routing import load, pattern, rules


@pytest.mark.parametrize(
    ("path", "address", "found"),
    [
        ("jobs/{job}", "jobs/taxi-20260131-235959-0a1b", {"job": "taxi-20260131-235959-0a1b"}),
        ("jobs/{job}", "jobs/..", None),
        ("jobs/{job}", "jobs/%2e%2e", None),
        ("jobs/{job}", "jobs/taxi%2F..", None),
        ("jobs/{job}", "jobs/a/b", None),
        ("models/{name}/versions/{number}", "models/taxi/versions/12", {"name": "taxi", "number": "12"}),
        ("models/{name}/versions/{number}", "models/taxi/versions/0", None),
        ("models/{name}/versions/{number}", "models/taxi/versions/-1", None),
        ("jobs/{job}/package/{path}", "jobs/a/package/trainer/task.py", {"job": "a", "path": "trainer/task.py"}),
        ("openapi.json", "openapi_json", None),
    ],
)
def test_a_placeholder_takes_what_can_be_a_name(path: str, address: str, found: dict[str, str] | None) -> None:
    match = re.fullmatch(pattern(path), address)
    assert (match.groupdict() if match else None) == found


def test_a_base_url_is_no_pattern() -> None:
    (first, handler), *_ = rules((Route("models", Handler),), "/user/a.b/")
    assert re.fullmatch(first, "/user/a.b/mlmagic/api/v1/models")
    assert not re.fullmatch(first, "/user/aXb/mlmagic/api/v1/models")
    assert handler is Handler


def test_a_path_with_a_slash_in_front_is_beside_the_api() -> None:
    (first, _), *_ = rules((Route("/mlmagic/tensorboard/{key}/{path}", Handler),), "/")
    assert first.startswith("/mlmagic/tensorboard/(?P<key>")


def test_a_part_that_cannot_be_imported_is_left_out_and_named() -> None:
    loaded = load(("no_such_part", "no_other_part"))
    assert loaded.routes == ()
    assert loaded.missing[0].startswith("no_such_part cannot be used: No module named")


async def test_what_is_at_no_address_is_a_problem(ask: Ask) -> None:
    for method in ("GET", "POST", "DELETE", "PUT", "PATCH"):
        answer = await ask("no/such/place", method)
        assert answer.status == 404
        assert answer.problem == {"message": "There is nothing at this address."}


def test_no_handler_lets_anybody_in(session: Any, jp_configurable_serverapp: Any) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        jp_configurable_serverapp()
    assert [str(one.message) for one in told if issubclass(one.category, JupyterServerAuthWarning)] == []
