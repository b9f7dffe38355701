"""Dataset versions are whole or not there, keep their numbers for ever, and are told of."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mlmagic.errors import ConflictError, NotFoundError, UsageError, WorkspaceError, WorkspaceWarning
from mlmagic.spec import codec
from mlmagic.spec.dataset import DatasetOrigin, DatasetVersion, InputFile
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, PackageReference
from mlmagic.workspace.database import Database
from mlmagic.workspace.datasets import DatasetStore
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace

Register = Callable[..., DatasetVersion]
INPUTS = (InputFile(path="/data/rides.csv", size_bytes=120, digest="sha256:ab"),)


def numbers(datasets: DatasetStore, dataset: str = "taxi") -> list[int]:
    return [version.number for version in datasets.versions(dataset)]


def told(database: Database) -> list[tuple[str, str, object]]:
    events = [(event.subject, event.kind, event.payload) for event in EventLog(database).after(0)]
    return [event for event in events if event[0].startswith("dataset:")]


def test_a_version_reads_back(
    workspace: Workspace, datasets: DatasetStore, made: Callable[..., Path], now: datetime
) -> None:
    version = datasets.register("taxi", made(), origin=DatasetOrigin(package_digest="d1"), now=now)
    assert (str(version), version.create_time, version.origin.inputs) == ("taxi@1", now, INPUTS)
    assert datasets.versions("taxi") == datasets.list() == [version]
    assert datasets.resolve("taxi") == datasets.resolve("taxi@1") == version
    folder = workspace.dataset_version("taxi", 1)
    assert datasets.path(version) == folder.root
    assert version.size_bytes == sum(path.stat().st_size for path in folder.root.iterdir())


def test_its_folder_holds_the_shards_and_our_files(datasets: DatasetStore, register_dataset: Register) -> None:
    version = register_dataset()
    folder = datasets.path(version)
    assert [path.name for path in datasets.shards(version, "train")] == [
        "train-00000-of-00002.parquet",
        "train-00001-of-00002.parquet",
    ]
    assert datasets.shards(version, "test") == []
    assert datasets.statistics(version).rows.written == 7
    assert codec.loads(DatasetOrigin, (folder / "origin.json").read_bytes()) == version.origin
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_newest_version_is_meant_where_none_is_named(datasets: DatasetStore, register_dataset: Register) -> None:
    for name in ("taxi", "taxi", "bus"):
        register_dataset(name)
    assert [str(version) for version in datasets.list()] == ["bus@1", "taxi@2"]
    assert str(datasets.resolve("taxi")) == "taxi@2"
    assert datasets.versions("boats") == []


def test_the_job_keeps_a_link_to_its_version(
    datasets: DatasetStore, job_with_dataset: JobFolder, now: datetime
) -> None:
    link = job_with_dataset.model_dir
    version = datasets.register("taxi", link, origin=DatasetOrigin(job_id=job_with_dataset.id), now=now)
    assert link.readlink() == Path("../../../datasets/taxi/1")
    assert link.samefile(datasets.path(version))


def test_a_job_registers_once(
    database: Database, datasets: DatasetStore, job_with_dataset: JobFolder, now: datetime
) -> None:
    origin, folder = DatasetOrigin(job_id=job_with_dataset.id), job_with_dataset.model_dir
    first = datasets.register("taxi", folder, origin=origin, now=now)
    again = datasets.register("taxi", folder, origin=origin, now=now + timedelta(hours=1))
    assert again == first == datasets.adopt("taxi", job_with_dataset.id)
    assert numbers(datasets) == [1]
    assert told(database) == [("dataset:taxi", "version", {"version": "taxi@1"})]


def test_a_kill_at_any_point_leaves_no_version_or_a_whole_one(
    database: Database,
    datasets: DatasetStore,
    job_with_dataset: JobFolder,
    now: datetime,
    killed_at_each_step: Callable[..., Iterator[int]],
) -> None:
    origin, folder = DatasetOrigin(job_id=job_with_dataset.id), job_with_dataset.model_dir
    for _ in killed_at_each_step(lambda: datasets.register("taxi", folder, origin=origin, now=now)):
        for version in datasets.versions("taxi"):
            assert (version.number, version.origin.job_id) == (1, job_with_dataset.id)
            assert len(datasets.shards(version, "train")) == 2
        datasets.adopt("taxi", job_with_dataset.id)
        assert len(told(database)) == len(numbers(datasets))
    assert numbers(datasets) == [1]
    assert folder.samefile(datasets.path(datasets.resolve("taxi")))


def test_after_each_kill_another_job_gets_the_next_number(
    datasets: DatasetStore,
    made: Callable[..., Path],
    register_dataset: Register,
    now: datetime,
    killed_at_each_step: Callable[..., Iterator[int]],
) -> None:
    for _ in killed_at_each_step(lambda: datasets.register("taxi", made(), origin=DatasetOrigin(), now=now)):
        number = register_dataset().number
        assert numbers(datasets) == list(range(1, number + 1))
    assert all(datasets.shards(version, "train") for version in datasets.versions("taxi"))


def test_two_processes_get_all_numbers_without_gap_or_duplicate(
    workspace: Workspace, datasets: DatasetStore, made: Callable[..., Path], race: Callable[..., list[str]]
) -> None:
    made()
    setup = """
import shutil, tempfile; from datetime import UTC, datetime; from pathlib import Path
from mlmagic.spec.dataset import DatasetOrigin; from mlmagic.workspace.database import Database
from mlmagic.workspace.layout import Workspace; from mlmagic.workspace.datasets import DatasetStore
root = Path(sys.argv[1]); store = DatasetStore(Database(Workspace(root))); one = next(root.parent.glob("made-*"))
made = [Path(tempfile.mkdtemp(dir=root.parent, prefix="copy-")) for _ in range(8)]
for path in made:
    shutil.copytree(one, path, dirs_exist_ok=True)
"""
    contended = """
for path in made:
    print(store.register("taxi", path, origin=DatasetOrigin(), now=datetime.now(UTC)).number)
"""
    printed = [int(number) for output in race(setup, contended, str(workspace.root)) for number in output.split()]
    assert sorted(printed) == numbers(datasets) == list(range(1, 17))


def test_the_number_of_a_deleted_version_is_not_given_again(
    database: Database, datasets: DatasetStore, register_dataset: Register
) -> None:
    first, second = register_dataset(), register_dataset()
    datasets.delete(second)
    assert numbers(datasets) == [1]
    assert register_dataset().number == 3
    datasets.delete(first)
    assert [(kind, payload) for _, kind, payload in told(database)][2:] == [
        ("deleted", {"version": "taxi@2"}),
        ("version", {"version": "taxi@3"}),
        ("deleted", {"version": "taxi@1"}),
    ]
    assert not list(datasets.path(first).parent.glob(".deleted-*"))


def test_a_kill_while_deleting_leaves_a_whole_version_or_none(
    datasets: DatasetStore, register_dataset: Register, killed_at_each_step: Callable[..., Iterator[int]]
) -> None:
    doomed = [register_dataset()]
    for _ in killed_at_each_step(lambda: datasets.delete(doomed[-1])):
        left = datasets.versions("taxi")
        assert all(len(datasets.shards(version, "train")) == 2 for version in left)
        number = doomed[-1].number
        doomed.append(left[-1] if left else register_dataset())
        assert doomed[-1].number in {number, number + 1}
    assert datasets.list() == []


@pytest.fixture
def train_on(jobs: JobStore) -> Callable[[str], JobRecord]:
    def submit(dataset: str) -> JobRecord:
        spec = JobSpec(display_name="taxi", package=PackageReference(digest="d1"), dataset=dataset)
        return jobs.create(spec, package_files={"trainer/task.py": b""}, now=datetime.now().astimezone())

    return submit


def test_what_a_job_trains_on_is_not_deleted(
    jobs: JobStore, datasets: DatasetStore, register_dataset: Register, train_on: Callable[[str], JobRecord]
) -> None:
    first, second = register_dataset(), register_dataset()
    job = train_on("taxi@1")
    with pytest.raises(ConflictError) as raised:
        datasets.delete(first)
    assert str(raised.value) == (
        f"dataset taxi@1 cannot be deleted: {job.id} trains on it.\nFirst `%jobs cancel {job.id}`."
    )
    datasets.delete(second)
    jobs.advance(job.id, expect={JobState.QUEUED}, to=JobState.CANCELLED, now=job.create_time)
    datasets.delete(first)
    assert numbers(datasets) == []


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("taxo", "there is no dataset 'taxo'.\nDid you mean taxi?"),
        ("zzzz@3", "there is no dataset 'zzzz'.\n`%datasets` lists all datasets."),
        ("taxi@7", "dataset 'taxi' has no version 7.\nThere are taxi@1 and taxi@3."),
        ("taxi@2", "dataset version taxi@2 was deleted.\nThere are taxi@1 and taxi@3."),
        ("bus@2", "dataset 'bus' has no version 2.\nThere is bus@1 alone."),
    ],
)
def test_what_does_not_exist_is_an_error(
    datasets: DatasetStore, register_dataset: Register, reference: str, message: str
) -> None:
    for name in ("taxi", "taxi", "taxi", "bus"):
        register_dataset(name)
    datasets.delete(datasets.resolve("taxi@2"))
    with pytest.raises(NotFoundError) as raised:
        datasets.resolve(reference)
    assert str(raised.value) == message


def test_without_any_dataset_it_says_so(workspace: Workspace, datasets: DatasetStore) -> None:
    assert datasets.list() == datasets.versions("taxi") == []
    with pytest.raises(NotFoundError) as raised:
        datasets.resolve("taxi")
    assert str(raised.value) == (
        f"there is no dataset 'taxi'.\nThe workspace {workspace.root} has no datasets yet: `%%preprocess` makes one."
    )


@pytest.mark.parametrize("name", ["../taxi", "/taxi", "", "a b"])
def test_hostile_names_are_refused(datasets: DatasetStore, register_dataset: Register, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        register_dataset(name)
    with pytest.raises(UsageError, match="cannot be used"):
        datasets.resolve(name)


@pytest.mark.parametrize("text", ["taxi@", "taxi@0", "taxi@latest", "taxi@-1", "taxi@1@2"])
def test_a_version_is_a_number(datasets: DatasetStore, text: str) -> None:
    with pytest.raises(UsageError) as raised:
        datasets.resolve(text)
    assert str(raised.value) == f"{text!r} is no version of a dataset.\nWrite taxi@1, or taxi for the newest."


def no_schema(folder: Path) -> None:
    (folder / "schema.json").unlink()


def no_statistics(folder: Path) -> None:
    (folder / "statistics.json").unlink()


def damaged(folder: Path) -> None:
    (folder / "origin.json").write_text("[")


def no_shards(folder: Path) -> None:
    for path in folder.glob("train-*"):
        path.unlink()


def one_shard_less(folder: Path) -> None:
    (folder / "train-00001-of-00002.parquet").unlink()


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (one_shard_less, "there is no train-00001-of-00002.parquet"),
        (no_schema, "there is no schema.json"),
        (no_statistics, "there is no statistics.json"),
        (damaged, "origin.json cannot be read: DatasetOrigin: not JSON"),
        (no_shards, "there is no shard of train"),
    ],
)
def test_what_is_not_whole_becomes_no_version(
    datasets: DatasetStore, made: Callable[..., Path], now: datetime, harm: Callable[[Path], None], message: str
) -> None:
    folder = made()
    harm(folder)
    with pytest.raises(WorkspaceError) as raised:
        datasets.register("taxi", folder, origin=DatasetOrigin(), now=now)
    assert str(raised.value).startswith(f"{folder} holds no whole dataset: {message}")
    assert datasets.list() == []
    assert folder.is_dir()


def test_what_was_damaged_later_is_told(datasets: DatasetStore, register_dataset: Register) -> None:
    good, bad = register_dataset(), register_dataset()
    (datasets.path(bad) / "schema.json").write_text("{")
    with pytest.warns(WorkspaceWarning, match=r"left out .*/taxi/2, which cannot be read: DatasetSchema: not JSON"):
        assert datasets.versions("taxi") == [good]
    with pytest.raises(WorkspaceError, match="the dataset taxi@2 cannot be read from"):
        datasets.resolve("taxi")
    (datasets.path(good) / "statistics.json").write_text("{")
    with pytest.raises(WorkspaceError, match="the statistics of taxi@1 cannot be read from"):
        datasets.statistics(good)


@pytest.mark.parametrize("name", ["train-00000-of-00002.parquet", "eval-00000-of-00001.parquet"])
def test_no_split_is_read_without_a_part_of_it(datasets: DatasetStore, register_dataset: Register, name: str) -> None:
    version = register_dataset()
    lost = datasets.path(version) / name
    lost.unlink()
    split = name.partition("-")[0]
    with pytest.raises(WorkspaceError) as raised:
        datasets.shards(version, split)
    assert str(raised.value).startswith(f"the {split} rows of taxi@1 cannot be read: there is no {lost}.\nIts files")
    assert datasets.shards(version, "test") == []


def test_what_somebody_else_put_there_is_counted_but_no_version(
    workspace: Workspace, datasets: DatasetStore, register_dataset: Register
) -> None:
    register_dataset()
    (workspace.dataset("taxi").root / "2").mkdir()
    (workspace.dataset("taxi").root / "notes").touch()
    (workspace.datasets / "notes.txt").touch()
    assert register_dataset().number == 3
    assert numbers(datasets) == [1, 3]


def test_a_folder_behind_a_link_is_copied(
    datasets: DatasetStore, job_with_dataset: JobFolder, made: Callable[..., Path], tmp_path: Path, now: datetime
) -> None:
    place = job_with_dataset.model_dir
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    version = datasets.register("taxi", place, origin=DatasetOrigin(job_id=job_with_dataset.id), now=now)
    assert len(datasets.shards(version, "train")) == len(list((tmp_path / "elsewhere").glob("train-*"))) == 2
    assert place.samefile(datasets.path(version))
    assert not list(datasets.path(version).parent.glob(".staging-*"))


def test_a_rebuilt_database_knows_all_datasets(
    database: Database, datasets: DatasetStore, register_dataset: Register
) -> None:
    register_dataset()
    before = datasets.versions("taxi")
    database.rebuild()
    assert datasets.versions("taxi") == before


def test_what_a_preprocessing_job_makes_must_have_a_name(jobs: JobStore, now: datetime) -> None:
    spec = JobSpec(
        display_name="taxi", kind=JobKind.PREPROCESSING, package=PackageReference(digest="d1"), dataset="taxi@1"
    )
    with pytest.raises(UsageError, match="dataset name 'taxi@1' cannot be used"):
        jobs.create(spec, package_files={"preprocessor/task.py": b""}, now=now)
