from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from requests import Session
from support import google_requests

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.emulator.launch import Emulator
from mlmagic.emulator.launch import emulator as run_emulator
from mlmagic.testing.backends import wait_for
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of its own for the module; the backend finds it by its folder, not by variables."""
    with run_emulator(tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(Workspace(tmp_path / ".mlmagic"))


@pytest.fixture
def make_backend(emulator: Emulator, workspace: Workspace) -> Iterator[Callable[..., GoogleBackend]]:
    """Makes backends on the emulator; at the end no job of the workspace goes on, and no thread watches."""
    made: list[GoogleBackend] = []

    def make(**options: Any) -> GoogleBackend:
        made.append(GoogleBackend(workspace, name="emulator", config={"emulator_root": str(emulator.root)}, **options))
        return made[-1]

    yield make
    for summary in made[0].list(trials=True) if made else []:
        if not summary.state.is_final:
            made[0].cancel(summary.id)
            wait_for(made[0], summary.id)
    for backend in made:
        backend.close()


class Faults:
    """Switches on faults of the emulator, and off."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def __call__(self, rpc: str, **told: Any) -> None:
        self._send("POST", {"rpc": rpc, **told})

    def clear(self) -> None:
        self._send("DELETE", None)

    def _send(self, verb: str, document: Any) -> None:
        headers = {"authorization": f"Bearer {self._emulator.token}"}
        url = f"{self._emulator.url}/emulator/faults"
        httpx.request(verb, url, json=document, headers=headers, timeout=60).raise_for_status()


@pytest.fixture
def fault(emulator: Emulator) -> Iterator[Faults]:
    """Switches on a fault, for the length of the test."""
    faults = Faults(emulator)
    yield faults
    faults.clear()


@pytest.fixture(autouse=True)
def requests_sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Checks all requests of the test against the definitions of Google's libraries; gives the RPCs so far."""
    sent: list[str] = []
    faults: list[str] = []
    send = Session.send

    def checked(self: Session, request: Any, **options: Any) -> Any:
        if (rpc := google_requests.rpc_of(request.method, request.url)) is not None:
            sent.append(rpc)
            faults.extend(google_requests.faults_in(request.method, request.url, request.body))
        return send(self, request, **options)

    monkeypatch.setattr(Session, "send", checked)
    yield sent
    assert not faults


@pytest.fixture
def backend(make_backend: Callable[..., GoogleBackend]) -> GoogleBackend:
    return make_backend()
