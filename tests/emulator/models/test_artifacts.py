"""Artifacts in the engine's workspace."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.kept_endpoints import MODEL, register

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.models.artifacts import Artifacts, folder_of
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.layout import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with two versions of a model."""
    opened = open_workspace(Workspace(tmp_path / "engine"))
    for number in (1, 2):
        register(opened, number)
    return opened


def test_versions_are_forgotten_one_by_one(workspace: Workspace) -> None:
    artifacts = Artifacts(workspace, workspace.root)
    artifacts.forget(MODEL, 1)
    assert not artifacts.path(MODEL, 1).exists()
    assert artifacts.signature(MODEL, 2) is not None
    artifacts.forget(MODEL, 2)
    artifacts.forget_model(MODEL)
    assert not artifacts.path(MODEL, 2).exists()


def test_what_is_being_deployed_stays(workspace: Workspace) -> None:
    now = datetime.now(UTC)
    served = (DeployedVersion(number=1),)
    spec = EndpointSpec(name="e", model=MODEL, deployed=served, port=1, create_time=now, update_time=now)
    EndpointStore(Database(workspace)).create(spec)
    artifacts = Artifacts(workspace, workspace.root)
    for forget in (lambda: artifacts.forget(MODEL, 1), lambda: artifacts.forget_model(MODEL)):
        with pytest.raises(ApiError, match="The model is being deployed: ") as refused:
            forget()
        assert refused.value.status == "FAILED_PRECONDITION"
    assert artifacts.path(MODEL, 1).exists()


@pytest.mark.parametrize("uri", ["s3://b/x", "gs://b/../x", "gs:///x", "gs://../x", "b/x"])
def test_folders_stay_inside_of_their_bucket(uri: str) -> None:
    with pytest.raises(ApiError, match="Invalid Cloud Storage URI") as refused:
        folder_of(Path("buckets"), uri, "uri")
    assert refused.value.code == 400
    assert folder_of(Path("buckets"), "gs://b/x/y/", "uri") == Path("buckets/b/x/y")
