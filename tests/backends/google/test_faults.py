"""The network fails in every call that the backend makes, one after the other, whatever they are.

What an operation asks for is taken from the emulator's log of requests, so that a call that is new is failed as well.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from backends.google.conftest import Faults
from support.pipelines import ENDLESS, make_pipeline
from support.studies import submit_study
from support.tensorflow_models import saved_models
from support.vertex import until

from mlmagic.api.batch_prediction import plan_predict_files
from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.client import GoogleClient, connection
from mlmagic.backends.google.names import output_directory, workspace_filter, workspace_label
from mlmagic.backends.google.remote import RemoteJob, RemoteRecord, read_remote, write_remote
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.backends.google.states import state_of
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import BackendError
from mlmagic.runtime.signature import read
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.job import JobState
from mlmagic.spec.model import ModelOrigin, Signature
from mlmagic.testing.backends import FOREVER, PATIENCE_SECONDS, read_log, submit, wait_for, wait_for_text
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace

FAULTS: Mapping[str, Mapping[str, Any]] = {
    "reset before": {"drop": "before"},
    "reset after": {"drop": "after"},
    "429": {"status": 429, "message": "used up"},
    "503": {"status": 503, "message": "try later"},
}
PROGRAM = "print('it ran')\n"
TOLD = re.compile(
    r"cannot [\w :/.-]+: (no answer from Google: (the connection was cut off\.|try later)"
    r"|project emulated-project has asked Google too often for now: used up"
    r"|a quota of project emulated-project in us-central1 is used up: used up)"
)
CREATES = {"CreateCustomJob", "CreateHyperparameterTuningJob", "CreateBatchPredictionJob", "UploadModel"}


class Trip:
    """A workspace on the emulator whose jobs nobody watches: no call is made but by who asks for something."""

    def __init__(self, root: Path, emulator: Emulator, saved: Callable[[], Path]) -> None:
        self.workspace, self.emulator, self.faults = Workspace(root / ".mlmagic"), emulator, Faults(emulator)
        settings = dataclasses.replace(emulator_settings(emulator.root), poll_seconds=0.0)
        self.client, self.job_id, self.count, self.before = GoogleClient(settings), "", 0, frozenset[str]()
        self.pipelines: list[str] = []
        self.saved = saved
        open_workspace(self.workspace)

    @property
    def backend(self) -> GoogleBackend:
        """That of a new kernel."""
        made = GoogleBackend(self.workspace, name="emulator", client=self.client)
        made.close()
        return made

    @property
    def remote(self) -> RemoteRecord:
        """What is kept of the job."""
        remote = read_remote(self.workspace.job(self.job_id))
        assert remote is not None
        return remote

    @property
    def remote_jobs(self) -> list[RemoteJob]:
        """What Google has of the workspace, but for what it had when that was brought back."""
        where = workspace_filter(workspace_label(str(self.workspace.root)))
        calls = self.client.jobs
        found = [*calls.list_custom_jobs(where), *calls.list_tuning_jobs(where), *calls.batches.list(where)]
        return [job for job in found if job.name not in self.before]

    def restore(self) -> None:
        """Bring the workspace back to what was kept."""
        self.faults.clear()
        self.before |= {job.name for job in self.remote_jobs}
        shutil.rmtree(self.workspace.root)
        shutil.copytree(self.workspace.root.with_name("kept"), self.workspace.root)

    def submit(self, source: str = PROGRAM, *, is_study: bool = False) -> None:
        """Submit a program that is new to the bucket; it begins if nothing else was said."""
        self.count += 1
        text = f"{source}# CLOUD_ML_HP_METRIC_FILE {self.workspace.root} {self.count}\n"
        self.job_id = (submit_study if is_study else submit)(self.backend, text).id

    def cancel(self) -> None:
        """Cancel the job, and wait."""
        self.backend.cancel(self.job_id)
        assert wait_for(self.backend, self.job_id).state is JobState.CANCELLED

    def calls(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the requests that the emulator has had."""
        headers = {"authorization": f"Bearer {self.emulator.token}"}
        url = f"{self.emulator.url}/emulator/requests?after={after}"
        answer = httpx.get(url, headers=headers, timeout=60)
        return list(answer.json()["requests"])


@dataclass(frozen=True, slots=True)
class Operation:
    """What a user does, and what is true afterwards, at once or once the network is back."""

    start: Callable[[Trip], None]
    """Once for all tests of the operation; what is in the workspace then is brought back before each."""
    prepare: Callable[[Trip], None]
    act: Callable[[Trip], object]
    check: Callable[[Trip], None]


def nothing(_: Trip) -> None:
    """Do nothing."""


def let_end(trip: Trip) -> None:
    """Submit a job that ends there, and does not end here as nobody has looked."""
    trip.submit()
    (job,) = trip.remote_jobs
    while trip.client.jobs.get_job(job.name).state != "JOB_STATE_SUCCEEDED":
        pass


def let_run(trip: Trip) -> None:
    trip.submit(FOREVER)
    wait_for_text(trip.backend, trip.job_id, "begun")
    trip.workspace.job(trip.job_id).log().unlink()
    trip.workspace.job(trip.job_id).log_cursor.unlink()


def let_end_here(trip: Trip) -> None:
    let_end(trip)
    wait_for(trip.backend, trip.job_id)


def no_start(trip: Trip) -> None:
    trip.faults("machines.start", delay_seconds=3600)


def make_unstarted(trip: Trip) -> None:
    no_start(trip)
    trip.submit()


def make_ended(trip: Trip) -> None:
    make_unstarted(trip)
    trip.cancel()
    output = trip.emulator.buckets / output_directory(trip.emulator.bucket, trip.job_id)
    (output / "checkpoints").mkdir(parents=True, exist_ok=True)
    (output / "checkpoints" / "x").touch()


def check_one(trip: Trip) -> None:
    """One record, one job, which know of each other; or a record that says why it is none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (state := trip.backend.list()[0].state) is not JobState.FAILED and not trip.remote_jobs:
        assert time.monotonic() < deadline
    (summary,) = trip.backend.list()
    for job in trip.remote_jobs:
        trip.client.jobs.cancel_job(job.name)
    if state is JobState.FAILED:
        assert (trip.remote_jobs, "used up" in (summary.error or "")) == ([], True)
    else:
        remote = read_remote(trip.workspace.job(summary.id))
        assert [remote.name if remote else None] == [job.name for job in trip.remote_jobs]


def check_end(trip: Trip) -> None:
    assert wait_for(trip.backend, trip.job_id).state is JobState.SUCCEEDED
    assert read_log(trip.backend, trip.job_id) == "it ran\n"


def check_log(trip: Trip) -> None:
    assert read_log(trip.backend, trip.job_id) == "begun\n"
    assert trip.backend.get(trip.job_id).state is JobState.RUNNING


def check_cancelled(trip: Trip) -> None:
    """It ends, though who cancelled it may have been told to try again."""
    trip.backend.cancel(trip.job_id)
    assert wait_for(trip.backend, trip.job_id).state is JobState.CANCELLED
    assert [job.state for job in trip.remote_jobs] == ["JOB_STATE_CANCELLED"]


def check_gone(trip: Trip) -> None:
    """It is gone, or can be deleted again."""
    for summary in trip.backend.list():
        trip.backend.delete(summary.id)
    assert not [*trip.remote_jobs, *trip.backend.list()]
    output = trip.emulator.buckets / output_directory(trip.emulator.bucket, trip.job_id)
    assert not (output / "checkpoints" / "x").exists()


def let_rows_wait(trip: Trip) -> None:
    """Have a batch prediction whose rows are instances already, but which could not be sent."""
    folder = trip.workspace.root.parent
    shutil.copytree(trip.saved(), folder / "model")
    (folder / "a.csv").write_text("age,rooms,city\n1,2,rome\n")
    session = Session(environ={**os.environ, "MLMAGIC_HOME": str(trip.workspace.root)}, start=folder)
    signature = decode(Signature, read(folder / "model")["signature"])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    session.models.register("houses", folder / "model", origin=ModelOrigin(), signature=signature, now=now)
    plan = plan_predict_files("houses", inputs=str(folder / "a.csv"), output=str(folder / "b.csv"), session=session)
    trip.faults("GetModel", status=503)
    trip.job_id = trip.backend.submit(plan.spec, plan.package).id
    assert trip.backend.get(trip.job_id).state is JobState.QUEUED
    trip.faults.clear()


def make_new_files(trip: Trip) -> None:
    """Have instances and a model that the bucket does not know, and no batch prediction of an earlier time."""
    batches = trip.client.jobs.batches
    for job in batches.list(workspace_filter(workspace_label(str(trip.workspace.root)))):
        batches.cancel(job.name)
        while not state_of(batches.get(job.name).state).is_final:
            pass
        batches.delete(job.name)
    trip.count += 1
    folder = trip.workspace.job(trip.job_id)
    for name in json.loads(folder.batch_prepared.read_bytes())["files"]:
        with (folder.batch / name).open("a") as file:
            file.write(" " * trip.count + "\n")
    extra = trip.workspace.version("houses", 1).root / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / "number").write_text(f"{trip.workspace.root} {trip.count}")


def submit_pipeline(trip: Trip) -> None:
    trip.job_id = trip.backend.submit(*make_pipeline(trip.workspace, trip.workspace.root.parent, ENDLESS, rows=9000)).id
    until(lambda: trip.backend.get(trip.job_id) and trip.remote.name)
    trip.pipelines.append(trip.remote.name or "")


def let_pipeline_run(trip: Trip) -> None:
    submit_pipeline(trip)
    wait_for_text(trip.backend, trip.job_id, "Workers have started successfully.")
    trip.workspace.job(trip.job_id).log().unlink()
    trip.workspace.job(trip.job_id).log_cursor.unlink()


def let_pipeline_wait(trip: Trip) -> None:
    no_start(trip)
    submit_pipeline(trip)


def make_pipeline_again(trip: Trip) -> None:
    """Let the job be another one of Dataflow's, which does not begin: it is asked for as Beam has asked."""
    no_start(trip)
    trip.count += 1
    sent = next(call["request"]["job"] for call in trip.calls() if call["rpc"] == "CreateJob")
    wanted = {**sent, "type": sent.pop("type_"), "name": f"again-{trip.count}", "client_request_id": f"{trip.count}"}
    where = (trip.remote.name or "").rpartition("/")[0]
    headers = {"authorization": f"Bearer {trip.emulator.token}"}
    made = httpx.post(f"{trip.emulator.url}/v1b3/{where}", json=wanted, headers=headers, timeout=60)
    trip.pipelines.append(f"{where}/{made.raise_for_status().json()['id']}")
    write_remote(trip.workspace.job(trip.job_id), dataclasses.replace(trip.remote, name=trip.pipelines[-1]))


def check_pipeline(trip: Trip) -> None:
    assert trip.backend.get(trip.job_id).state is JobState.RUNNING
    assert read_log(trip.backend, trip.job_id).count("Workers have started successfully.") == 1


def check_pipeline_cancelled(trip: Trip) -> None:
    trip.backend.cancel(trip.job_id)
    assert wait_for(trip.backend, trip.job_id).state is JobState.CANCELLED
    assert trip.client.pipelines.get(trip.pipelines[-1]).state == "JOB_STATE_CANCELLED"


OPERATIONS = {
    "submit": Operation(nothing, no_start, Trip.submit, check_one),
    "submit a study": Operation(nothing, nothing, lambda trip: trip.submit(is_study=True), check_one),
    "get": Operation(let_end, nothing, lambda trip: trip.backend.get(trip.job_id), check_end),
    "list": Operation(let_end, nothing, lambda trip: trip.backend.list(), check_end),
    "logs": Operation(let_run, nothing, lambda trip: trip.backend.logs(trip.job_id), check_log),
    "usage": Operation(let_end_here, nothing, lambda trip: trip.backend.usage(trip.job_id), check_end),
    "cancel": Operation(nothing, make_unstarted, lambda trip: trip.backend.cancel(trip.job_id), check_cancelled),
    "predict files": Operation(let_rows_wait, make_new_files, lambda trip: trip.backend.get(trip.job_id), check_one),
    "delete": Operation(nothing, make_ended, lambda trip: trip.backend.delete(trip.job_id), check_gone),
    "follow a pipeline": Operation(
        let_pipeline_run, nothing, lambda trip: trip.backend.logs(trip.job_id), check_pipeline
    ),
    "cancel a pipeline": Operation(
        let_pipeline_wait, make_pipeline_again, lambda trip: trip.backend.cancel(trip.job_id), check_pipeline_cancelled
    ),
}


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """An operation that has been done once, where nothing failed."""

    trip: Trip
    operation: Operation
    rpcs: tuple[str, ...]
    """What it asked for."""

    def again(self, rpc: str, fault: Mapping[str, Any]) -> BackendError | None:
        """Do it with a fault, and return the error; and see that all is well when that is over."""
        self.trip.restore()
        self.operation.prepare(self.trip)
        self.trip.faults(rpc, **fault)
        try:
            self.operation.act(self.trip)
            error = None
        except BackendError as raised:
            error = raised
        self.trip.faults.clear()
        self.operation.check(self.trip)
        return error


def mostly_slow(*, but: str) -> list[Any]:
    """Return all faults, of which one is tried in a hurry, too."""
    return [pytest.param(name, marks=() if name == but else pytest.mark.slow) for name in FAULTS]


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow if "pipeline" in name else ()) for name in OPERATIONS],
)
def rehearsed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, emulator: Emulator
) -> Iterator[Rehearsed]:
    operation = OPERATIONS[request.param]
    trip = Trip(tmp_path_factory.mktemp("trip"), emulator, lambda: saved_models(tmp_path_factory) / "houses")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "_FIRST_PAUSE_SECONDS", 0.001)
        operation.start(trip)
        shutil.copytree(trip.workspace.root, trip.workspace.root.with_name("kept"))
        operation.prepare(trip)
        *_, last = trip.calls() or [{"number": 0}]
        operation.act(trip)
        rpcs = dict.fromkeys(call["rpc"] for call in trip.calls(last["number"]))
        operation.check(trip)
        yield Rehearsed(trip, operation, tuple(rpcs))
        trip.before = frozenset()
        for name in (*(job.name for job in trip.remote_jobs), *trip.pipelines):
            trip.client.jobs.cancel_job(name)


@pytest.mark.parametrize("fault", mostly_slow(but="reset after"))
def test_a_call_that_fails_once_is_made_again(rehearsed: Rehearsed, fault: str) -> None:
    for rpc in rehearsed.rpcs:
        error = rehearsed.again(rpc, {**FAULTS[fault], "times": 1})
        # What a quota forbids is not asked for twice.
        assert (error is not None) == (rpc in CREATES and fault == "429"), (rpc, error)


@pytest.mark.parametrize("fault", mostly_slow(but="429"))
def test_calls_that_always_fail_are_told_in_one_sentence(rehearsed: Rehearsed, fault: str) -> None:
    for rpc in rehearsed.rpcs:
        error = rehearsed.again(rpc, FAULTS[fault])
        # What is to be sent is sent later, and what cannot be looked at is as it was.
        is_told = rehearsed.operation is OPERATIONS["delete"] or (rpc in CREATES and fault == "429")
        is_told &= (rpc, fault) != ("storage.objects.delete", "reset after")  # the next look finds nothing
        assert (error is not None) == is_told, (rpc, error)
        assert error is None or TOLD.fullmatch(error.message), rpc


@pytest.mark.slow
def test_a_call_that_takes_too_long_is_made_again(rehearsed: Rehearsed, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("mlmagic.backends.google.client") and hasattr(module, "TIMEOUT_SECONDS"):
            monkeypatch.setattr(module, "TIMEOUT_SECONDS", 2.0)
    trip = rehearsed.trip
    is_batch = rehearsed.operation is OPERATIONS["predict files"]  # what else it asks, others do, too
    is_batch |= rehearsed.operation is OPERATIONS["cancel a pipeline"]
    for rpc in (one for one in rehearsed.rpcs if one in {*CREATES, "UpdateJob"} or not is_batch):
        # Vertex AI goes on with a call that nobody waits for any more.
        settings = dataclasses.replace(trip.client.settings, settle_seconds=60.0 if rpc in CREATES else 0.0)
        monkeypatch.setattr(trip, "client", GoogleClient(settings))
        assert rehearsed.again(rpc, {"delay_seconds": 4, "times": 1}) is None, rpc
