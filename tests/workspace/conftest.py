"""A workspace with its stores, jobs and models to put in it, and processes that are killed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.dataset_folders import write_dataset
from support.killing import run_killed_at_each_step

from mlmagic.spec.dataset import DatasetOrigin, DatasetVersion
from mlmagic.spec.job import JobRecord, JobSpec, PackageReference
from mlmagic.spec.model import ModelOrigin, ModelVersion
from mlmagic.workspace.database import Database
from mlmagic.workspace.datasets import DatasetStore
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.models import ModelStore

NOW = datetime(2026, 1, 31, 12, 30, 15, 123456, tzinfo=UTC)
FILES = {"trainer/__init__.py": b"", "trainer/task.py": b"print('trains')\n"}


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(Workspace(tmp_path / ".mlmagic"))


@pytest.fixture
def database(workspace: Workspace) -> Database:
    return Database(workspace)


class FullDatabase(Database):
    """SQLite has the same error for a database that may not grow as for a full disk."""

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        connection.execute("PRAGMA max_page_count = 1")
        return connection


@pytest.fixture
def full_database(workspace: Workspace, database: Database) -> Database:
    """A database that has been made, and has no room for more."""
    with database.read():
        return FullDatabase(workspace)


@pytest.fixture
def jobs(database: Database) -> JobStore:
    return JobStore(database)


@pytest.fixture
def models(database: Database) -> ModelStore:
    return ModelStore(database)


@pytest.fixture
def spec() -> JobSpec:
    return JobSpec(display_name="taxi", package=PackageReference(digest="d1"), model="taxi", args=("--epochs", "3"))


@pytest.fixture
def submit(jobs: JobStore, spec: JobSpec) -> Callable[..., JobRecord]:
    """Submit a job, by default the one of `spec`."""
    return lambda spec=spec, now=NOW: jobs.create(spec, package_files=FILES, now=now)


@pytest.fixture
def artifact(tmp_path: Path) -> Callable[..., Path]:
    """Write what a program would write to AIP_MODEL_DIR."""

    def write(folder: Path | None = None, content: bytes = b"weights") -> Path:
        folder = folder or Path(tempfile.mkdtemp(dir=tmp_path))
        (folder / "variables").mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"graph")
        (folder / "variables" / "variables.data-00000-of-00001").write_bytes(content)
        return folder

    return write


@pytest.fixture
def job_with_model(workspace: Workspace, submit: Callable[..., JobRecord], artifact: Callable[..., Path]) -> JobFolder:
    """The folder of a job whose program wrote a model."""
    job = workspace.job(submit().id)
    job.model_dir.rmdir()
    artifact(job.model_dir)
    return job


@pytest.fixture
def register(models: ModelStore, artifact: Callable[..., Path]) -> Callable[..., ModelVersion]:
    """Register a version of a model."""
    return lambda model="taxi", **options: models.register(
        model, artifact(), **{"origin": ModelOrigin(), "now": NOW, **options}
    )


@pytest.fixture
def datasets(database: Database) -> DatasetStore:
    return DatasetStore(database)


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """Write what a pipeline would write to its `--output`."""
    return lambda folder=None: write_dataset(folder or Path(tempfile.mkdtemp(dir=tmp_path, prefix="made-")))


@pytest.fixture
def job_with_dataset(workspace: Workspace, submit: Callable[..., JobRecord], made: Callable[..., Path]) -> JobFolder:
    """The folder of a job whose program wrote a dataset."""
    job = workspace.job(submit().id)
    made(job.model_dir)
    return job


@pytest.fixture
def register_dataset(datasets: DatasetStore, made: Callable[..., Path]) -> Callable[..., DatasetVersion]:
    """Register a version of a dataset."""
    return lambda dataset="taxi": datasets.register(dataset, made(), origin=DatasetOrigin(), now=NOW)


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of a user whom file modes bind; they do not bind root."""
    folder = Path(tempfile.mkdtemp())
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
            stack.callback(os.seteuid, 0)
        stack.callback(folder.chmod, 0o700)
        yield folder


@pytest.fixture
def race() -> Iterator[Callable[..., list[str]]]:
    """Run the same program in several processes, let all begin its last part at once, and return what they print."""
    prologue, epilogue = "import sys\n", "\nprint('ready', flush=True)\nsys.stdin.readline()\n"
    started: list[subprocess.Popen[str]] = []

    def run(setup: str, contended: str, *arguments: str, processes: int = 2) -> list[str]:
        program = [sys.executable, "-c", prologue + setup + epilogue + contended, *arguments]
        for _ in range(processes):
            started.append(subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))  # noqa: PERF401 - those started before a failure must be ended
        assert [process.stdout.readline() for process in started] == ["ready\n"] * processes
        for process in started:
            process.stdin.write("\n")
            process.stdin.flush()
        return [process.communicate()[0] for process in started]

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def killed_at_each_step() -> Callable[[Callable[[], object]], Iterator[int]]:
    return run_killed_at_each_step
