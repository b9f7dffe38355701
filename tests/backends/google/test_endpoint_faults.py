"""The network fails, or Google refuses, in the calls that deploy, split requests, take away, ask and delete."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import google.auth
import pytest
from backends.google.conftest import Faults
from google.auth.credentials import Credentials
from google.auth.exceptions import RefreshError
from support.deployer import NOW, Deployer, deploying
from support.kept_endpoints import until
from support.tensorflow_models import saved_models

from mlmagic.backends.google import endpoints
from mlmagic.backends.google.client import connection
from mlmagic.backends.google.endpoints import GoogleEndpoints
from mlmagic.backends.google.endpoints_remote import EndpointNotes, write_notes
from mlmagic.backends.google.endpoints_sync import Progress
from mlmagic.backends.google.refusals import UnavailableError
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import MlmagicError
from mlmagic.spec.endpoint import EndpointGoal
from mlmagic.workspace.layout import Workspace

LOST: Mapping[str, Mapping[str, Any]] = {
    "reset": {"drop": "before"},
    "503": {"status": 503, "message": "try later"},
    "500": {"status": 500, "message": "oops"},
}
"""Nothing is known of what became of it, and it may go better."""
BUSY: Mapping[str, Mapping[str, Any]] = {"429": {"status": 429, "message": "used up"}}
REFUSED = {
    400: "Google refuses it: no",
    403: "these credentials may not do that in project emulated-project: no Have an owner of the project grant that: "
    "gcloud projects add-iam-policy-binding emulated-project --member=user:YOU --role=roles/aiplatform.user",
    404: "no",
}
"""With what to tell."""
NO_ANSWER = "no answer from Google: "


@pytest.fixture(scope="module")
def deployer(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Iterator[Deployer]:
    saved = saved_models(tmp_path_factory) / "houses"
    with deploying(tmp_path_factory.mktemp("deployer"), emulator, saved) as made:
        yield made


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_FIRST_PAUSE_SECONDS", 0.001)


@pytest.fixture(scope="module")
def number(deployer: Deployer) -> int:
    """A version that all endpoints share."""
    return deployer.register()


def refusals(deployer: Deployer, name: str, fault: Faults, rpc: str, want: Callable[[], None]) -> list[str]:
    """What is told of each refusal of what is wanted, which is wanted anew each time."""
    told = []
    for status in REFUSED:
        want()
        fault(rpc, status=status, message="no", times=1)
        assert deployer.go_on(name) is Progress.RESTS
        told.append(deployer.notes(name).error or "")
    return told


def silences(deployer: Deployer, name: str, fault: Faults, rpc: str, faults: Mapping[str, Any]) -> list[str]:
    """What is told of each call without an answer."""
    told = []
    for each in faults.values():
        fault(rpc, **each, times=1)
        with pytest.raises(UnavailableError) as raised:
            deployer.go_on(name)
        told.append(raised.value.message)
    return told


def test_a_deployment_without_an_answer_is_asked_for_again(deployer: Deployer, fault: Faults, number: int) -> None:
    deployer.want("lost", {number: 100})
    told = silences(deployer, "lost", fault, "DeployModel", LOST)
    assert [line.startswith(f"cannot deploy the model: {NO_ANSWER}") for line in told] == [True] * len(LOST)
    fault("DeployModel", slow_seconds=3600)
    assert deployer.go_on("lost") is Progress.WAITS
    assert len(deployer.client.endpoints.under_way(deployer.there("lost").name)) == 1


def test_a_deployment_that_is_refused_ends_with_the_reason(deployer: Deployer, fault: Faults, number: int) -> None:
    told = refusals(deployer, "no", fault, "DeployModel", lambda: deployer.want("no", {number: 100}))
    assert told == [f"cannot deploy the model: {text}" for text in REFUSED.values()]
    fault("DeployModel", status=429, message="used up")
    deployer.want("no", {number: 100})
    deployer.go_on("no")
    assert (deployer.notes("no").error or "").startswith("cannot deploy the model: a quota of project emulated-project")
    assert (deployer.there("no").deployed, deployer.notes("no").operation) == ({}, None)


def test_a_deletion_is_brought_to_its_end(deployer: Deployer, fault: Faults, number: int) -> None:
    fault("DeployModel", status=400)
    deployer.want("gone", {number: 100})
    deployer.go_on("gone")
    told = refusals(deployer, "gone", fault, "DeleteEndpoint", lambda: deployer.aim("gone", EndpointGoal.DELETE))
    assert told == [f"cannot delete the endpoint: {text}" for text in REFUSED.values()]
    deployer.aim("gone", EndpointGoal.DELETE)
    told = silences(deployer, "gone", fault, "DeleteEndpoint", {**LOST, **BUSY, "after": {"drop": "after"}})
    assert all(line.startswith("cannot delete the endpoint: ") for line in told)
    assert deployer.go_on("gone") is Progress.RESTS
    assert not deployer.workspace.endpoint("gone").spec.exists()


def test_one_silence_is_waited_for_once(
    tmp_path: Path, deployer: Deployer, emulator: Emulator, fault: Faults, requests_sent: list[str]
) -> None:
    own = Deployer(tmp_path, emulator, deployer.saved)
    number, settings = own.register(), own.client.settings
    for name in ("a", "b", "c"):
        own.want(name, {number: 100})
        place = f"{settings.parent}/endpoints/{name}"
        kept = EndpointNotes(project=settings.project, region=settings.region, update_time=NOW, name=place)
        write_notes(own.workspace.endpoint(name), replace(kept, served=own.endpoints.get(name)))
    fault("GetEndpoint", drop="before")
    backend = GoogleEndpoints(own.workspace, name="emulator", config={"emulator_root": str(emulator.root)})
    told = {record.status.note for _ in range(2) for record in backend.list()}
    assert told == {"Not up to date: cannot look at the endpoint: no answer from Google: the connection was cut off."}
    assert requests_sent.count("GetEndpoint") == connection._ATTEMPTS
    backend.close()


class Login(Credentials):
    """What `gcloud auth application-default login` leaves, which expires or not."""

    def __init__(self, *, token: str | None) -> None:
        super().__init__()
        self._given = token

    def refresh(self, _request: object) -> None:
        if self._given is None:
            raise RefreshError("expired")
        self.token = self._given


def test_a_login_counts_without_a_new_kernel(
    tmp_path: Path, deployer: Deployer, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Deployer(tmp_path, emulator, deployer.saved)
    settings = own.client.settings
    own.want("a", {own.register(): 100})
    place = f"{settings.parent}/endpoints/a"
    kept = EndpointNotes(project=settings.project, region=settings.region, update_time=NOW, name=place)
    write_notes(own.workspace.endpoint("a"), replace(kept, served=own.endpoints.get("a")))
    backend = GoogleEndpoints(own.workspace, name="emulator", config={"emulator_root": str(emulator.root)})
    monkeypatch.setattr(backend, "_settings", lambda: replace(settings, token=None))
    monkeypatch.setattr(endpoints, "_LOGIN_SECONDS", 0.1)
    login = [Login(token=None)]
    monkeypatch.setattr(google.auth, "default", lambda **_: (login[-1], None))
    (record,) = backend.list()
    assert (record.status.note or "").endswith("Google does not take the credentials any more: expired.")
    login.append(Login(token=settings.token))
    until(lambda: "credentials" not in (backend.list()[0].status.note or ""))
    backend.close()


def test_a_client_is_kept_for_where_google_is_now(tmp_path: Path, emulator: Emulator, workspace: Workspace) -> None:
    address = json.loads((emulator.root / "address.json").read_bytes())
    backend = GoogleEndpoints(workspace, name="emulator", config={"emulator_root": str(tmp_path)})
    elsewhere = EndpointNotes(project="p", region="europe-west4", update_time=NOW)
    for url in ("http://localhost:1", "http://localhost:2"):
        (tmp_path / "address.json").write_text(json.dumps({**address, "url": url}))
        made = [backend._connect(notes) for notes in (None, elsewhere, None, elsewhere)]
        assert made[:2] == made[2:] == backend._clients
        assert {client.settings.endpoint for client in made} == {url}


@pytest.fixture(scope="module")
def two(deployer: Deployer, number: int) -> tuple[int, int]:
    """The versions of an endpoint that answers."""
    both = number, deployer.register()
    deployer.want("two", dict(zip(both, (60, 40), strict=True)))
    deployer.until_it_rests("two")
    return both


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_split_is_made_or_what_was_before_stays(deployer: Deployer, fault: Faults, two: tuple[int, int]) -> None:
    def want(share: int) -> None:
        deployer.want("two", dict(zip(two, (100 - share, share), strict=True)))

    told = refusals(deployer, "two", fault, "UpdateEndpoint", lambda: want(1))
    assert told == [f"cannot split the requests: {text}" for text in REFUSED.values()]
    assert deployer.there("two").traffic == {str(two[0]): 60, str(two[1]): 40}
    for share, each in enumerate([*LOST.values(), *BUSY.values(), {"drop": "after"}], start=10):
        want(share)
        fault("UpdateEndpoint", **each)
        with pytest.raises(UnavailableError, match="cannot split the requests: "):
            deployer.go_on("two")
        fault.clear()
        assert deployer.go_on("two") is Progress.RESTS
        assert deployer.there("two").traffic == {str(two[0]): 100 - share, str(two[1]): share}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_request_is_answered_or_told_of(
    deployer: Deployer, emulator: Emulator, fault: Faults, two: tuple[int, int]
) -> None:
    backend = GoogleEndpoints(deployer.workspace, name="emulator", config={"emulator_root": str(emulator.root)})
    body = b'{"instances": [{"age": 1.0, "rooms": 2, "city": "rome"}]}'
    for each in (*LOST.values(), *BUSY.values(), {"drop": "after"}):
        fault("*Predict", **each, times=1)
        assert backend.predict("two", body)["deployedModelId"] in map(str, two)
        fault("*Predict", **each)
        with pytest.raises(UnavailableError, match="cannot ask the endpoint: "):
            backend.predict("two", body)
        fault.clear()
    for status, text in REFUSED.items():
        fault("*Predict", status=status, message="no", times=2)
        with pytest.raises(MlmagicError) as raised:
            backend.predict("two", body)
        assert raised.value.message.removeprefix("cannot ask the endpoint: ") in text
        fault.clear()
    backend.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_version_is_taken_away_once_or_stays(deployer: Deployer, fault: Faults, two: tuple[int, int]) -> None:
    told = refusals(deployer, "two", fault, "UndeployModel", lambda: deployer.want("two", {two[0]: 100}))
    assert told == [f"cannot undeploy the model: {text}" for text in REFUSED.values()]
    assert deployer.there("two").deployed.keys() == set(map(str, two))
    deployer.want("two", {two[0]: 100})
    told = silences(deployer, "two", fault, "UndeployModel", {**LOST, **BUSY, "after": {"drop": "after"}})
    assert all(line.startswith("cannot undeploy the model: ") for line in told)
    deployer.until_it_rests("two")
    assert deployer.there("two").traffic == {str(two[0]): 100}
    assert deployer.there("two").deployed.keys() == {str(two[0])}
