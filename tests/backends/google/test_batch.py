"""Batch predictions on Vertex AI: sent once, and what they leave here is what a run here leaves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from support.tensorflow_models import saved_models
from support.vertex import until

from mlmagic.api.batch_prediction import predict_files
from mlmagic.api.job import Job
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.client.batch import BatchCalls
from mlmagic.backends.google.names import workspace_filter, workspace_label
from mlmagic.backends.google.remote import RemoteJob
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import JobFailed, UsageError
from mlmagic.runtime.signature import read
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.job import JobState
from mlmagic.spec.model import ModelOrigin, Signature
from mlmagic.testing.backends import PATIENCE_SECONDS, wait_for

pytestmark = pytest.mark.slow
HOUSES = "id,age,rooms,city\nh1,2.5,3,paris\nh2,1,2,rome\nbad,x,1,rome\nh2,1,2,rome\n007,10,1,oslo\n"
Predict = Callable[..., Job]


class Faults(Protocol):
    """Switches on a fault of the emulator."""

    def __call__(self, rpc: str, **told: Any) -> None: ...


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Signature]:
    """The model `houses`, and what it takes."""
    folder = saved_models(tmp_path_factory) / "houses"
    return folder, decode(Signature, read(folder)["signature"])


@pytest.fixture
def session(
    emulator: Emulator, tmp_path: Path, saved: tuple[Path, Signature], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    """A session that runs jobs on the emulator, in an empty folder with `a.csv`, with version 1 of `houses`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".mlmagic").mkdir()
    (tmp_path / "a.csv").write_text(HOUSES)
    shutil.copytree(saved[0], tmp_path / "model")
    (tmp_path / ".mlmagic" / "emulator").symlink_to(emulator.root)
    made = Session(environ={**os.environ, "MLMAGIC_BACKEND": "emulator"}, start=tmp_path)
    made.models.register(
        "houses", tmp_path / "model", origin=ModelOrigin(), signature=saved[1], now=datetime(2026, 1, 1, tzinfo=UTC)
    )
    yield made
    made.close()


@pytest.fixture
def predict(session: Session) -> Predict:
    def predict(output: str = "out.csv", **given: object) -> Job:
        words = {"inputs": "a.csv", "max_rejected": 1, "backend": "emulator", "yes": True, **given}
        return predict_files("houses", output=output, session=session, **words)  # type: ignore[arg-type]

    return predict


def remote_jobs(emulator: Emulator, session: Session) -> list[RemoteJob]:
    label = workspace_filter(workspace_label(str(session.location.root)))
    return GoogleClient(emulator_settings(emulator.root)).jobs.batches.list(label)


def tree(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and ".parts" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_it_leaves_what_a_run_here_leaves(predict: Predict, emulator: Emulator, session: Session) -> None:
    said: list[str] = []
    session.tell = said.append
    job = predict("there.csv", columns="price=prediction,id").wait(timeout=PATIENCE_SECONDS)
    assert said == ["houses-predictions: writing the rows as instances"]
    predict("here.csv", columns="price=prediction,id", backend="local").wait(timeout=PATIENCE_SECONDS)
    assert Path("there.csv").read_bytes() == Path("here.csv").read_bytes()
    assert tree(Path("there-errors")) == tree(Path("here-errors"))
    record = session.jobs.get(job.id)
    assert record.metrics == {"rows": 4.0, "rows_rejected": 1.0}
    assert record.message == "4 rows predicted by houses@1: there.csv · 1 rejected: there-errors"
    assert "4 rows predicted by houses@1" in job.logs()
    assert [one.state for one in remote_jobs(emulator, session)] == ["JOB_STATE_SUCCEEDED"]
    assert not session.location.job(job.id).batch.exists()


def test_input_may_be_in_the_bucket(predict: Predict, emulator: Emulator) -> None:
    (emulator.buckets / emulator.bucket / "a.csv").write_text("id,age,rooms,city\nh1,2.5,3,paris\n")
    job = predict(inputs=f"gs://{emulator.bucket}/*.csv", columns="id,prediction")
    job.wait(timeout=PATIENCE_SECONDS)
    assert Path("out.csv").read_text() == "id,prediction\nh1,6.5\n"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_call_without_an_answer_makes_one_job(
    predict: Predict, emulator: Emulator, session: Session, fault: Faults, when: str
) -> None:
    fault("CreateBatchPredictionJob", drop=when, times=1)
    job = predict()
    until(lambda: bool(remote_jobs(emulator, session)))
    job.cancel()
    assert wait_for(session.jobs, job.id).state is JobState.CANCELLED
    assert len(remote_jobs(emulator, session)) == 1
    assert not Path("out.csv").exists()


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_is_killed_while_it_is_sent_leaves_one_job(
    predict: Predict, emulator: Emulator, session: Session, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    create = BatchCalls.create

    def killed(calls: BatchCalls, message: Mapping[str, Any]) -> RemoteJob:
        if when == "after":
            create(calls, message)
        raise KeyboardInterrupt  # what it leaves is what a kill leaves

    with monkeypatch.context() as patch:
        patch.setattr(BatchCalls, "create", killed)
        with pytest.raises(KeyboardInterrupt):
            predict()
    (job,) = session.jobs.list()
    until(lambda: session.jobs.get(job.id).state is not JobState.QUEUED)
    session.jobs.cancel(job.id)
    assert wait_for(session.jobs, job.id).state is JobState.CANCELLED
    assert len(remote_jobs(emulator, session)) == 1


def test_an_input_that_does_not_fit_is_told_and_nothing_is_sent(
    predict: Predict, emulator: Emulator, session: Session
) -> None:
    Path("a.jsonl").write_text('{"id": 1, "age": 2}\n')
    with pytest.raises(JobFailed, match=r"The input does not have what the model takes\.") as raised:
        predict(inputs="a.jsonl").wait(timeout=PATIENCE_SECONDS)
    assert "column rooms is missing." in str(raised.value)
    assert not remote_jobs(emulator, session)


def test_an_engine_of_this_machine_is_refused(predict: Predict, session: Session) -> None:
    with pytest.raises(UsageError, match="cannot run on Vertex AI") as raised:
        predict(engine="onnx")
    assert raised.value.problems == ("--engine chooses what computes on this machine: leave it out",)
    assert not session.jobs.list()


def test_one_that_runs_too_long_is_ended(
    session: Session, emulator: Emulator, tmp_path: Path, saved: tuple[Path, Signature]
) -> None:
    folder = shutil.copytree(saved[0].with_name("forever"), tmp_path / "endless")
    signature = decode(Signature, read(folder)["signature"])
    session.models.register(
        "forever", folder, origin=ModelOrigin(), signature=signature, now=datetime(2026, 1, 1, tzinfo=UTC)
    )
    Path("x.csv").write_text("x\n1\n")
    job = predict_files("forever", inputs="x.csv", output="y.csv", timeout=1, backend="emulator", session=session)
    ended = wait_for(session.jobs, job.id)
    assert (ended.state, ended.message) == (JobState.FAILED, "the program ran longer than its timeout of 1 s")
    assert [one.state for one in remote_jobs(emulator, session)] == ["JOB_STATE_CANCELLED"]
    assert not Path("y.csv").exists()
