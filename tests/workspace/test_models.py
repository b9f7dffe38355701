from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mlmagic.errors import NotFoundError, UsageError, WorkspaceError
from mlmagic.spec import codec
from mlmagic.spec.model import Model, ModelOrigin, ModelVersion, Signature, TensorSpec
from mlmagic.spec.names import parse_model_reference
from mlmagic.workspace.database import Database
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.models import ModelStore

Register = Callable[..., ModelVersion]
Artifact = Callable[..., Path]
SIGNATURE = Signature(inputs=(TensorSpec(name="distance", dtype="float32", shape=(None, 1)),))


def resolve(models: ModelStore, text: str) -> int:
    return models.resolve(parse_model_reference(text)).number


def numbers(models: ModelStore, model: str = "taxi") -> list[int]:
    return [version.number for version in models.versions(model)]


def test_the_first_version_reads_back_and_is_the_default(
    workspace: Workspace, models: ModelStore, artifact: Artifact, now: datetime
) -> None:
    origin = ModelOrigin(package_digest="d1", framework_version="2.21.0")
    version = models.register("taxi", artifact(), origin=origin, signature=SIGNATURE, now=now)
    assert (str(version), version.create_time, version.signature) == ("taxi@1", now, SIGNATURE)
    assert version.size_bytes == len(b"graph" + b"weights")
    assert models.versions("taxi") == [version]
    assert models.get("taxi") == Model(name="taxi", aliases={"default": 1}, create_time=now)
    assert codec.loads(Model, workspace.model("taxi").aliases.read_bytes()) == models.get("taxi")


def test_its_folder_holds_the_artifact_and_our_files(models: ModelStore, register: Register) -> None:
    folder = models.path(register(signature=SIGNATURE))
    assert (folder / "variables" / "variables.data-00000-of-00001").read_bytes() == b"weights"
    assert codec.loads(Signature, (folder / "signature.json").read_bytes()) == SIGNATURE
    assert codec.loads(ModelOrigin, (folder / "origin.json").read_bytes()).artifact == "savedmodel"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_later_versions_become_default_only_when_asked(models: ModelStore, register: Register) -> None:
    register()
    register()
    assert resolve(models, "taxi") == 1
    register(set_default=True)
    assert resolve(models, "taxi") == resolve(models, "taxi@default") == 3
    assert numbers(models) == [1, 2, 3]


def test_an_artifact_that_brings_a_signature_of_its_own_is_not_believed(
    models: ModelStore, artifact: Artifact, now: datetime
) -> None:
    folder = artifact()
    (folder / "signature.json").write_text("{}")
    assert models.register("taxi", folder, origin=ModelOrigin(), now=now).signature is None


def test_the_job_keeps_a_link_to_its_version(models: ModelStore, job_with_model: JobFolder, now: datetime) -> None:
    link = job_with_model.model_dir
    version = models.register("taxi", link, origin=ModelOrigin(job_id=job_with_model.id), now=now)
    assert link.readlink() == Path("../../../models/taxi/1")
    assert link.samefile(models.path(version))


def test_a_job_registers_once(database: Database, models: ModelStore, job_with_model: JobFolder, now: datetime) -> None:
    origin, artifact = ModelOrigin(job_id=job_with_model.id), job_with_model.model_dir
    first = models.register("taxi", artifact, origin=origin, now=now)
    told = EventLog(database).last_id()
    again = models.register("taxi", artifact, origin=origin, now=now + timedelta(hours=1))
    assert again == first
    assert numbers(models) == [1]
    assert EventLog(database).last_id() == told


def test_versions_and_aliases_are_told(database: Database, models: ModelStore, register: Register) -> None:
    register()
    register()
    models.set_default("taxi", 2)
    models.set_default("taxi", 2)
    told = [(event.subject, event.kind, event.payload) for event in EventLog(database).after(0)]
    assert told == [
        ("model:taxi", "version", {"version": "taxi@1"}),
        ("model:taxi", "alias", {"alias": "default", "version": 1}),
        ("model:taxi", "version", {"version": "taxi@2"}),
        ("model:taxi", "alias", {"alias": "default", "version": 2}),
    ]


def test_an_artifact_that_is_missing_is_an_error(tmp_path: Path, models: ModelStore, now: datetime) -> None:
    path = tmp_path / "none"
    with pytest.raises(WorkspaceError) as raised:
        models.register("taxi", path, origin=ModelOrigin(), now=now)
    assert str(raised.value) == f"cannot register a version of model taxi: there is no such folder ({path})."
    assert models.list() == []


@pytest.mark.parametrize("name", ["../taxi", "/taxi", "", "a b"])
def test_hostile_names_are_refused(models: ModelStore, register: Register, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        register(name)
    with pytest.raises(UsageError, match="cannot be used"):
        models.set_default(name, 1)


def test_an_artifact_behind_a_link_is_copied(
    models: ModelStore, job_with_model: JobFolder, artifact: Artifact, now: datetime
) -> None:
    elsewhere, place = artifact(), job_with_model.model_dir
    shutil.rmtree(place)
    place.symlink_to(elsewhere)
    version = models.register("taxi", place, origin=ModelOrigin(job_id=job_with_model.id), now=now)
    assert (models.path(version) / "saved_model.pb").read_bytes() == b"graph"
    assert sorted(path.name for path in elsewhere.iterdir()) == ["saved_model.pb", "variables"]
    assert place.samefile(models.path(version))
    assert not list(models.path(version).parent.glob(".staging-*"))


def test_an_artifact_on_another_file_system_is_copied(models: ModelStore, artifact: Artifact, now: datetime) -> None:
    memory = Path("/dev/shm")  # noqa: S108 - the one other file system that a Linux machine has for sure
    if not memory.is_dir() or memory.stat().st_dev == Path.cwd().stat().st_dev:
        pytest.skip("no other file system here")
    folder = memory / "mlmagic-test-artifact"
    try:
        version = models.register("taxi", artifact(folder), origin=ModelOrigin(), now=now)
    finally:
        shutil.rmtree(folder)
    assert (models.path(version) / "saved_model.pb").read_bytes() == b"graph"
    assert numbers(models) == [1]


def test_two_processes_get_all_numbers_without_gap_or_duplicate(
    workspace: Workspace, models: ModelStore, race: Callable[..., list[str]]
) -> None:
    setup = """
import tempfile; from datetime import UTC, datetime; from pathlib import Path
from mlmagic.spec.model import ModelOrigin; from mlmagic.workspace.database import Database
from mlmagic.workspace.layout import JobFolder, Workspace; from mlmagic.workspace.models import ModelStore
root = Path(sys.argv[1]); store = ModelStore(Database(Workspace(root)))
artifacts = [Path(tempfile.mkdtemp(dir=root.parent)) for _ in range(10)]
"""
    contended = """
for path in artifacts:
    print(store.register("taxi", path, origin=ModelOrigin(), now=datetime.now(UTC)).number)
"""
    printed = [int(number) for output in race(setup, contended, str(workspace.root)) for number in output.split()]
    assert sorted(printed) == numbers(models) == list(range(1, 21))
    assert resolve(models, "taxi") == 1


def test_a_kill_at_any_point_leaves_no_gap_and_no_duplicate(
    database: Database,
    models: ModelStore,
    job_with_model: JobFolder,
    now: datetime,
    killed_at_each_step: Callable[..., Iterator[int]],
) -> None:
    origin, artifact = ModelOrigin(job_id=job_with_model.id), job_with_model.model_dir
    for _ in killed_at_each_step(lambda: models.register("taxi", artifact, origin=origin, now=now)):
        assert numbers(models) in ([], [1])
    assert numbers(models) == [1]
    assert artifact.samefile(models.path(models.versions("taxi")[0]))
    before = models.versions("taxi"), models.list()
    database.rebuild()
    assert (models.versions("taxi"), models.list()) == before


def test_after_each_kill_another_job_gets_the_next_number(
    models: ModelStore,
    register: Register,
    artifact: Artifact,
    now: datetime,
    killed_at_each_step: Callable[..., Iterator[int]],
) -> None:
    def doomed() -> None:
        models.register("taxi", artifact(), origin=ModelOrigin(), now=now)

    for _ in killed_at_each_step(doomed):
        number = register().number
        assert numbers(models) == list(range(1, number + 1))
    assert all((models.path(version) / "saved_model.pb").exists() for version in models.versions("taxi"))
    assert resolve(models, "taxi") == 1


def test_aliases(workspace: Workspace, models: ModelStore, register: Register) -> None:
    for _ in range(3):
        register()
    assert models.set_default("taxi", 2).aliases == {"default": 2}
    assert [resolve(models, text) for text in ("taxi", "taxi@default", "taxi@latest", "taxi@1")] == [2, 2, 3, 1]
    assert "latest" not in workspace.model("taxi").aliases.read_text()


def test_aliases_that_a_newer_version_wrote_are_kept(
    workspace: Workspace, models: ModelStore, register: Register
) -> None:
    register()
    register()
    path = workspace.model("taxi").aliases
    model = codec.loads(Model, path.read_bytes())
    path.write_text(codec.dumps(model).replace('"default": 1', '"default": 1, "champion": 2'))
    models.set_default("taxi", 2)
    assert resolve(models, "taxi@champion") == 2
    assert '"champion": 2' in path.read_text()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("taxo", "there is no model 'taxo'.\nDid you mean taxi?"),
        ("zzzz@3", "there is no model 'zzzz'.\n`%models` lists all models."),
        ("taxi@7", "model 'taxi' has no version 7.\nIt has versions 1 to 2."),
        ("bus@2", "model 'bus' has no version 2.\nIt has version 1 alone."),
        ("taxi@lates", "model 'taxi' has no alias 'lates'.\nDid you mean latest?"),
        ("taxi@prod", "model 'taxi' has no alias 'prod'.\nIt has default, latest."),
    ],
)
def test_what_does_not_exist_is_an_error(models: ModelStore, register: Register, reference: str, message: str) -> None:
    for name in ("taxi", "taxi", "bus"):
        register(name)
    with pytest.raises(NotFoundError) as raised:
        resolve(models, reference)
    assert str(raised.value) == message


def test_without_any_model_it_says_so(workspace: Workspace, models: ModelStore) -> None:
    assert models.versions("taxi") == models.list() == []
    with pytest.raises(NotFoundError) as raised:
        models.get("taxi")
    assert str(raised.value) == (
        f"there is no model 'taxi'.\nThe workspace {workspace.root} has no models yet: "
        "a job that writes one makes the first."
    )


def test_default_must_be_a_version(models: ModelStore, register: Register) -> None:
    register()
    with pytest.raises(NotFoundError, match="model 'taxi' has no version 2"):
        models.set_default("taxi", 2)
    assert resolve(models, "taxi") == 1


def test_without_model_json_the_first_version_is_the_default(
    workspace: Workspace, models: ModelStore, register: Register
) -> None:
    register()
    register()
    workspace.model("taxi").aliases.unlink()
    assert resolve(models, "taxi") == 1
    assert models.set_default("taxi", 2) == models.get("taxi")


def test_aliases_that_cannot_be_read_are_an_error(workspace: Workspace, models: ModelStore, register: Register) -> None:
    register()
    path = workspace.model("taxi").aliases
    path.write_text("{")
    with pytest.raises(WorkspaceError) as raised:
        models.get("taxi")
    assert str(raised.value).startswith(f"the aliases of model 'taxi' cannot be read from {path}: Model: not JSON")
    assert str(raised.value).endswith("Mend the file, or remove it: then version 1 is the default.")


def test_what_somebody_else_put_there_is_counted_but_no_version(
    workspace: Workspace, models: ModelStore, register: Register
) -> None:
    register()
    (workspace.model("taxi").root / "2").mkdir()
    (workspace.model("taxi").root / "notes").touch()
    assert register().number == 3
    assert numbers(models) == [1, 3]


def test_a_folder_of_the_users_behind_a_link_is_copied_not_moved(
    models: ModelStore, job_with_model: JobFolder, artifact: Artifact, tmp_path: Path, now: datetime
) -> None:
    artifact(tmp_path / "mine" / "1")
    shutil.rmtree(job_with_model.model_dir)
    job_with_model.model_dir.symlink_to(tmp_path / "mine")
    version = models.register("taxi", job_with_model.model_dir / "1", origin=ModelOrigin(), now=now)
    assert (models.path(version) / "saved_model.pb").exists()
    assert (tmp_path / "mine" / "1" / "saved_model.pb").exists()


@pytest.mark.parametrize("path", ["../2", "/etc", "a/../../b"])
def test_an_artifact_path_that_leads_out_is_not_believed(
    database: Database, models: ModelStore, register: Register, now: datetime, path: str
) -> None:
    folder = models.path(register())
    (folder / "origin.json").write_text(codec.dumps(ModelOrigin(artifact_path=path, create_time=now)))
    assert database.rebuild().problems == (
        f"left out {folder}: ModelOrigin.artifactPath leads out of the version: {path!r}",
    )
    assert numbers(models) == []
