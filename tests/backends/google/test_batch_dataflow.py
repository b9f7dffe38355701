"""Batch predictions by a pipeline on Dataflow, as the emulator runs it: the same files as here, or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.tensorflow_models import saved_models

from mlmagic.api.batch_prediction import plan_predict_files, predict_files
from mlmagic.api.job import Job
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.remote import read_remote
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.errors import JobFailed
from mlmagic.runtime.signature import read
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.job import JobState
from mlmagic.spec.model import ModelOrigin, Signature
from mlmagic.spec.names import parse_model_reference
from mlmagic.testing.backends import PATIENCE_SECONDS, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session with version 1 of `houses`, whose `rooms` may be missing, and two files of rows, some of them bad."""
    folder = tmp_path_factory.mktemp("dataflow")
    session = Session(environ={**os.environ, "MLMAGIC_HOME": str(folder / ".mlmagic")}, start=folder)
    saved = saved_models(tmp_path_factory) / "houses"
    shutil.copytree(saved, folder / "model")
    found = read(saved)
    origin = ModelOrigin(framework_version=found["frameworkVersion"])
    signature = decode(Signature, found["signature"])
    session.models.register("houses", folder / "model", origin=origin, signature=signature, now=datetime.now(UTC))
    for part in (0, 1):
        rows = [f"{part}-{row},{'old' if row == 7 else row},2,rome" for row in range(500)]
        (folder / f"{part}.csv").write_text("\n".join(("id,age,rooms,city", *rows)) + "\n")
    ages = [1.5, None, *map(float, range(89))]
    table = pa.table({"age": ages, "rooms": pa.array([1] * 91, pa.int32()), "city": ["oslo"] * 91})
    pq.write_table(table, folder / "rows.parquet")
    backend = session.backend("emulator")  # which starts the emulator
    yield session
    backend.close()
    session.stop_emulator()


def predict(session: Session, inputs: str, output: str, **options: Any) -> Job:
    folder = session.workspace.root.parent
    given = {"inputs": f"{folder}/{inputs}", "output": f"{folder}/{output}", "session": session, **options}
    return predict_files("houses", **given)


def files_of(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and ".parts" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_files_are_those_of_this_machine(session: Session) -> None:
    folder = session.workspace.root.parent
    job = predict(session, "*.csv", "there", runner="dataflow", backend="emulator").wait(timeout=PATIENCE_SECONDS)
    predict(session, "*.csv", "here", backend="local").wait(timeout=PATIENCE_SECONDS)
    assert sorted(files_of(folder / "there")) == [
        "errors/errors-00000-of-00001.jsonl",
        "predictions-00000-of-00001.csv",
    ]
    assert files_of(folder / "there") == files_of(folder / "here")
    assert job.record.metrics == {"rows": 998.0, "rows_rejected": 2.0}
    client = GoogleClient(emulator_settings(session.workspace.emulator))
    remote = read_remote(session.workspace.job(job.id))
    assert remote is not None
    counted = client.pipelines.counters(remote.name or "")
    assert counted == {"rows_read": 1000, "rows_predicted": 998, "rows_rejected": 2, "rows_failed": 0}
    prefix = (remote.output or "").removeprefix(f"{client.settings.bucket}/")
    assert not [found.name for found in client.storage.list_objects(f"{client.settings.bucket}/{prefix}/parts-1/")]
    assert not session.workspace.job(job.id).batch.exists()


def test_a_limit_is_told_with_the_files_of_this_machine(session: Session) -> None:
    folder = session.workspace.root.parent
    with pytest.raises(JobFailed) as caught:
        predict(session, "rows.parquet", "one.csv", runner="dataflow", backend="emulator").wait(
            timeout=PATIENCE_SECONDS
        )
    assert "1 of 91 rows were rejected: more than --max-rejected 1% allows." in str(caught.value)
    assert f"such as {folder}/rows.parquet:2: age: missing" in str(caught.value)
    assert not (folder / "one.csv").exists()


def test_a_job_that_is_cancelled_leaves_nothing_half_written(session: Session) -> None:
    folder = session.workspace.root.parent
    job = predict(session, "*.csv", "never", runner="dataflow", backend="emulator")
    wait_for(session.backend("emulator"), job.id, JobState.RUNNING)
    job.cancel()
    assert wait_for(session.backend("emulator"), job.id).state is JobState.CANCELLED
    assert not files_of(folder / "never")


def test_workers_get_a_copy_of_what_they_run_and_the_tensorflow_of_the_model(session: Session) -> None:
    folder = session.workspace.root.parent
    given = {"inputs": f"{folder}/0.csv", "output": f"{folder}/out", "runner": "dataflow", "backend": "emulator"}
    plan = plan_predict_files("houses", session=session, **given)
    version = session.models.resolve(parse_model_reference("houses@1")).origin.framework_version
    (pin,) = (pin for pin in plan.package.requirements if pin.startswith("tensorflow"))
    assert pin.endswith(f"=={version}")
    assert b"from predictor.serving.batch.main import main" in plan.package.files["predictor/task.py"]
    assert not [path for path, text in plan.package.files.items() if b"\nfrom mlmagic." in text]
