"""A batch prediction whose senders are killed at one point after the other: one job on Vertex AI in the end.

The children are forked from this process, which has imported Google's libraries already and has no second thread.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from requests import Session as Connection
from support.doomed import Step, in_a_child
from support.tensorflow_models import saved_models

from mlmagic.api.batch_prediction import plan_predict_files
from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.batch import BatchSender
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.names import workspace_filter, workspace_label
from mlmagic.backends.google.remote import read_remote
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.emulator.launch import Emulator
from mlmagic.runtime.signature import read
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.model import ModelOrigin, Signature
from mlmagic.workspace.layout import Workspace

INSTANCES, UPLOAD, MODEL = "the instances", "their upload", "the model's upload"
NOTED_FIRST, CREATE, NOTE = "remote.json", "the create call", "its note"
POINTS = [
    f"{when} {step}" for step in (INSTANCES, UPLOAD, MODEL, NOTED_FIRST, CREATE, NOTE) for when in ("before", "after")
]


def _request(_: Connection, request: Any, *__: Any) -> str | None:
    verb, path = request.method, request.url.partition("?")[0]
    if "/upload/" in path:
        return UPLOAD
    ends = {"/models:upload": MODEL, "/batchPredictionJobs": CREATE}
    return next((name for end, name in ends.items() if verb == "POST" and path.endswith(end)), None)


def _file(path: Path, target: Path) -> str | None:
    if Path(target).name != "remote.json":
        return None
    return NOTED_FIRST if json.loads(path.read_bytes()).get("name") is None else NOTE


STEPS = (
    Step(Connection, "send", _request),
    Step(Path, "replace", _file),
    Step(BatchSender, "prepare", lambda *_: INSTANCES),
)


@pytest.fixture
def session(workspace: Workspace, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A session with version 1 of a model, and rows that fit it."""
    (tmp_path / "a.csv").write_text("age,rooms,city\n1,2,rome\n")
    folder = shutil.copytree(saved_models(tmp_path_factory) / "houses", tmp_path / "model")
    signature = decode(Signature, read(folder)["signature"])
    made = Session(environ={**os.environ, "MLMAGIC_HOME": str(workspace.root)}, start=tmp_path)
    made.models.register(
        "houses", folder, origin=ModelOrigin(), signature=signature, now=datetime(2026, 1, 1, tzinfo=UTC)
    )
    return made


def test_whoever_is_killed_one_batch_prediction_is_made(
    session: Session, workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    importlib.import_module("google.cloud.aiplatform_v1")
    importlib.import_module("google.cloud.storage")
    client = GoogleClient(emulator_settings(emulator.root))
    plan = plan_predict_files("houses", inputs=str(tmp_path / "a.csv"), output=str(tmp_path / "b.csv"), session=session)

    def backend() -> GoogleBackend:
        return GoogleBackend(workspace, name="emulator", client=client)

    first, *others = POINTS
    assert in_a_child(lambda: backend().submit(plan.spec, plan.package), first, STEPS) == -signal.SIGKILL
    for point in others:
        assert in_a_child(lambda: backend().list(), point, STEPS) == -signal.SIGKILL, point
    assert in_a_child(lambda: backend().list(), "never", STEPS) == 0
    (summary,) = session.jobs.list()
    (job,) = client.jobs.batches.list(workspace_filter(workspace_label(str(workspace.root))))
    remote = read_remote(workspace.job(summary.id))
    assert remote is not None
    assert (remote.name, remote.attempt, remote.earlier) == (job.name, 1, ())
    client.jobs.batches.cancel(job.name)
