"""A workspace whose endpoints are on an emulator of its own; version N of the model `sums` returns x + N."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from support.deployed import end_endpoints
from support.kept_endpoints import register
from support.tutorials import end_emulator

from mlmagic.emulator.launch import read_address
from mlmagic.session import Session

_SCRIPT = """
import sys
import tensorflow as tf

for number in (1, 2):
    module = tf.Module()
    module.answer = tf.function(
        lambda x: {"y": x + number}, input_signature=[tf.TensorSpec([None], tf.float32, name="x")]
    )
    tf.saved_model.save(module, f"{sys.argv[1]}/{number}", signatures=module.answer)
"""


def save_sums(folder: Path) -> None:
    """Write both versions as SavedModels, by their numbers."""
    subprocess.run([sys.executable, "-c", _SCRIPT, str(folder)], check=True, capture_output=True)


@contextmanager
def cloud_session(root: Path) -> Iterator[Session]:
    """A session that works on the emulator, with two versions of a model; both end with it."""
    saved = root / "saved"
    save_sums(saved)
    session = Session(environ={"MLMAGIC_HOME": str(root / ".mlmagic")}, start=root)
    for number in (1, 2):
        register(session.workspace, number, saved=saved)
    session.use("emulator")
    try:
        yield session
    finally:
        end_endpoints(session)
        session.close()
        end_emulator(root / ".mlmagic")


class Cloud:
    """The emulator of a session, as somebody else sees it."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def ask(self, verb: str, path: str, document: Any = None) -> Any:
        """What the emulator answers to a request."""
        address = read_address(self.session.workspace.emulator)
        assert address is not None
        headers = {"authorization": f"Bearer {address.token}"}
        answer = httpx.request(verb, f"{address.url}{path}", json=document, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @property
    def parent(self) -> str:
        """The path of what is in its project and region."""
        address = read_address(self.session.workspace.emulator)
        assert address is not None
        return f"/v1/projects/{address.project}/locations/{address.region}"

    def endpoints(self, name: str) -> list[Any]:
        """The endpoints of that name."""
        found = self.ask("GET", f"{self.parent}/endpoints").get("endpoints", [])
        return [one for one in found if one["displayName"] == name]

    def models(self) -> list[Any]:
        """All models."""
        return list(self.ask("GET", f"{self.parent}/models").get("models", []))

    def fault(self, rpc: str, **told: Any) -> None:
        """Switch on a fault."""
        self.ask("POST", "/emulator/faults", {"rpc": rpc, **told})

    def clear(self) -> None:
        """Switch all faults off."""
        self.ask("DELETE", "/emulator/faults")
