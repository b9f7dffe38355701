"""What the engine serves for deployed models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kept_endpoints import MODEL, register

from mlmagic.emulator.endpoints.deployed import DeployedModels, Served, scaling_of, serving_name
from mlmagic.emulator.errors import ApiError
from mlmagic.serving.endpoints import LocalEndpoints
from mlmagic.spec.endpoint import EngineChoice, Scaling
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace

SERVED = Served(name=serving_name("endpoints/1", "7"), model=MODEL, number=1, scaling=Scaling(min_replicas=1))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with a model that no session of TensorFlow takes."""
    opened = open_workspace(Workspace(tmp_path / "engine"))
    register(opened, 1)
    yield opened
    endpoints = LocalEndpoints(opened)
    for record in endpoints.list():
        endpoints.delete(record.spec.name)


def test_a_server_that_does_not_start_leaves_nothing(workspace: Workspace) -> None:
    deployed = DeployedModels(workspace)
    with pytest.raises(
        ApiError, match=r"Model server never became ready: .*ONNX model, which a session of Tensor"
    ) as it:
        deployed.start(SERVED)
    assert it.value.status == "FAILED_PRECONDITION"
    assert LocalEndpoints(workspace).list() == []


def test_what_no_endpoint_knows_of_is_ended(workspace: Workspace) -> None:
    deployed = DeployedModels(workspace, engine=EngineChoice.ONNX)
    deployed.start(SERVED)
    deployed.end_others({SERVED.name})
    assert deployed.ask(SERVED.name, "predict", b'{"instances": [1]}').status == 200
    deployed.end_others(())
    assert LocalEndpoints(workspace).list() == []


def test_ids_of_two_endpoints_may_be_the_same() -> None:
    assert serving_name("endpoints/1", "7") != serving_name("endpoints/2", "7")
    assert serving_name("endpoints/1", "7").endswith("-7")


def test_replicas_are_as_many_as_this_machine_has_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert scaling_of({"min_replica_count": 2}) == Scaling(min_replicas=2, max_replicas=2)
    assert scaling_of({"min_replica_count": 1, "max_replica_count": 9}) == Scaling(min_replicas=1, max_replicas=4)
