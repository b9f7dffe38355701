"""Whoever deploys, splits requests or takes a version away may be killed at any point: the next one goes on.

The children are forked from this process, which has imported Google's libraries already and has no second thread.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from backends.google.conftest import Faults
from requests import Session
from support.deployer import Deployer, deploying
from support.doomed import Step, in_a_child
from support.tensorflow_models import saved_models
from support.vertex import until

from mlmagic.backends.google.client import connection
from mlmagic.backends.google.endpoints_sync import Progress
from mlmagic.emulator.launch import Emulator
from mlmagic.spec.endpoint import EndpointGoal

WHENS = ("before", "after")
CREATE, MADE, UPLOAD = "the create call", "the note of the endpoint", "the upload call"
DEPLOY, BEGUN = "the deploy call", "the note of the deployment"
SPLIT, SCALE, UNDEPLOY = "the split call", "the scale call", "the undeploy call"
AWAY, RESTED = "the note of what is taken away", "the note that all is done"

CALLS = (
    *("ListEndpoints", "CreateEndpoint", "GetEndpoint", "ListOperations", "GetOperation", "GetModel", "UploadModel"),
    *("storage.objects.list", "storage.objects.insert", "DeployModel"),
)


def _request(_: Session, request: Any, *__: Any) -> str | None:
    verb, path = request.method, request.url.partition("?")[0]
    ends = {"/endpoints": CREATE, "/models:upload": UPLOAD, ":deployModel": DEPLOY, ":undeployModel": UNDEPLOY}
    ends |= {":mutateDeployedModel": SCALE}
    if verb == "PATCH":
        return SPLIT
    return next((name for end, name in ends.items() if verb == "POST" and path.endswith(end)), None)


def _file(path: Path, target: Path) -> str | None:
    if Path(target).name != "remote.json":
        return None
    notes = json.loads(path.read_bytes())
    if notes.get("doing") is None and (notes.get("served") or {}).get("generation") == _wanted(Path(target)):
        return RESTED
    words = {"makes": MADE, "deploys": BEGUN, "takes": AWAY}
    return words.get((notes.get("doing") or "").partition(" ")[0])


def _wanted(notes: Path) -> int:
    """The generation of the endpoint whose notes these are."""
    return int(json.loads(notes.with_name("endpoint.json").read_bytes())["generation"])


STEPS = (Step(Session, "send", _request), Step(Path, "replace", _file))


@pytest.fixture(scope="module")
def deployer(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Iterator[Deployer]:
    saved = saved_models(tmp_path_factory) / "houses"
    with deploying(tmp_path_factory.mktemp("deployer"), emulator, saved) as made:
        yield made


@pytest.mark.parametrize(
    "point", [f"{when} {step}" for step in (CREATE, MADE, UPLOAD, DEPLOY, BEGUN) for when in WHENS]
)
def test_whoever_is_killed_while_it_deploys(deployer: Deployer, fault: Faults, point: str) -> None:
    fault("DeployModel", slow_seconds=3600)  # this is about what is asked for, not about what comes of it
    name = point.replace(" ", "-")
    number = deployer.register()
    deployer.want(name, {number: 100})
    assert in_a_child(lambda: deployer.go_on(name), point, STEPS) == -signal.SIGKILL
    assert deployer.go_on(name) is Progress.WAITS
    check_begun(deployer, name, number)


@pytest.mark.parametrize("rpc", CALLS)
def test_a_call_whose_answer_is_lost_is_made_once(
    deployer: Deployer, fault: Faults, emulator: Emulator, rpc: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_FIRST_PAUSE_SECONDS", 0.001)
    slow = {"slow_seconds": 3600}
    if rpc != "DeployModel":
        fault("DeployModel", **slow)
    fault(rpc, drop="after", times=1, **(slow if rpc == "DeployModel" else {}))
    before = len(requests_of(emulator, rpc))
    number = deployer.register()
    name = f"without-{rpc}".lower().replace(".", "-")
    deployer.want(name, {number: 100})
    until(lambda: deployer.tried(name) is Progress.WAITS)
    assert len(requests_of(emulator, rpc)) > before
    check_begun(deployer, name, number)


def requests_of(emulator: Emulator, rpc: str) -> list[dict[str, Any]]:
    """What the emulator was asked for with it."""
    headers = {"authorization": f"Bearer {emulator.token}"}
    answer = httpx.get(f"{emulator.url}/emulator/requests", params={"rpc": rpc}, headers=headers, timeout=60)
    return [call["request"] for call in answer.raise_for_status().json()["requests"]]


def deployed_by_us(emulator: Emulator, endpoint: str) -> list[str]:
    """The ids of all models that were ever to be deployed behind an endpoint, in order."""
    return [
        call["deployed_model"]["id"] for call in requests_of(emulator, "DeployModel") if call["endpoint"] == endpoint
    ]


def check_begun(deployer: Deployer, name: str, number: int) -> None:
    """See that there is one endpoint, in which one deployment is under way, and that its notes know of both."""
    there, notes = deployer.there(name), deployer.notes(name)
    (operation,) = deployer.client.endpoints.under_way(there.name)
    assert (notes.name, notes.operation, notes.error) == (there.name, operation.name, None)
    assert deployer.uploaded_as(number) == str(number)  # each was uploaded once


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whoever_is_killed_while_it_splits_or_takes_away(deployer: Deployer, fault: Faults, emulator: Emulator) -> None:
    first, second = deployer.register(), deployer.register()
    deployer.want("two", {first: 100, second: 0})
    deployer.until_it_rests("two")
    there = deployer.there("two")
    for step, traffic in ((SPLIT, {first: 80, second: 20}), (UNDEPLOY, {second: 100})):
        deployer.want("two", traffic)
        for point in (f"{when} {name}" for name in (step, RESTED) for when in WHENS):
            assert in_a_child(lambda: deployer.until_it_rests("two"), point, STEPS) == -signal.SIGKILL
            # What is to answer is there, whenever that was.
            assert set(map(str, traffic)) <= deployer.there("two").deployed.keys()
        assert deployer.go_on("two") is Progress.RESTS
        now = deployer.there("two")
        assert now.traffic == {str(number): share for number, share in traffic.items()}
        assert now.deployed.keys() == now.traffic.keys()
    assert deployed_by_us(emulator, now.name) == [str(first), str(second)]
    fault("MutateDeployedModel", slow_seconds=3600)
    deployer.scale("two", 3)
    for when in WHENS:
        assert in_a_child(lambda: deployer.go_on("two"), f"{when} {SCALE}", STEPS) == -signal.SIGKILL
    deployer.scale("two", 4)
    assert deployer.go_on("two") is Progress.WAITS
    kinds = [operation.kind for operation in deployer.client.endpoints.under_way(there.name)]
    assert kinds.count("MutateDeployedModelOperationMetadata") == 1  # Vertex AI would refuse a second one


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whoever_is_killed_while_it_stops_an_endpoint(deployer: Deployer, emulator: Emulator) -> None:
    number = deployer.register()
    deployer.want("ended", {number: 100})
    deployer.until_it_rests("ended")
    deployer.aim("ended", EndpointGoal.STOP)
    for point in (f"before {UNDEPLOY}", f"after {AWAY}", f"before {RESTED}", f"after {RESTED}"):
        assert in_a_child(lambda: deployer.until_it_rests("ended"), point, STEPS) == -signal.SIGKILL
    assert deployer.go_on("ended") is Progress.RESTS
    there, served = deployer.there("ended"), deployer.notes("ended").served
    assert (there.deployed, served and served.goal) == ({}, EndpointGoal.STOP)
    assert deployed_by_us(emulator, there.name) == [str(number)]
    assert [call["endpoint"] for call in requests_of(emulator, "UndeployModel")].count(there.name) == 1
