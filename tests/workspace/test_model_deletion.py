from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec
from mlmagic.spec.job import JobKind, JobSpec, JobState, PackageReference
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.names import parse_model_reference
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

Register = Callable[..., ModelVersion]
Deploy = Callable[..., EndpointSpec]


def numbers(models: ModelStore, model: str = "taxi") -> list[int]:
    return [version.number for version in models.versions(model)]


@pytest.fixture
def deploy(database: Database, now: datetime) -> Deploy:
    def make(name: str, *versions: int) -> EndpointSpec:
        share = {number: 100 if number == versions[0] else 0 for number in versions}
        deployed = tuple(DeployedVersion(number=number, traffic=share[number]) for number in versions)
        return EndpointStore(database).create(
            EndpointSpec(name=name, model="taxi", deployed=deployed, port=8501, create_time=now, update_time=now)
        )

    return make


def test_the_number_of_a_deleted_version_is_not_given_again(
    database: Database, models: ModelStore, register: Register
) -> None:
    register()
    second = register()
    models.delete(second)
    assert (numbers(models), register().number) == ([1], 3)
    assert not models.path(second).exists()
    assert not list(models.path(second).parent.glob(".deleted-*"))
    assert ("deleted", {"version": "taxi@2"}) in [(e.kind, e.payload) for e in EventLog(database).after(0)]
    database.rebuild()
    assert numbers(models) == [1, 3]


def test_what_is_gone_is_told(models: ModelStore, register: Register) -> None:
    doomed = [register() for _ in range(4)][1]
    models.delete(doomed)
    with pytest.raises(NotFoundError) as raised:
        models.resolve(parse_model_reference("taxi@2"))
    assert str(raised.value) == "model version taxi@2 was deleted.\nIt has versions 1, 3 and 4."
    with pytest.raises(NotFoundError, match="model version taxi@2 was deleted"):
        models.delete(doomed)


def test_of_many_versions_the_ends_are_told(models: ModelStore, register: Register) -> None:
    made = [register() for _ in range(13)]
    models.delete(made[5])
    with pytest.raises(NotFoundError, match="It has 12 versions, 1 to 13"):
        models.resolve(parse_model_reference("taxi@99"))


def test_a_version_that_an_endpoint_serves_stays(models: ModelStore, register: Register, deploy: Deploy) -> None:
    register()
    second = register()
    deploy("web", 2)
    with pytest.raises(ConflictError) as raised:
        models.delete(second)
    assert str(raised.value) == (
        "taxi@2 cannot be deleted: the endpoint web serves it.\nFirst %endpoints undeploy web taxi@2"
    )
    assert models.deployed("taxi") == {2: ["web"]}


def test_a_version_that_a_job_predicts_with_stays(
    jobs: JobStore, models: ModelStore, register: Register, now: datetime
) -> None:
    register()
    second = register()
    job_spec = JobSpec(
        display_name="taxi",
        kind=JobKind.BATCH_PREDICTION,
        package=PackageReference(digest="d"),
        args=("--model", "taxi@2", "--input", "taxi@x"),
    )
    job = jobs.create(job_spec, package_files={"task.py": b""}, now=now)
    with pytest.raises(ConflictError) as raised:
        models.delete(second)
    assert str(raised.value) == (f"taxi@2 cannot be deleted: {job.id} predicts with it.\nFirst %jobs cancel {job.id}")
    with pytest.raises(ConflictError, match="the model taxi cannot be deleted: of taxi@2"):
        models.delete_model("taxi")
    jobs.advance(job.id, expect={JobState.QUEUED}, to=JobState.CANCELLED, now=now)
    models.delete(second)


def test_what_it_was_converted_to_goes_too(workspace: Workspace, models: ModelStore, register: Register) -> None:
    register()
    second = register()
    for name in ("taxi@2-ab", "taxi@1-cd"):
        (workspace.converted / name).mkdir(parents=True)
    models.delete(second)
    assert [path.name for path in workspace.converted.iterdir()] == ["taxi@1-cd"]


def test_all_reasons_are_told_at_once(models: ModelStore, register: Register, deploy: Deploy) -> None:
    first = register()
    register()
    models.set_alias("taxi", "champion", 1)
    deploy("web", 1, 2)
    with pytest.raises(ConflictError) as raised:
        models.delete(first)
    assert str(raised.value) == (
        "taxi@1 cannot be deleted:\n"
        "  - the endpoint web serves it: %endpoints undeploy web taxi@1\n"
        "  - it is the default version: %models set-default taxi@2\n"
        "  - the alias champion points at it: %models alias taxi@2 champion, "
        "or %models alias taxi@1 champion --remove"
    )


def test_the_only_version_goes_with_its_model(models: ModelStore, register: Register) -> None:
    only = register()
    with pytest.raises(ConflictError) as raised:
        models.delete(only)
    assert str(raised.value) == (
        "taxi@1 cannot be deleted: taxi has no other version.\nTo remove the model: %models delete taxi"
    )


def test_a_model_goes_with_all_versions_and_aliases(
    workspace: Workspace, models: ModelStore, register: Register
) -> None:
    register("bus")
    for _ in range(2):
        register()
    models.set_alias("taxi", "champion", 2)
    assert [str(version) for version in models.delete_model("taxi")] == ["taxi@1", "taxi@2"]
    assert [model.name for model in models.list()] == ["bus"]
    assert not workspace.model("taxi").aliases.exists()
    assert (register().number, models.get("taxi").aliases) == (3, {"default": 3})


def test_a_model_that_an_endpoint_serves_stays(models: ModelStore, register: Register, deploy: Deploy) -> None:
    register()
    deploy("web", 1)
    with pytest.raises(ConflictError) as raised:
        models.delete_model("taxi")
    assert str(raised.value) == (
        "the model taxi cannot be deleted: of taxi@1, the endpoint web serves it.\nFirst %endpoints undeploy web taxi@1"
    )
    assert numbers(models) == [1]


def test_a_kill_while_deleting_leaves_a_whole_version_or_none(
    database: Database, models: ModelStore, register: Register, killed_at_each_step: Callable[..., Iterator[int]]
) -> None:
    register()
    doomed = [register()]
    for _ in killed_at_each_step(lambda: models.delete(doomed[-1])):
        left = models.versions("taxi")
        assert all((models.path(version) / "saved_model.pb").exists() for version in left)
        # It does what was left to be done, and gives no number again.
        doomed.append(register())
        assert doomed[-1].number == len(doomed) + 1
    database.rebuild()
    assert numbers(models)[0] == 1
    assert doomed[-1].number not in numbers(models)


def test_a_model_is_deleted_for_good_after_a_kill(
    models: ModelStore, register: Register, killed_at_each_step: Callable[..., Iterator[int]]
) -> None:
    for _ in range(2):
        register()

    def doomed() -> None:
        if numbers(models):
            models.delete_model("taxi")

    for _ in killed_at_each_step(doomed):
        assert all((models.path(version) / "saved_model.pb").exists() for version in models.versions("taxi"))
        assert not models.versions("taxi") or models.get("taxi").aliases["default"] in numbers(models)
    assert (numbers(models), register().number) == ([], 3)


def test_summaries_tell_of_all_models_at_once(models: ModelStore, register: Register, deploy: Deploy) -> None:
    register("bus")
    for _ in range(3):
        register()
    models.set_default("taxi", 2)
    deploy("web", 3)
    bus, taxi = models.summaries()
    assert (bus.model.name, bus.versions, bus.endpoints, str(bus.default)) == ("bus", 1, (), "bus@1")
    assert (taxi.versions, str(taxi.latest), str(taxi.default), taxi.endpoints) == (3, "taxi@3", "taxi@2", ("web",))


def test_a_page_has_the_newest_and_those_with_an_alias(models: ModelStore, register: Register) -> None:
    for _ in range(5):
        register()
    models.set_alias("taxi", "champion", 3)
    model, count, versions = models.page("taxi", 1)
    assert (model.aliases, count) == ({"default": 1, "champion": 3}, 5)
    assert [version.number for version in versions] == [1, 3, 5]
