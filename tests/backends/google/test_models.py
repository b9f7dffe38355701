"""Models that jobs in the cloud leave here: one version for each job, whoever is killed in between."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.emulated_jobs import wait_for as wait_until
from support.tensorflow_models import saved_models

from mlmagic.api.prediction import predict
from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.client.connection import Connection
from mlmagic.backends.google.client.storage import StorageCalls
from mlmagic.backends.google.following import Follower
from mlmagic.backends.google.remote import StoredObject
from mlmagic.backends.google.settings import GoogleSettings, emulator_settings
from mlmagic.emulator.launch import Emulator
from mlmagic.session import Session
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import PATIENCE_SECONDS, read_log, run, submit, wait_for
from mlmagic.workspace.database import Database
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

Make = Callable[..., GoogleBackend]
KILLED = 77
EXPORT = """
import os, pathlib
folder = pathlib.Path(os.environ["AIP_MODEL_DIR"])
(folder / "variables").mkdir(parents=True, exist_ok=True)
(folder / "saved_model.pb").write_bytes(b"graph")
(folder / "variables" / "variables.index").write_bytes(b"")
"""


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A Python without TensorFlow, which therefore reads no signature."""
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    script.chmod(0o700)
    return str(script)


@pytest.fixture
def models(workspace: Workspace) -> ModelStore:
    return ModelStore(Database(workspace))


def files(models: ModelStore) -> dict[str, bytes]:
    """What the one version of the model has from its job."""
    (version,) = models.versions("taxi")
    root = models.path(version)
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != "origin.json"}


def waits_for(mark: Path) -> str:
    """A program's beginning that lasts until there is that file."""
    return f"import pathlib, time\nwhile not pathlib.Path({str(mark)!r}).exists():\n    time.sleep(0.1)\n"


WHOLE = {"saved_model.pb": b"graph", "variables/variables.index": b""}


@pytest.mark.slow
def test_a_version_has_its_signature_and_predicts(
    backend: GoogleBackend, models: ModelStore, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = saved_models(tmp_path_factory) / "half"
    program = f"import os, shutil\nshutil.copytree({str(model)!r}, os.environ['AIP_MODEL_DIR'], dirs_exist_ok=True)\n"
    record = run(backend, program, model="taxi")
    (version,) = models.versions("taxi")
    assert (record.state, record.model_version) == (JobState.SUCCEEDED, "taxi@1")
    assert version.signature is not None
    assert [tensor.name for tensor in version.signature.inputs] == ["x"]
    with closing(Session(environ={"MLMAGIC_BACKEND": "memory"}, start=tmp_path)) as session:
        answer = predict("taxi", [{"x": 3.0}], join=False, direct=True, session=session)
    assert answer.to_numpy().tolist() == [[1.5]]


def test_the_last_line_names_the_version(backend: GoogleBackend, models: ModelStore, bare: str) -> None:
    run(backend, EXPORT, model="taxi", python=bare)
    assert files(models) == WHOLE
    record = run(backend, EXPORT, model="taxi", python=bare)
    assert record.model_version == "taxi@2"
    fetched, last = read_log(backend, record.id).splitlines()
    assert fetched.startswith(
        "mlmagic: fetched the model: 2 files, 5 B from gs://emulated-project-bucket/mlmagic/jobs/"
    )
    assert last.startswith(
        "mlmagic: taxi@2 · default is taxi@1 · %models set-default taxi@2 · its signature is unknown"
    )


def test_without_a_model_there_is_no_version(backend: GoogleBackend, models: ModelStore) -> None:
    record = run(backend, "print(1)\n", model="taxi")
    assert (record.state, record.model_version) == (JobState.SUCCEEDED, None)
    assert record.message == "no model was written to AIP_MODEL_DIR, so no version was made"


@pytest.mark.parametrize("rpc", ["storage.objects.list", "storage.objects.get"])
def test_a_model_that_cannot_be_fetched_is_fetched_later(
    backend: GoogleBackend, tmp_path: Path, bare: str, fault: Any, rpc: str
) -> None:
    mark = tmp_path / "mark"
    job_id = submit(backend, waits_for(mark) + EXPORT, model="taxi", python=bare).id
    fault(rpc, status=403, message="storage.objects: no access")
    mark.touch()
    wait_until(
        lambda: backend.get(job_id).message or "",
        lambda told: told.startswith("its model could not be fetched yet: cannot"),
    )
    assert backend.get(job_id).state is JobState.RUNNING
    fault.clear()
    record = wait_for(backend, job_id)
    assert (record.state, record.model_version) == (JobState.SUCCEEDED, "taxi@1")


def test_a_job_can_be_cancelled_whose_model_is_not_here_yet(
    backend: GoogleBackend, tmp_path: Path, bare: str, fault: Any
) -> None:
    mark = tmp_path / "mark"
    job_id = submit(backend, waits_for(mark) + EXPORT, model="taxi", python=bare).id
    fault("storage.objects.get", status=503)
    mark.touch()
    wait_until(
        lambda: backend.get(job_id).message or "", lambda told: told.startswith("fetching the model: 2 files, 5 B")
    )
    backend.cancel(job_id)
    record = wait_for(backend, job_id)
    assert (record.state, record.message) == (JobState.CANCELLED, "cancelled before its model became a version")
    assert record.model_version is None


def test_what_an_attempt_left_that_failed_is_no_part_of_the_model(
    backend: GoogleBackend, models: ModelStore, bare: str
) -> None:
    again = "old = folder.parent / 'checkpoints' / 'x'\nif not old.exists():\n    old.parent.mkdir(exist_ok=True)\n"
    again += "    old.touch()\n    (folder / 'old').touch()\n    raise SystemExit(1)\n"
    record = run(backend, EXPORT + again, model="taxi", python=bare, max_retries=1)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 2)
    assert files(models) == WHOLE


class Doomed(GoogleClient):
    """Ends its process with the call that was chosen."""

    def __init__(self, settings: GoogleSettings, point: str) -> None:
        super().__init__(settings)
        self.storage = DoomedStorage(Connection(settings))
        self.storage.point = point


class DoomedStorage(StorageCalls):
    point = ""

    def list_objects(self, folder: str) -> list[StoredObject]:
        if (self.point, folder.rpartition("/")[0].rpartition("/")[2]) == ("before the list", "model"):
            os._exit(KILLED)
        return super().list_objects(folder)

    def read_object(self, found: StoredObject, start: int, end: int) -> bytes:
        data = super().read_object(found, start, end)
        if self.point == "after a file":
            os._exit(KILLED)
        return data


def follow_in_a_child(workspace: Workspace, emulator: Emulator, job_id: str, point: str) -> int:
    """Follow a job in a process that ends at that point, and return how it ended."""
    pid = os.fork()
    if pid == 0:
        try:
            client = Doomed(emulator_settings(emulator.root), point)
            if point == "after the version":
                Follower._end = lambda *_: os._exit(KILLED)  # type: ignore[assignment]
            backend = GoogleBackend(workspace, name="emulator", client=client)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not backend.get(job_id).state.is_final and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("point", ["before the list", "after a file", "after the version"])
def test_a_process_that_is_killed_makes_no_second_version(
    make_backend: Make, workspace: Workspace, emulator: Emulator, bare: str, point: str
) -> None:
    first = make_backend()
    job_id = submit(first, EXPORT, model="taxi", python=bare, set_default=True).id
    first.close()
    assert first.get(job_id).model_version is None
    assert follow_in_a_child(workspace, emulator, job_id, point) == KILLED
    record = wait_for(make_backend(), job_id)
    assert (record.state, record.model_version) == (JobState.SUCCEEDED, "taxi@1")
    assert (record.message or "").startswith("taxi@1 is the default version")
    assert files(ModelStore(Database(workspace))) == WHOLE
