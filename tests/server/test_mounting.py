"""What the extension puts into a server, and that a server starts whatever is missing."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from support.rest import Ask

from mlmagic.server.extension import _load_jupyter_server_extension
from mlmagic.session import Session

HEAVY = {
    "IPython",
    "apache_beam",
    "google",
    "keras",
    "numpy",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "scipy",
    "tensorboard",
    "tensorflow",
    "uvicorn",
}

IMPORTS = """
import sys
import jupyter_server.serverapp
before = set(sys.modules)
from mlmagic.server.routing import load
assert load().missing == (), load().missing
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_starting_a_server_imports_nothing_that_is_slow() -> None:
    told = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    assert HEAVY & set(told.stdout.split()) == set()


@pytest.fixture
def without_models(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the API that cannot be imported."""
    monkeypatch.setitem(sys.modules, "mlmagic.server.models", None)


async def test_a_part_that_cannot_be_imported_is_left_out(
    without_models: None, ask: Ask, jp_serverapp: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await ask("datasets")).status == 200
    answer = await ask("models")
    assert (answer.status, answer.problem["message"]) == (404, "There is nothing at this address.")
    (line,) = [line for line in loading(jp_serverapp, caplog) if "cannot be used" in line]
    assert line.startswith("mlmagic | models cannot be used: import of mlmagic.server.models halted")


@pytest.fixture
def without_handlers(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the API can be imported."""
    monkeypatch.delitem(sys.modules, "mlmagic.server.routing", raising=False)
    monkeypatch.setitem(sys.modules, "mlmagic.server.handler", None)


async def test_a_server_without_panels_still_starts(
    without_handlers: None, jp_fetch: Any, jp_serverapp: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await jp_fetch("api", "status")).code == 200
    (line,) = [line for line in loading(jp_serverapp, caplog) if "mlmagic | there are no panels" in line]
    assert "mlmagic.server.handler" in line


def loading(server: Any, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What is logged when the extension is loaded once more, now that the log can be read."""
    caplog.clear()
    _load_jupyter_server_extension(server)
    return caplog.messages
