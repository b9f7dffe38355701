"""What endpoints are to serve is written whole, each change a generation, and never a version that is not there."""

from __future__ import annotations

import dataclasses
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from mlmagic.errors import ConflictError, NotFoundError, UsageError, WorkspaceError
from mlmagic.spec import codec
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec, EndpointState, EndpointStatus, Shadow
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.layout import Workspace

Make = Callable[..., EndpointSpec]


@pytest.fixture
def endpoints(database: Database) -> EndpointStore:
    return EndpointStore(database)


@pytest.fixture
def make(now: datetime) -> Make:
    """Return the spec of an endpoint."""

    def spec(name: str = "rides", numbers: tuple[int, ...] = (1,), **fields: object) -> EndpointSpec:
        deployed = tuple(DeployedVersion(number=n, traffic=0 if n > 1 else 100) for n in numbers)
        known = {"model": "taxi", "deployed": deployed, "port": 8501, "create_time": now, "update_time": now}
        return EndpointSpec(name=name, **{**known, **fields})

    return spec


@pytest.fixture
def taxi(register: Callable[..., ModelVersion]) -> None:
    """Two versions of a model."""
    for _ in range(2):
        register("taxi")


def with_versions(*numbers: int) -> Callable[[EndpointSpec], EndpointSpec]:
    deployed = tuple(DeployedVersion(number=n, traffic=100 // len(numbers)) for n in numbers)
    return lambda spec: dataclasses.replace(spec, deployed=deployed)


def test_a_spec_reads_back(workspace: Workspace, endpoints: EndpointStore, make: Make, taxi: None) -> None:
    spec = endpoints.create(make())
    assert endpoints.get("rides") == spec == make()
    assert endpoints.list() == [spec]
    folder = workspace.endpoint("rides")
    assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.spec.stat().st_mode) == 0o600


def test_a_name_is_given_once(endpoints: EndpointStore, make: Make, taxi: None) -> None:
    endpoints.create(make())
    with pytest.raises(ConflictError, match=r"^there is an endpoint 'rides' already\.$"):
        endpoints.create(make(port=8502))
    assert endpoints.get("rides").port == 8501


def test_each_change_is_a_generation(endpoints: EndpointStore, make: Make, taxi: None, now: datetime) -> None:
    endpoints.create(make())
    changed = endpoints.change("rides", with_versions(1, 2))
    assert endpoints.get("rides") == changed
    assert changed.generation == 2
    assert changed.create_time == now < changed.update_time


def test_what_changes_nothing_is_no_change(
    database: Database, endpoints: EndpointStore, make: Make, taxi: None
) -> None:
    endpoints.create(make())
    told = EventLog(database).after(0)
    assert endpoints.change("rides", lambda spec: dataclasses.replace(spec, model="taxi")).generation == 1
    assert EventLog(database).after(0) == told


def test_nothing_is_written_of_an_edit_that_fails(endpoints: EndpointStore, make: Make, taxi: None) -> None:
    endpoints.create(make())
    with pytest.raises(NotFoundError, match=r"^model 'taxi' has no version 7\.$"):
        endpoints.change("rides", with_versions(1, 7))
    assert endpoints.get("rides") == make()


def test_a_version_that_is_not_there_is_not_deployed(
    workspace: Workspace, endpoints: EndpointStore, make: Make, taxi: None
) -> None:
    with pytest.raises(NotFoundError, match=r"^model 'taxi' has no version 3\.$"):
        endpoints.create(make(numbers=(1, 3)))
    assert endpoints.list() == []
    assert not workspace.endpoint("rides").root.exists()


def test_events_tell_what_happened(database: Database, endpoints: EndpointStore, make: Make, taxi: None) -> None:
    endpoints.create(make())
    endpoints.change("rides", with_versions(1, 2))
    endpoints.delete("rides")
    told = [event for event in EventLog(database).after(0) if event.subject == "endpoint:rides"]
    assert [(event.kind, event.payload) for event in told] == [
        ("created", {"generation": 1, "model": "taxi", "traffic": {"1": 100}}),
        ("changed", {"generation": 2, "model": "taxi", "traffic": {"1": 50, "2": 50}}),
        ("deleted", {}),
    ]


def test_a_deleted_endpoint_is_gone(workspace: Workspace, endpoints: EndpointStore, make: Make, taxi: None) -> None:
    endpoints.create(make())
    endpoints.delete("rides")
    assert endpoints.list() == []
    assert not workspace.endpoint("rides").root.exists()
    with pytest.raises(NotFoundError):
        endpoints.delete("rides")


def test_nothing_of_a_deleted_endpoint_is_the_next_ones(
    workspace: Workspace, endpoints: EndpointStore, make: Make, taxi: None
) -> None:
    folder = workspace.endpoint("rides")
    folder.requests.mkdir(parents=True)
    for path in (folder.requests / "1.parquet", folder.asked, folder.remote, folder.status):
        path.touch()
    endpoints.create(make())
    assert [path.name for path in folder.root.iterdir()] == ["endpoint.json"]


def test_unknown_names_offer_the_nearest(endpoints: EndpointStore, make: Make, taxi: None) -> None:
    for name in ("rides", "fares"):
        endpoints.create(make(name))
    with pytest.raises(NotFoundError, match=r"^there is no endpoint 'ride'\.\nDid you mean rides\?$"):
        endpoints.get("ride")
    with pytest.raises(NotFoundError, match=r"^there is no endpoint 'x'\.\nEndpoints: fares, rides\.$"):
        endpoints.change("x", lambda spec: spec)


def test_without_endpoints_it_says_how_to_make_one(endpoints: EndpointStore) -> None:
    assert endpoints.list() == []
    with pytest.raises(NotFoundError, match=r"^there is no endpoint 'x'\.\nThere are none yet: %deploy MODEL makes"):
        endpoints.get("x")


def test_a_name_cannot_lead_elsewhere(endpoints: EndpointStore, make: Make, taxi: None) -> None:
    with pytest.raises(UsageError, match="endpoint name"):
        endpoints.create(make("../taxi"))


def test_which_versions_are_deployed_where(endpoints: EndpointStore, make: Make, taxi: None) -> None:
    endpoints.create(make("fares", numbers=(1, 2)))
    endpoints.create(make("rides"))
    assert endpoints.deployed("taxi") == {1: ["fares", "rides"], 2: ["fares"]}
    assert endpoints.deployed("bus") == {}
    endpoints.change(
        "rides", lambda spec: dataclasses.replace(spec, shadow=Shadow(version=2, create_time=spec.create_time))
    )
    assert endpoints.deployed("taxi")[2] == ["fares", "rides"]


def test_a_spec_that_cannot_be_read_is_told_with_its_file(
    workspace: Workspace, endpoints: EndpointStore, make: Make, taxi: None
) -> None:
    endpoints.create(make())
    file = workspace.endpoint("rides").spec
    file.write_text("{")
    with pytest.raises(WorkspaceError, match=f"the endpoint 'rides' cannot be read from {file}: ") as caught:
        endpoints.get("rides")
    assert caught.value.hint == "Mend the file, or remove the folder and deploy again."
    # Nothing that may be deployed is taken for free.
    with pytest.raises(WorkspaceError):
        endpoints.deployed("taxi")
    endpoints.create(make("fares"))
    assert [spec.name for spec in endpoints.readable()] == ["fares"]
    assert list(endpoints.unreadable()) == ["rides"]


def test_what_lies_about_is_no_endpoint(workspace: Workspace, endpoints: EndpointStore, make: Make, taxi: None) -> None:
    endpoints.create(make())
    (workspace.endpoints / "x").mkdir()
    (workspace.endpoints / ".DS_Store").touch()
    assert [spec.name for spec in endpoints.list()] == ["rides"]
    with pytest.raises(NotFoundError, match=r"\nEndpoints: rides\.$"):
        endpoints.get("x")


def test_status_is_what_the_supervisor_wrote(
    workspace: Workspace, endpoints: EndpointStore, make: Make, taxi: None, now: datetime
) -> None:
    endpoints.create(make())
    assert endpoints.status("rides") is None
    status = EndpointStatus(state=EndpointState.READY, generation=1, start_time=now, update_time=now)
    workspace.endpoint("rides").status.write_text(codec.dumps(status))
    assert endpoints.status("rides") == status
    workspace.endpoint("rides").status.write_text("{")
    assert endpoints.status("rides") is None


def test_a_kill_at_any_point_leaves_no_endpoint_or_a_whole_one(
    endpoints: EndpointStore, make: Make, taxi: None, killed_at_each_step: Callable[..., Iterator[int]]
) -> None:
    for _ in killed_at_each_step(lambda: endpoints.create(make())):
        if endpoints.list():
            assert endpoints.list() == [make()]
            endpoints.delete("rides")
    assert endpoints.list() == [make()]


def test_a_kill_while_deleting_leaves_a_whole_endpoint_or_none(
    endpoints: EndpointStore, make: Make, taxi: None, killed_at_each_step: Callable[..., Iterator[int]]
) -> None:
    endpoints.create(make())
    for _ in killed_at_each_step(lambda: endpoints.delete("rides")):
        if not endpoints.list():
            # Its name is free, and nothing is told of the one before.
            assert endpoints.create(make()) == make()
            assert endpoints.status("rides") is None
        assert endpoints.list() == [make()]
    assert endpoints.list() == []


def test_two_processes_lose_no_change(
    workspace: Workspace, endpoints: EndpointStore, make: Make, taxi: None, race: Callable[..., list[str]]
) -> None:
    endpoints.create(make())
    setup = """
import dataclasses; from pathlib import Path; from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore; from mlmagic.workspace.layout import Workspace
store = EndpointStore(Database(Workspace(Path(sys.argv[1]))))
"""
    contended = """
for _ in range(20):
    store.change("rides", lambda spec: dataclasses.replace(spec, port=spec.port + 1))
"""
    race(setup, contended, str(workspace.root))
    assert (endpoints.get("rides").port, endpoints.get("rides").generation) == (8541, 41)


def test_one_of_two_processes_makes_it(
    workspace: Workspace, endpoints: EndpointStore, make: Make, taxi: None, race: Callable[..., list[str]]
) -> None:
    spec = workspace.root / "given.json"
    spec.write_text(codec.dumps(make()))
    setup = """
from pathlib import Path; from mlmagic.errors import ConflictError; from mlmagic.spec import codec
from mlmagic.spec.endpoint import EndpointSpec; from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore; from mlmagic.workspace.layout import Workspace
root = Path(sys.argv[1]); store = EndpointStore(Database(Workspace(root)))
spec = codec.loads(EndpointSpec, (root / "given.json").read_text())
"""
    contended = """
try:
    print(store.create(spec).name)
except ConflictError:
    print("there")
"""
    assert sorted(word for output in race(setup, contended, str(workspace.root)) for word in output.split()) == [
        "rides",
        "there",
    ]


def test_a_workspace_that_is_gone_has_no_endpoints(workspace: Workspace, endpoints: EndpointStore) -> None:
    shutil.rmtree(workspace.root)
    assert endpoints.deployed("taxi") == {}
