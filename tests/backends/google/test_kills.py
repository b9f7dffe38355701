"""A hundred kills: submissions that end at any point, and whoever takes them up, too; each cell makes one remote job.

The children are forked from this process, which has imported Google's libraries already and has no second thread.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import json
import signal
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from backends.google.conftest import Faults
from requests import Session
from support.doomed import Step, in_a_child
from support.studies import REPORTS, submit_study

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.names import workspace_filter, workspace_label
from mlmagic.backends.google.remote import RemoteJob, read_remote
from mlmagic.backends.google.settings import GoogleSettings, emulator_settings
from mlmagic.emulator.launch import Emulator
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import PATIENCE_SECONDS, submit
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

WHENS = ("before", "after")
RECORD, BUCKET, LOOK, UPLOAD = "the record", "the look at the bucket", "the look for the package", "the upload"
NOTED_FIRST, CREATE, NOTE, SEARCH = "remote.json", "the create call", "its note", "the search by labels"

FIRST = (RECORD, BUCKET, LOOK, UPLOAD, NOTED_FIRST, CREATE, NOTE)
"""What a submission does, in this order."""
DURING = "during the create call"
NEXT = {
    f"after {RECORD}": (BUCKET, LOOK, UPLOAD, NOTED_FIRST, CREATE, NOTE),
    f"after {UPLOAD}": (BUCKET, LOOK, NOTED_FIRST, CREATE, NOTE),
    f"after {NOTED_FIRST}": (SEARCH, BUCKET, LOOK, NOTED_FIRST, CREATE, NOTE),
    f"after {CREATE}": (SEARCH, NOTE),
}
"""Where a submission was killed → what whoever takes it up does."""


@dataclass(frozen=True, slots=True)
class Case:
    """Who is killed where, one after the other."""

    kind: str
    points: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}: {', '.join(self.points)}"


CASES = (
    *(Case(kind, (f"{when} {step}",)) for kind in ("job", "study") for step in FIRST for when in WHENS),
    *(Case("job", (first, f"{when} {step}")) for first, steps in NEXT.items() for step in steps for when in WHENS),
)


def _request(_: Session, request: Any, *__: Any) -> str | None:
    path, _, query = urllib.parse.unquote(request.url).partition("?")
    collection = path.rpartition("/")[2]
    if collection in {"customJobs", "hyperparameterTuningJobs"}:
        return CREATE if request.method == "POST" else SEARCH if "labels.mlmagic-job" in query else None
    if "/upload/" in path:
        return UPLOAD
    return LOOK if "/o/mlmagic/packages/" in path else BUCKET if "/b/" in path else None


def _file(path: Path, target: Path) -> str | None:
    if Path(target).name != "remote.json":
        return None
    return NOTED_FIRST if json.loads(path.read_bytes()).get("name") is None else NOTE


STEPS = (
    Step(Session, "send", _request),
    Step(Path, "replace", _file),
    Step(JobStore, "create", lambda *_: RECORD),
)


class Notebook:
    """A cell, and the kernels that it runs in."""

    def __init__(self, workspace: Workspace, settings: GoogleSettings, case: Case) -> None:
        self.workspace, self.case, self._kind = workspace, case, case.kind
        self.client = GoogleClient(settings)

    def submit(self) -> None:
        """Run the cell. Its program is new to the bucket."""
        text = f"# {self.workspace.root}\n"
        if self._kind == "job":
            submit(self._backend(), text)
        else:
            submit_study(self._backend(), REPORTS + text)

    def look(self) -> None:
        """List the jobs, as another kernel."""
        self._backend().list()

    def remote_jobs(self) -> list[RemoteJob]:
        """What Google has of this workspace."""
        ask = self.client.jobs.list_custom_jobs if self._kind == "job" else self.client.jobs.list_tuning_jobs
        return ask(workspace_filter(workspace_label(str(self.workspace.root))))

    def _backend(self) -> GoogleBackend:
        return GoogleBackend(self.workspace, name="emulator", client=self.client)


@pytest.fixture(autouse=True, scope="module")
def no_program_begins(emulator: Emulator) -> None:
    """Machines take an hour to start: these jobs are about how they are sent."""
    importlib.import_module("google.cloud.aiplatform_v1")
    importlib.import_module("google.cloud.storage")
    Faults(emulator)("machines.start", delay_seconds=3600)


@pytest.fixture
def notebook(request: pytest.FixtureRequest, workspace: Workspace, emulator: Emulator) -> Iterator[Notebook]:
    settings = emulator_settings(emulator.root)
    if DURING in request.param.points:
        settings = dataclasses.replace(settings, settle_seconds=PATIENCE_SECONDS)
    made = Notebook(workspace, settings, request.param)
    yield made
    for job in made.remote_jobs():
        made.client.jobs.cancel_job(job.name)


def check(notebook: Notebook) -> None:
    """See that the one cell has one job here, and that job one in Google Cloud, of which it knows."""
    (summary,) = JobStore(Database(notebook.workspace)).list()
    (job,) = notebook.remote_jobs()
    remote = read_remote(notebook.workspace.job(summary.id))
    assert remote is not None
    assert (remote.name, remote.attempt, remote.earlier) == (job.name, 1, ())
    assert (job.labels["mlmagic-job"], job.labels["mlmagic-attempt"]) == (summary.id, "1")
    assert summary.state in {JobState.QUEUED, JobState.PENDING}


def test_there_are_a_hundred_kills() -> None:
    assert sum(len(case.points) for case in CASES) >= 100
    assert {step for case in CASES for step in case.points} == {f"{w} {s}" for w in WHENS for s in (*FIRST, SEARCH)}


@pytest.mark.parametrize("notebook", CASES, indirect=True, ids=str)
def test_whoever_is_killed_one_job_is_made(notebook: Notebook) -> None:
    *_, last = points = notebook.case.points
    steps = itertools.chain([notebook.submit], itertools.repeat(notebook.look))
    for step, point in zip(steps, points, strict=False):
        assert in_a_child(step, point, STEPS) == -signal.SIGKILL
    is_lost = last == f"before {RECORD}"  # the cell itself has failed, and is run again
    assert in_a_child(notebook.submit if is_lost else notebook.look, "never", STEPS) == 0
    check(notebook)


@pytest.mark.parametrize("notebook", [Case(kind, (DURING,)) for kind in ("job", "study")], indirect=True, ids=str)
def test_a_call_that_is_still_under_way_is_not_made_again(notebook: Notebook, emulator: Emulator) -> None:
    for rpc in ("CreateCustomJob", "CreateHyperparameterTuningJob"):
        Faults(emulator)(rpc, delay_seconds=2, times=1)
    assert in_a_child(notebook.submit, DURING, STEPS) == -signal.SIGKILL
    assert in_a_child(notebook.look, f"before {CREATE}", STEPS) == 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not notebook.remote_jobs():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert in_a_child(notebook.look, f"before {CREATE}", STEPS) == 0
    check(notebook)
