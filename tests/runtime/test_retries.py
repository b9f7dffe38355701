from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from support.queued import Jobs

from mlmagic.errors import WorkspaceError
from mlmagic.runtime import closing
from mlmagic.runtime.replicas import read_replicas
from mlmagic.runtime.retries import requeue, retries_left
from mlmagic.spec import codec
from mlmagic.spec.job import ExitRecord, JobError, JobKind, JobRecord, JobState, Placement, ReplicaList
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.layout import JobFolder

Supervise = Callable[..., JobRecord]

FAILS_TWICE = """
import os, pathlib, signal, sys
count = pathlib.Path(os.environ["AIP_CHECKPOINT_DIR"], "count")
tries = len(count.read_text()) if count.exists() else 0
count.write_text("x" * (tries + 1))
print("try", tries + 1, os.listdir(os.environ["AIP_MODEL_DIR"]))
pathlib.Path(os.environ["AIP_MODEL_DIR"], "half.txt").touch()
pathlib.Path(os.environ["AIP_MODEL_DIR"], "folder").mkdir()
if tries == 0:
    os.kill(os.getpid(), signal.SIGKILL)
if tries == 1:
    raise ValueError("bad fare")
"""


def test_what_lasts_is_tried_however_often_it_is_killed(jobs: Jobs, supervise: Supervise) -> None:
    killed = jobs.make("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", kind=JobKind.MONITORING)
    first = supervise(killed)
    assert (first.state, first.message) == (JobState.QUEUED, "attempt 1 failed: ended by SIGKILL; monitoring goes on")
    refused = supervise(jobs.make("raise ValueError('no such endpoint')", kind=JobKind.MONITORING))
    assert (refused.state, refused.message) == (JobState.FAILED, "ValueError: no such endpoint")


def test_monitoring_goes_on_after_the_machine_was_shut_down(jobs: Jobs, supervise: Supervise) -> None:
    shut_down = "import os, signal\nos.kill(os.getppid(), signal.SIGTERM)\nsignal.pause()"
    folder = jobs.make(shut_down, kind=JobKind.MONITORING)
    first = supervise(folder)
    assert (first.state, first.attempt) == (JobState.QUEUED, 1)
    assert "its supervisor got SIGTERM, as when the machine shuts down; monitoring goes on" in str(first.message)
    told = jobs.make("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", kind=JobKind.MONITORING)
    assert supervise(told).state is JobState.QUEUED


def test_what_counts_in_the_cloud_is_paid_for_once(jobs: Jobs, supervise: Supervise) -> None:
    folder = jobs.make("import sys\nsys.exit(1)", kind=JobKind.MONITORING, args=("--runner", "dataflow"))
    assert retries_left(jobs.store.get(folder.id).spec, folder, 1) == 0
    assert supervise(folder).state is JobState.FAILED
    asked_for = jobs.make("pass", kind=JobKind.MONITORING, args=("--runner", "dataflow"), max_retries=2)
    assert retries_left(jobs.store.get(asked_for.id).spec, asked_for, 1) == 2


def test_tried_until_it_succeeds(jobs: Jobs, supervise: Supervise) -> None:
    folder = jobs.make(FAILS_TWICE, max_retries=3)
    first = supervise(folder)
    assert (first.state, first.message) == (JobState.QUEUED, "attempt 1 failed: ended by SIGKILL; 3 retries left")
    assert (first.end_time, first.exit_code, first.error) == (None, None, None)
    assert not folder.exit.exists()
    second, third = supervise(folder), supervise(folder)
    assert second.message == "attempt 2 failed: ValueError: bad fare; 2 retries left"
    assert (third.state, third.attempt, third.start_time) == (JobState.SUCCEEDED, 3, first.start_time)
    lines = [line for line in folder.log().read_text().splitlines() if line.startswith(("try", "mlmagic"))]
    assert lines == [
        "try 1 []",
        "mlmagic: attempt 1 failed: ended by SIGKILL; 3 retries left",
        "mlmagic: attempt 2 of 4 (attempt 1: ended by SIGKILL)",
        "try 2 []",
        "mlmagic: in your notebook:",
        "mlmagic: attempt 2 failed: ValueError: bad fare; 2 retries left",
        "mlmagic: attempt 3 of 4 (attempt 2: ValueError: bad fare)",
        "try 3 []",
    ]


def test_each_failed_attempt_is_kept(jobs: Jobs, supervise: Supervise) -> None:
    folder = jobs.make("raise ValueError('bad fare')\n", max_retries=1)
    supervise(folder)
    kept = codec.loads(ExitRecord, folder.attempt_exit(1).read_bytes())
    assert (kept.attempt, kept.state, kept.exit_code) == (1, JobState.FAILED, 1)
    assert kept.error is not None
    assert "ValueError: bad fare" in (kept.error.traceback or "")
    last = supervise(folder)
    assert (last.state, last.attempt) == (JobState.FAILED, 2)
    assert not folder.attempt_exit(2).exists()
    assert codec.loads(ExitRecord, folder.exit.read_bytes()).start_time == kept.start_time == last.start_time


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("import time; time.sleep(600)", {"timeout_seconds": 0.3}),
        ("pass", {"python": "/nowhere/python"}),
        ("import os, pathlib; pathlib.Path(os.environ['AIP_MODEL_DIR'], 'saved_model.pb').touch()", {"model": "taxi"}),
        ("import os, signal; os.kill(os.getppid(), signal.SIGTERM); signal.pause()", {}),
    ],
)
def test_what_is_not_tried_again(jobs: Jobs, supervise: Supervise, source: str, fields: dict[str, object]) -> None:
    record = supervise(jobs.make(source + "\n", max_retries=3, **fields))
    assert (record.state.is_final, record.attempt) == (True, 1)
    assert record.state is not JobState.SUCCEEDED


def ended(attempt: int) -> ExitRecord:
    error = JobError(message="ValueError: x")
    return ExitRecord(attempt=attempt, state=JobState.FAILED, end_time=datetime.now(UTC), error=error)


def test_a_cancelled_job_is_not_brought_back(jobs: Jobs) -> None:
    folder = jobs.make("pass\n", max_retries=1)
    running(jobs, folder, JobState.CANCELLING)
    assert not requeue(jobs.store, folder, ended(1), message="once more", now=datetime.now(UTC))
    assert jobs.store.get(folder.id).state is JobState.CANCELLING
    assert not folder.attempt_exit(1).exists()


def test_restarts_of_all_attempts_count(jobs: Jobs, supervise: Supervise) -> None:
    folder = jobs.make("import sys; sys.exit(1)\n", max_retries=5, placement=Placement())
    write_atomic(folder.replicas, codec.dumps(ReplicaList(earlier_restarts=2)))
    jobs.store.advance(folder.id, expect={JobState.QUEUED}, to=JobState.QUEUED, now=datetime.now(UTC), attempt=1)
    record = supervise(folder)
    assert (record.attempt, read_replicas(folder).restarts) == (2, 2)
    assert retries_left(record.spec, folder, 2) == 2
    assert retries_left(record.spec, folder, 7) == 0


def running(jobs: Jobs, folder: JobFolder, state: JobState) -> None:
    jobs.store.advance(folder.id, expect={JobState.QUEUED}, to=state, now=datetime.now(UTC), attempt=1)


def test_a_database_that_is_locked_for_a_while_costs_no_attempt(
    jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []

    def locked_at_first(*given: object, **keywords: object) -> bool:
        tries.append(given)
        if len(tries) == 1:
            raise WorkspaceError("the database is locked.")
        return requeue(*given, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(closing, "requeue", locked_at_first)
    assert supervise(jobs.make("raise ValueError('x')\n", max_retries=1)).state is JobState.QUEUED


def test_a_model_folder_that_has_become_a_link_is_not_emptied_through_it(jobs: Jobs, supervise: Supervise) -> None:
    folder = jobs.make("import os\nprint(os.listdir(os.environ['AIP_MODEL_DIR']))\n", max_retries=1)
    elsewhere = jobs.workspace.root / "elsewhere"
    elsewhere.mkdir()
    elsewhere.joinpath("precious").touch()
    folder.model_dir.rmdir()
    folder.model_dir.symlink_to(elsewhere)
    jobs.store.advance(folder.id, expect={JobState.QUEUED}, to=JobState.QUEUED, now=datetime.now(UTC), attempt=1)
    assert supervise(folder).state is JobState.SUCCEEDED
    assert folder.log().read_text().endswith("[]\n")
    assert elsewhere.joinpath("precious").exists()


def test_a_job_that_cannot_be_queued_again_fails(
    jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "PAUSES", ())

    def full(*_: object, **__: object) -> bool:
        raise WorkspaceError("the disk is full.")

    monkeypatch.setattr(closing, "requeue", full)
    record = supervise(jobs.make("raise ValueError('x')\n", max_retries=1))
    assert (record.state, record.message) == (JobState.FAILED, "ValueError: x")
