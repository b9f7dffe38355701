from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.deployed import end_endpoints
from support.kept_endpoints import register
from support.rest import Ask

from mlmagic.api.deployment import deploy
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.endpoint import EndpointState
from mlmagic.spec.panel_rows import EndpointRow, VersionShare


@pytest.fixture
def adder(session: Session) -> Iterator[Session]:
    """An endpoint of two versions of a model, of which the first answers."""
    register(session.workspace, 1)
    register(session.workspace, 2)
    try:
        deploy("sums@1", endpoint="adder", wait=False, session=session)
        deploy("sums@2", endpoint="adder", traffic=0, session=session)
        yield session
    finally:
        end_endpoints(session)


async def test_there_are_none_at_first(ask: Ask) -> None:
    assert (await ask("endpoints")).json == {"endpoints": []}
    assert (await ask("endpoints/adder")).status == 404


async def test_an_endpoint_from_its_page_to_its_end(ask: Ask, adder: Session) -> None:
    (row,) = [decode(EndpointRow, row) for row in (await ask("endpoints")).json["endpoints"]]
    shares = (VersionShare(number=1, traffic=100), VersionShare(number=2, traffic=0))
    assert (row.name, row.model, row.state, row.shares, row.workers) == ("adder", "sums", "READY", shares, 1)

    shown = (await ask("endpoints/adder")).json
    assert shown["endpoint"]["name"] == shown["page"]["title"] == "adder"
    assert "sums@1" in shown["page"]["html"]
    token = adder.endpoints.address("adder").token
    assert token
    assert token not in str(shown), "the token is shown nowhere"

    answer = await ask("endpoints/adder/predict", "POST", {"instances": [{"x": 1}]})
    assert answer.json == {"predictions": [{"y": 2.0}], "version": "sums@1"}
    answer = await ask("models/sums/versions/2/predict", "POST", {"instances": [{"x": 1}]})
    assert answer.json == {"predictions": [{"y": 3.0}], "version": "sums@2"}

    answer = await ask("endpoints/adder/traffic", "POST", {"shares": {"2": 100}})
    assert answer.status == 200
    assert decode(EndpointRow, answer.json).shares[1] == VersionShare(number=2, traffic=100)
    answer = await ask("endpoints/adder/undeploy", "POST", {"version": 1})
    assert decode(EndpointRow, answer.json).shares == (VersionShare(number=2, traffic=100),)

    answer = await ask("endpoints/adder/stop", "POST")
    assert decode(EndpointRow, answer.json).state in {EndpointState.STOPPING, EndpointState.DOWN}
    answer = await ask("endpoints/adder/start", "POST", {})
    assert answer.status == 200
    answer = await ask("endpoints/adder/predict", "POST", {"instances": [{"x": 1}]})
    assert answer.json["version"] == "sums@2"
    assert (await ask("endpoints/adder", "DELETE")).status == 204
    assert (await ask("endpoints")).json == {"endpoints": []}


async def test_an_endpoint_that_cannot_be_read_is_a_row_that_says_so(ask: Ask, session: Session) -> None:
    register(session.workspace, 1)
    file = session.workspace.endpoint("broken").spec
    file.parent.mkdir(parents=True)
    file.write_text("{")
    (row,) = [decode(EndpointRow, row) for row in (await ask("endpoints")).json["endpoints"]]
    assert (row.name, row.state) == ("broken", EndpointState.FAILED)
    assert row.error is not None
    assert str(file) in row.error
    assert (await ask("endpoints/broken")).problem["hint"] == "Mend the file, or remove the folder and deploy again."


async def test_what_cannot_be_is_refused(ask: Ask, adder: Session) -> None:
    answer = await ask("endpoints/adder/traffic", "POST", {"shares": {"1": 80, "2": 10}})
    assert answer.status == 400
    assert "100" in str(answer.problem)
    answer = await ask("endpoints/adder/traffic", "POST", {"shares": [80, 20]})
    assert answer.problem["problems"] == ["shares is an object of whole numbers, not [80, 20]."]
    answer = await ask("endpoints/adder/undeploy", "POST", {"version": 7})
    assert answer.status in {400, 404}
    answer = await ask("endpoints/adder/start", "POST", {"now": True})
    assert answer.problem["hint"] == "Fields: yes."
    answer = await ask("endpoints/addr/stop", "POST")
    assert (answer.status, answer.problem["hint"]) == (404, "Did you mean adder?")


async def test_a_version_is_deployed_to_an_endpoint_old_or_new(ask: Ask, adder: Session) -> None:
    answer = await ask("endpoints/adder/deploy", "POST", {"model": "sums@2", "traffic": 30})
    shares = (VersionShare(number=1, traffic=70), VersionShare(number=2, traffic=30))
    assert decode(EndpointRow, answer.json).shares == shares
    answer = await ask("endpoints/new/deploy", "POST", {"model": "sums@1"})
    row = decode(EndpointRow, answer.json)
    assert (row.name, row.model, row.shares) == ("new", "sums", (VersionShare(number=1, traffic=100),))


async def test_what_cannot_be_deployed_is_told(ask: Ask, adder: Session) -> None:
    answer = await ask("endpoints/adder/deploy", "POST", {"model": "sums@9"})
    assert answer.status == 404
    assert "9" in answer.problem["message"]
    answer = await ask("endpoints/adder/deploy", "POST", {"model": "sums@2", "traffic": 101})
    assert answer.status == 400
    assert "101" in str(answer.problem)
