from __future__ import annotations

import pytest
from support.kept_endpoints import register
from support.rest import Ask

from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.model import Model, ModelVersion
from mlmagic.spec.panel_rows import ModelRow, Page


@pytest.fixture
def sums(session: Session) -> Session:
    """A model whose version N returns x + N, in a process that is there in a second."""
    register(session.workspace, 1)
    register(session.workspace, 2)
    return session


async def test_looking_makes_no_workspace(ask: Ask, session: Session) -> None:
    assert (await ask("models")).json == {"models": []}
    answer = await ask("models/sums")
    assert answer.status == 404
    assert answer.problem == {
        "message": f"there is no workspace yet: nothing is in {session.location.root}.",
        "hint": "The first job makes it.",
    }
    assert not session.location.root.exists()


async def test_models_are_listed(ask: Ask, sums: Session) -> None:
    answer = await ask("models")
    assert answer.status == 200
    (row,) = [decode(ModelRow, row) for row in answer.json["models"]]
    latest = sums.models.versions("sums")[-1]
    assert row == ModelRow(name="sums", default=1, latest=2, versions=2, update_time=latest.create_time)


async def test_a_model_and_a_version_have_pages(ask: Ask, sums: Session) -> None:
    found = (await ask("models/sums")).json
    assert decode(Model, found["model"]) == sums.models.get("sums")
    page = decode(Page, found["page"])
    assert page.title == "sums"
    assert "sums@2" in page.html
    assert page.bundle["count"] == 2
    found = (await ask("models/sums/versions/2")).json
    assert str(decode(ModelVersion, found["version"])) == "sums@2"
    assert found["page"]["title"] == "sums@2"
    assert "<script" not in found["page"]["html"]


async def test_the_default_is_moved(ask: Ask, sums: Session) -> None:
    answer = await ask("models/sums/default", "POST", {"version": 2})
    assert (answer.status, answer.json["default"]) == (200, 2)
    assert sums.models.get("sums").aliases["default"] == 2


async def test_a_default_that_cannot_be_is_refused(ask: Ask, sums: Session) -> None:
    answer = await ask("models/sums/default", "POST", {"version": "2", "minImprovment": "1%"})
    assert answer.status == 400
    assert answer.problem == {
        "message": "the body has wrong fields:",
        "problems": [
            'version is a whole number, not "2".',
            "there is no field 'minImprovment'. Did you mean minImprovement?",
        ],
        "hint": "Fields: version, minImprovement, yes.",
    }
    answer = await ask("models/sums/default", "POST", {"version": 3})
    assert answer.status == 404
    assert answer.problem["message"].startswith("model 'sums' has no version 3")
    answer = await ask("models/sums/default", "POST", {"version": 2, "minImprovement": "a lot"})
    assert answer.status == 400
    assert sums.models.get("sums").aliases["default"] == 1


async def test_a_version_is_asked(ask: Ask, sums: Session) -> None:
    answer = await ask("models/sums/versions/2/predict", "POST", {"instances": [{"x": 1.5}, {"x": 2}]})
    assert answer.status == 200
    assert answer.json == {"predictions": [{"y": 3.5}, {"y": 4.0}], "version": "sums@2"}


async def test_instances_that_do_not_fit_are_told_all_at_once(ask: Ask, sums: Session) -> None:
    answer = await ask("models/sums/versions/1/predict", "POST", {"instances": [{"x": "a"}, {"z": 1}]})
    assert answer.status == 422
    assert len(answer.problem["problems"]) >= 2
    answer = await ask("models/sums/versions/1/predict", "POST", {"instances": []})
    assert (answer.status, answer.problem["message"]) == (400, "instances is empty: there is nothing to predict.")
    answer = await ask("models/sums/versions/9/predict", "POST", {"instances": [1]})
    assert answer.status == 404


async def test_versions_and_models_are_deleted(ask: Ask, sums: Session) -> None:
    answer = await ask("models/sums/versions/1", "DELETE")
    assert answer.status == 409
    assert "default" in str(answer.problem)
    answer = await ask("models/sums/versions/2", "DELETE")
    assert (answer.status, answer.json) == (204, b"")
    assert (await ask("models/sums", "DELETE")).status == 204
    assert (await ask("models")).json == {"models": []}
    answer = await ask("models/sums", "DELETE")
    assert answer.status == 404


@pytest.mark.parametrize("name", ["..", "%2e%2e", "a%2Fb", "a%00", "'", "%22", "sums@2", "-", "sums%20"])
async def test_what_is_no_name_is_at_no_address(ask: Ask, sums: Session, name: str) -> None:
    for path in (f"models/{name}", f"models/{name}/versions/1", f"endpoints/{name}", f"datasets/{name}/versions/1"):
        answer = await ask(path)
        assert (answer.status, answer.problem["message"]) == (404, "There is nothing at this address.")


@pytest.mark.parametrize("number", ["0", "-1", "1.0", "latest", "01", "99999999999"])
async def test_what_is_no_number_is_at_no_address(ask: Ask, sums: Session, number: str) -> None:
    assert (await ask(f"models/sums/versions/{number}")).status == 404
