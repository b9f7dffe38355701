"""An emulator for the tests of a module, and Google's clients on it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlmagic.emulator.launch import Emulator
from mlmagic.emulator.launch import emulator as run_emulator

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of its own for the module, by whose variables Google's clients find it."""
    with run_emulator(tmp_path_factory.mktemp("emulator")) as started, pytest.MonkeyPatch.context() as patch:
        for name, value in started.environment.items():
            patch.setenv(name, value)
        yield started


@pytest.fixture(scope="module")
def ask(emulator: Emulator) -> Ask:
    """Send a request, as `ask("GET", "/v1/…", document, header=…)`; gives status and document."""
    return lambda verb, path, document=None, **headers: send(emulator, verb, path, document, **headers)


@pytest.fixture
def no_faults(ask: Ask) -> Iterator[None]:
    """Switch off after the test what it has switched on."""
    yield
    ask("DELETE", "/emulator/faults")


def send(emulator: Emulator, verb: str, path: str, document: Any = None, **headers: str) -> tuple[int, Any]:
    """Send a request with the token, unless `authorization` is given."""
    body = document if isinstance(document, bytes | None) else json.dumps(document).encode()
    sent = {"authorization": f"Bearer {emulator.token}", "content-type": "application/json", **headers}
    named = {name.replace("_", "-"): value for name, value in sent.items() if value}
    request = urllib.request.Request(emulator.url + path, body, named, method=verb)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            return answer.status, _read(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _read(error.read())


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
