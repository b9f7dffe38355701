"""A workspace whose endpoints on the emulator are brought to what they are to be, by whoever is asked to."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.vertex import until

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.endpoints_remote import EndpointNotes, RemoteEndpoint, read_notes
from mlmagic.backends.google.endpoints_sync import ENDPOINT_LABEL, EndpointSync, Progress
from mlmagic.backends.google.names import workspace_label
from mlmagic.backends.google.refusals import UnavailableError
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.backends.google.vertex_models_names import model_id, version_alias
from mlmagic.emulator.launch import Emulator
from mlmagic.spec.endpoint import DeployedVersion, EndpointGoal, EndpointSpec, Scaling
from mlmagic.spec.model import ModelOrigin
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Deployer:
    """A workspace with a model, and who brings its endpoints to what they are to be."""

    def __init__(self, root: Path, emulator: Emulator, saved: Path) -> None:
        self.workspace = open_workspace(Workspace(root / ".mlmagic"))
        self.client = GoogleClient(emulator_settings(emulator.root))
        self.endpoints = EndpointStore(Database(self.workspace))
        self._models = ModelStore(Database(self.workspace))
        self.saved, self._root, self._count = saved, root, 0

    def register(self) -> int:
        """Make a version that is new to the bucket."""
        self._count += 1
        folder = shutil.copytree(self.saved, self._root / f"made-{self._count}")
        (folder / "assets.extra").mkdir()
        (folder / "assets.extra" / "number").write_text(f"{self._count}")
        return self._models.register("houses", folder, origin=ModelOrigin(), now=NOW).number

    def want(self, name: str, traffic: dict[int, int]) -> None:
        """Write down what an endpoint is to be."""
        deployed = tuple(DeployedVersion(number=number, traffic=share) for number, share in traffic.items())
        wanted: dict[str, Any] = {"backend": "emulator", "port": 0, "create_time": NOW, "update_time": NOW}
        if self.workspace.endpoint(name).spec.exists():
            self.endpoints.change(name, lambda spec: _replaced(spec, deployed))
        else:
            self.endpoints.create(EndpointSpec(name=name, model="houses", deployed=deployed, **wanted))

    def aim(self, name: str, goal: EndpointGoal) -> None:
        """Write down what is to become of an endpoint, or that once more."""
        self.endpoints.change(name, lambda spec: dataclasses.replace(spec, goal=goal, update_time=datetime.now(UTC)))

    def scale(self, name: str, most: int) -> None:
        """Write down how many replicas each version is to have at most."""
        self.endpoints.change(name, lambda spec: dataclasses.replace(spec, scaling=Scaling(max_replicas=most)))

    def close(self) -> None:
        """Take everything away that answers."""
        for there in self.client.endpoints.list(""):
            for one in there.deployed:
                self.client.endpoints.undeploy(there.name, one, {})

    def uploaded_as(self, number: int) -> str:
        """What number Vertex AI gave a version."""
        model = model_id(workspace_label(str(self.workspace.root)), "houses")
        name = f"{self.client.settings.parent}/models/{model}@{version_alias(number)}"
        return self.client.models.get(name).number

    def there(self, name: str) -> RemoteEndpoint:
        """What Google says of an endpoint, of which there is one."""
        (there,) = self.client.endpoints.list(f'labels.{ENDPOINT_LABEL}="{name}"')
        return there

    def notes(self, name: str) -> EndpointNotes:
        """What is kept of an endpoint."""
        notes = read_notes(self.workspace.endpoint(name))
        assert notes is not None
        return notes

    def go_on(self, name: str) -> Progress:
        """Do what can be done now, as another process."""
        sync = EndpointSync(self.workspace, lambda _: self.client)
        while (progress := sync.advance(name)) is Progress.MOVED:
            pass
        return progress

    def tried(self, name: str) -> Progress | None:
        """Do what can be done now; None if an answer is missing."""
        with contextlib.suppress(UnavailableError):
            return self.go_on(name)
        return None

    def until_it_rests(self, name: str) -> None:
        until(lambda: self.go_on(name) is Progress.RESTS)


def _replaced(spec: EndpointSpec, deployed: tuple[DeployedVersion, ...]) -> EndpointSpec:
    return dataclasses.replace(spec, deployed=deployed, update_time=datetime.now(UTC))


@contextlib.contextmanager
def deploying(root: Path, emulator: Emulator, saved: Path) -> Iterator[Deployer]:
    """Make one in a process that has imported Google's libraries; at the end nothing answers any more."""
    importlib.import_module("google.cloud.aiplatform_v1")
    importlib.import_module("google.cloud.storage")
    made = Deployer(root, emulator, saved)
    yield made
    made.close()
