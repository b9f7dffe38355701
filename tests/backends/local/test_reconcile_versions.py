"""What readers make of jobs whose supervisor was killed while a version was being made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.dataset_folders import write_dataset
from support.killing import run_killed_at_each_step
from support.queued import Jobs

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.backends.local.reconcile import Reconciler
from mlmagic.runtime.preprocessed import register_dataset
from mlmagic.spec.job import JobKind, JobState
from mlmagic.spec.model import ModelOrigin
from mlmagic.workspace.datasets import DatasetStore
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.models import ModelStore
from mlmagic.workspace.processes import ProcessIdentity

DATA = {"kind": JobKind.PREPROCESSING, "dataset": "taxi"}


@pytest.fixture
def jobs(workspace: Workspace) -> Jobs:
    return Jobs(workspace)


@pytest.fixture
def orphan(jobs: Jobs) -> Callable[..., JobFolder]:
    """Make a job whose supervisor is dead."""

    def make(**fields: object) -> JobFolder:
        folder = jobs.make("pass\n", **fields)
        boot_id = ProcessIdentity.current().boot_id
        jobs.store.claim(folder.id, ProcessIdentity(pid=2**22 + 1, start_time=1, boot_id=boot_id))
        return folder

    return make


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.slow
def test_killed_while_registering_a_dataset(jobs: Jobs, orphan: Callable[..., JobFolder]) -> None:
    datasets, readers = DatasetStore(jobs.database), Reconciler(jobs.database)

    def next_job() -> JobFolder:
        # Each with a dataset of its own: what another one's versions cost would make the steps more and more.
        folder = orphan(**{**DATA, "dataset": f"taxi{len(made)}"})
        write_dataset(folder.model_dir)
        return folder

    def doomed() -> None:
        spec = jobs.store.get(made[-1].id).spec
        register_dataset(made[-1], spec, datasets=datasets, now=now)

    made: list[JobFolder] = []
    made.append(next_job())
    ends = []
    for _ in run_killed_at_each_step(doomed):
        record = readers.check(jobs.store.get(made[-1].id))
        versions = [str(version) for version in datasets.versions(record.spec.dataset or "")]
        told = [event.payload for event in EventLog(jobs.database).after(0) if event.kind == "version"]
        assert versions == ([] if record.dataset_version is None else [record.dataset_version])
        assert told[-1:] == [{"version": name} for name in versions]
        ends.append(record.state)
        made.append(next_job())
    assert ends == sorted(ends), "once there is a version, it is found at every later step"
    assert set(ends) == {JobState.FAILED, JobState.SUCCEEDED}


def test_the_mended_record_tells_the_rows(jobs: Jobs, orphan: Callable[..., JobFolder]) -> None:
    folder = orphan(**DATA)
    write_dataset(folder.model_dir)
    spec = jobs.store.get(folder.id).spec
    register_dataset(folder, spec, datasets=DatasetStore(jobs.database), now=now)
    record = Reconciler(jobs.database).check(jobs.store.get(folder.id))
    assert record.message == (
        "taxi@1: 7 rows (train 5 · eval 2 · test 0), 1 rejected · its supervisor was killed just after making it"
    )
    assert record.metrics["rows_train"] == 5.0


@pytest.mark.slow
def test_killed_while_registering_a_model(jobs: Jobs, orphan: Callable[..., JobFolder]) -> None:
    models, readers = ModelStore(jobs.database), Reconciler(jobs.database)

    def next_job() -> JobFolder:
        folder = orphan(model=f"taxi{len(made)}")
        (folder.model_dir / "saved_model.pb").write_bytes(b"graph")
        return folder

    def doomed() -> None:
        origin = ModelOrigin(job_id=made[-1].id)
        models.register(f"taxi{len(made) - 1}", made[-1].model_dir, origin=origin, now=now())

    made: list[JobFolder] = []
    made.append(next_job())
    ends = []
    for _ in run_killed_at_each_step(doomed):
        record = readers.check(jobs.store.get(made[-1].id))
        is_made = not made[-1].model_dir.is_dir() or made[-1].model_dir.is_symlink()
        assert (record.model_version is not None) == is_made
        ends.append(record.state)
        made.append(next_job())
    assert ends == sorted(ends)
    assert set(ends) == {JobState.FAILED, JobState.SUCCEEDED}


KILLED = """
import os, pathlib, signal, sys
from mlmagic.runtime import closing, preprocessed, supervisor
from mlmagic.runtime.program import ColdLauncher
from mlmagic.workspace.layout import JobFolder
owner = {"supervisor": supervisor, "preprocessed": preprocessed, "closing": closing}[sys.argv[1]]
setattr(owner, sys.argv[2], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
supervisor.supervise(JobFolder(pathlib.Path(sys.argv[3])), launcher=ColdLauncher(), environment=os.environ)
"""
COPY = "import os, shutil\nshutil.copytree({!r}, os.environ['AIP_MODEL_DIR'], dirs_exist_ok=True)\n"


@pytest.mark.parametrize(
    ("module", "step", "version"),
    [
        ("supervisor", "register_dataset", None),
        ("preprocessed", "stray_links", None),
        ("preprocessed", "made_version", "taxi@1"),
        ("closing", "_exit_record", "taxi@1"),
        ("closing", "write_atomic", "taxi@1"),
    ],
)
def test_a_supervisor_killed_at_each_step(
    workspace: Workspace, jobs: Jobs, tmp_path: Path, *, module: str, step: str, version: str | None
) -> None:
    folder = jobs.make(COPY.format(os.fspath(write_dataset(tmp_path / "made"))), **DATA)
    command = [sys.executable, "-c", KILLED, module, step, str(folder.root)]
    assert subprocess.run(command, start_new_session=True, check=False).returncode == -signal.SIGKILL
    record = LocalBackend(workspace).get(folder.id)
    assert record.dataset_version == version
    assert record.state is (JobState.SUCCEEDED if version else JobState.FAILED)
    assert LocalBackend(workspace).get(folder.id) == record
