"""Preprocessing on Dataflow, as the emulator runs it: the same dataset as here, the same words when it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.same_statistics import assert_same
from support.vertex import until

from mlmagic.api.datasets import Dataset, dataset
from mlmagic.api.job import Job
from mlmagic.api.preprocessing import preprocess
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.remote import RemoteRecord, read_remote
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.errors import JobFailed, UsageError
from mlmagic.session import Session
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CLEAN = """
def clean(batch):
    kept = batch[batch["fare"].notna()]
    kept = kept.merge(zones, on="zone", how="left")
    return kept.assign(long=kept["miles"] > 5)
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("dataflow")
    session = Session(environ={**os.environ, "MLMAGIC_HOME": str(folder / ".mlmagic")}, start=folder)
    backend = session.backend("emulator")  # which starts the emulator
    yield session
    backend.close()
    session.stop_emulator()


@pytest.fixture(scope="module")
def rides(session: Session) -> Path:
    """Three files with a column of each kind, missing fares, and a row that is bad."""
    folder = session.workspace.root.parent / "rides"
    folder.mkdir()
    for number in range(3):
        lines = [
            f"{number}-{row},{'' if row % 50 == 0 else row / 4},{row % 9},z{row % 4},2013-05-0{1 + row % 9}"
            for row in range(400)
        ]
        bad = ["x,not a fare,1,z1,2013-05-01"] if number == 1 else []
        (folder / f"rides-{number}.csv").write_text("\n".join(["id,fare,miles,zone,day", *lines, *bad]) + "\n")
    return folder


def start(session: Session, rides: Path, source: str = CLEAN, name: str = "rides", **options: Any) -> Job:
    import pandas as pd

    zones = pd.DataFrame({"zone": ["z0", "z1", "z2"], "borough": ["a", "b", "a"]})
    flags: dict[str, Any] = {
        "input": f"{rides}/*.csv",
        "target": "fare",
        "key": "id",
        "backend": "emulator",
        "ship": {"zones": zones},
    }
    return preprocess(name, source=source, session=session, **{**flags, **options})


@pytest.fixture(scope="module")
def made(session: Session, rides: Path) -> Dataset:
    job = start(session, rides, labels={"team": "rides"}, workers=3, cores=2).wait()
    assert job.state is JobState.SUCCEEDED
    return dataset("rides@1", session=session)


def test_a_dataset_of_dataflow_is_that_of_this_machine(session: Session, rides: Path, made: Dataset) -> None:
    start(session, rides, runner="local").wait()
    here = dataset("rides@2", session=session)
    assert here.schema == made.schema
    assert_same(here.statistics, made.statistics)
    assert {split: here.read(split).equals(made.read(split)) for split in here.schema.rows} == dict.fromkeys(
        here.schema.rows, True
    )


def remote_of(session: Session, job_id: str) -> RemoteRecord:
    remote = read_remote(session.workspace.job(job_id))
    assert remote is not None
    return remote


def test_it_was_a_job_of_dataflow_with_our_labels(session: Session, made: Dataset) -> None:
    remote = remote_of(session, made.origin.job_id or "")
    client = GoogleClient(emulator_settings(session.workspace.emulator))
    job = client.pipelines.get(remote.name or "")
    assert (job.state, job.labels["team"], job.labels["mlmagic-attempt"]) == ("JOB_STATE_DONE", "rides", "1")
    assert client.pipelines.counters(job.name)["rows_read"] == 1201


def test_its_origin_tells_of_the_bucket_and_of_the_files_here(session: Session, rides: Path, made: Dataset) -> None:
    bucket = emulator_settings(session.workspace.emulator).bucket
    assert made.origin.location == f"{bucket}/mlmagic/jobs/{made.origin.job_id}/model"
    assert [file.path for file in made.origin.inputs] == [str(path) for path in sorted(rides.glob("*.csv"))]
    assert "fare" in (made.origin.cell or "def clean")


def test_the_log_has_what_dataflow_said_and_the_bucket_nothing_unfinished(session: Session, made: Dataset) -> None:
    log = session.jobs.logs(made.origin.job_id or "").text
    client = GoogleClient(emulator_settings(session.workspace.emulator))
    names = [found.name for found in client.storage.list_objects(f"{(made.origin.location or '')[:-6]}/")]
    assert "Workers have started successfully." in log
    assert "fetched the dataset: " in log
    assert all("/model/" in name for name in names)


WAITING = """
def clean(batch):
    import pathlib
    import sys
    import time
    is_worker = not sys.argv[0].endswith("task.py")  # which looks at the first rows, here
    while is_worker and batch["id"].str.startswith("1-").any() and not pathlib.Path({gate!r}).exists():
        time.sleep(0.05)
    return batch.drop(columns="filler")
"""


def test_a_running_job_says_how_many_rows_it_has_read(session: Session, tmp_path: Path) -> None:
    for number in range(2):  # of 5 MB, so that each is a unit of its own
        lines = [f"{number}-{row},{row},{'x' * 5000}" for row in range(1000)]
        (tmp_path / f"{number}.csv").write_text("\n".join(["id,fare,filler", *lines]) + "\n")
    gate = tmp_path / "gate"
    job = start(session, tmp_path, WAITING.format(gate=str(gate)), "waiting", ship={})
    try:
        assert until(lambda: [text for text in [job.record.message] if text and "read" in text]) == ["1,000 rows read"]
    finally:
        gate.touch()
    assert job.wait().state is JobState.SUCCEEDED


SHORT = "def clean(batch):\n    return batch[(batch['miles'] < 5) & batch['fare'].notna()]\n"


def test_it_is_described_plotted_compared_and_deleted_as_any(session: Session, rides: Path, made: Dataset) -> None:
    again = start(session, rides, SHORT, ship={}).wait()
    newest = dataset("rides", session=session)
    assert again.record.dataset_version == str(newest)
    assert "fare" in str(newest.describe())
    assert "miles" in str(made.diff(newest))
    assert "Deleted too: " in str(newest.delete(yes=True))
    assert dataset("rides", session=session).number < newest.number


@pytest.fixture(scope="module")
def many(session: Session) -> Path:
    """More rows than are looked at before the pipeline is sent."""
    path = session.workspace.root.parent / "many.csv"
    path.write_text("\n".join(["id,fare", *(f"{row},{row / 4}" for row in range(9000))]) + "\n")
    return path


FAILING = """
def clean(batch):
    if {} in set(batch["id"]):
        raise KeyError("a ride")
    return batch
"""


def test_rows_that_are_rejected_are_told_with_the_files_of_this_machine(session: Session, rides: Path) -> None:
    with pytest.raises(JobFailed) as caught:
        start(session, rides, "def clean(batch):\n    return batch\n", name="bad", ship={}).wait()
    assert "25 of 1,201 rows were rejected" in str(caught.value)
    assert f"such as {rides}/rides-1.csv:402: fare:" in str(caught.value)


@pytest.mark.parametrize("ride", [7, 8999])  # one is seen before the pipeline is sent, one by a worker
def test_what_clean_raises_points_at_the_cell(session: Session, many: Path, ride: int) -> None:
    with pytest.raises(JobFailed) as caught:
        start(session, many, FAILING.format(ride), name="failing", input=str(many), ship={}).wait()
    error = caught.value.job.record.error  # type: ignore[attr-defined]
    assert error is not None
    assert "KeyError: 'a ride'" in error.message
    assert ", line 4, in clean" in (error.traceback or "")
    assert "site-packages" not in (error.traceback or "")


def test_inputs_that_are_not_there_are_told_as_here(session: Session, rides: Path) -> None:
    bucket = emulator_settings(session.workspace.emulator).bucket
    with pytest.raises(JobFailed) as caught:
        start(session, rides, name="nothing", input=f"{bucket}/none/*.csv").wait()
    error = caught.value.job.record.error  # type: ignore[attr-defined]
    assert error is not None
    assert f"{bucket}/none/*.csv: no such file" in f"{error.message} {error.details}"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"output": "gs://b/rides"}, "--output: the dataset is written into the bucket of the settings"),
        ({"memory": "8GB"}, "--memory: name a type of machine that has it"),
        ({"args": ["--project=p"]}, "--project after --: that is said by %mlmagic use google --project"),
        ({"input": "bq://p.d.t"}, "the emulator of Google Cloud has no BigQuery"),
        ({"runner": "FlinkRunner"}, "runner 'FlinkRunner' is none of Google Cloud's"),
    ],
)
def test_what_does_not_fit_dataflow_is_told_at_once(
    session: Session, rides: Path, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        start(session, rides, name="never", **options)
    assert told in str(caught.value)
    assert not [job for job in session.jobs.list() if job.display_name == "never"]


SLOW = """
import time

def clean(batch):
    time.sleep(600 if 8999 in set(batch["id"]) else 0)
    return batch
"""


def test_a_job_is_cancelled_there_too(session: Session, many: Path) -> None:
    job = start(session, many, SLOW, name="slow", input=str(many), ship={})
    wait_for(session.backend("emulator"), job.id, JobState.RUNNING)
    job.cancel()
    assert wait_for(session.backend("emulator"), job.id).state is JobState.CANCELLED
    client = GoogleClient(emulator_settings(session.workspace.emulator))
    assert client.pipelines.get(remote_of(session, job.id).name or "").state == "JOB_STATE_CANCELLED"
