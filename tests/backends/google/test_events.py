"""Event files as they grow in a bucket; the bucket is one in memory."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.bucket import MemoryBucket
from support.event_files import event, record
from support.kept_endpoints import until

from mlmagic.backends.google import events, objects, watcher
from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.events import events_are_due, fetch_events
from mlmagic.backends.google.refusals import UnavailableError
from mlmagic.backends.google.remote import RemoteRecord, StoredObject
from mlmagic.backends.google.watcher import Watcher
from mlmagic.runtime.agent_lock import take_lock
from mlmagic.runtime.scalars import curves
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import submit, wait_for
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace

REMOTE = RemoteRecord(
    attempt=1, project="p", region="r", sent_time=datetime(2026, 1, 31, tzinfo=UTC), output="gs://b/j"
)
NAME = "j/logs/train/events.out.tfevents.1"
FIRST, SECOND = record(event(1, loss=0.5)), record(event(2, loss=0.25))


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    made = JobFolder(tmp_path / "jobs" / "taxi-20260131-123015-0a1b")
    made.tensorboard_dir.mkdir(parents=True)
    return made


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


def test_each_byte_is_fetched_once(bucket: MemoryBucket, folder: JobFolder) -> None:
    bucket.put(NAME, FIRST)
    fetch_events(bucket, folder, REMOTE)
    fetch_events(bucket, folder, REMOTE)
    bucket.put(NAME, FIRST + SECOND)
    fetch_events(bucket, folder, REMOTE)
    assert bucket.read == [(NAME, 0, len(FIRST)), (NAME, len(FIRST), len(FIRST + SECOND))]
    assert [value for _, _, value in curves(folder.tensorboard_dir)["loss"]] == [0.5, 0.25]


def test_what_a_killed_process_had_fetched_is_not_fetched_again(bucket: MemoryBucket, folder: JobFolder) -> None:
    bucket.put(NAME, FIRST + SECOND)
    path = folder.tensorboard_dir / "train" / "events.out.tfevents.1"
    path.parent.mkdir()
    path.write_bytes(FIRST[:7])
    fetch_events(bucket, folder, REMOTE)
    assert (path.read_bytes(), bucket.read) == (FIRST + SECOND, [(NAME, 7, len(FIRST + SECOND))])


@pytest.mark.parametrize("other", [SECOND, b"", SECOND + FIRST], ids=["as long", "empty", "longer"])
def test_a_file_that_was_replaced_is_replaced(bucket: MemoryBucket, folder: JobFolder, other: bytes) -> None:
    bucket.put(NAME, FIRST)
    fetch_events(bucket, folder, REMOTE)
    bucket.put(NAME, other)
    fetch_events(bucket, folder, REMOTE)
    (path,) = (folder.tensorboard_dir / "train").iterdir()
    assert path.read_bytes() == other


def test_a_file_that_is_written_just_now_waits(
    bucket: MemoryBucket, folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put(NAME, FIRST)
    listed = bucket.storage.list_objects("gs://b/j/logs/")
    bucket.put(NAME, FIRST + SECOND)
    with monkeypatch.context() as patch:
        patch.setattr(bucket.storage, "list_objects", lambda _: listed)
        fetch_events(bucket, folder, REMOTE)
    assert not any((folder.tensorboard_dir / "train").iterdir())
    fetch_events(bucket, folder, REMOTE)
    assert len(curves(folder.tensorboard_dir)["loss"]) == 2


def test_before_the_end_the_bucket_is_asked_seldom(
    bucket: MemoryBucket, folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def told(folder: str) -> list[StoredObject]:
        asked.append(folder)
        return []

    monkeypatch.setattr(bucket.storage, "list_objects", told)
    monkeypatch.setattr(events, "_POLLS", 1e9)
    object.__setattr__(bucket.settings, "poll_seconds", 1.0)
    assert events_are_due(bucket, folder)
    fetch_events(bucket, folder, REMOTE)
    assert (events_are_due(bucket, folder), asked) == (False, ["gs://b/j/logs/"])


def test_what_is_no_event_file_stays_in_the_bucket(bucket: MemoryBucket, folder: JobFolder) -> None:
    for name in ("x.txt", "", "../events.tfevents", "a//events.tfevents", f"{'x' * 300}.tfevents"):
        bucket.put(f"j/logs/{name}", b"x")
    fetch_events(bucket, folder, REMOTE)
    assert bucket.read == []


def test_what_is_too_large_is_told(bucket: MemoryBucket, folder: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LARGEST_BYTES", 10)
    monkeypatch.setattr(objects, "PIECE_BYTES", 4)
    bucket.put(NAME, FIRST)
    bucket.put("j/logs/tfevents", b"0123456789")
    assert fetch_events(bucket, folder, REMOTE) == ["train/events.out.tfevents.1"]
    assert bucket.read == [("j/logs/tfevents", 0, 4), ("j/logs/tfevents", 4, 8), ("j/logs/tfevents", 8, 10)]


PROGRAM = f"""
import os, pathlib, time
log = pathlib.Path(os.environ["AIP_TENSORBOARD_LOG_DIR"]) / "train" / "events.out.tfevents.1"
log.parent.mkdir(parents=True, exist_ok=True)
log.write_bytes({FIRST!r})
print("half way", flush=True)
while not pathlib.Path({{mark!r}}).exists():
    time.sleep(0.1)
with log.open("ab") as file:
    file.write({SECOND!r})
"""


@pytest.mark.slow
def test_curves_and_log_grow_while_a_job_runs_though_nobody_reads_them(
    backend: GoogleBackend, workspace: Workspace, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    job_id = submit(backend, PROGRAM.format(mark=str(mark))).id
    logs = workspace.job(job_id).tensorboard_dir
    until(lambda: "loss" in curves(logs) or backend.get(job_id).state.is_final)
    log = workspace.job(job_id).log()
    until(lambda: log.exists() and "half way" in log.read_text())
    assert backend.get(job_id).state is JobState.RUNNING
    mark.touch()
    assert wait_for(backend, job_id).metrics == {"loss": 0.25}
    assert len(curves(logs)["loss"]) == 2


def test_a_list_of_jobs_never_waits_for_a_log(
    backend: GoogleBackend, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking: list[str] = []
    monkeypatch.setattr(backend._watcher, "_fetch_log", lambda _: asking.append(threading.current_thread().name))
    lock = take_lock(workspace.cloud_lock("emulator"))  # as another process that watches
    assert lock is not None
    submit(backend, PROGRAM.format(mark=str(tmp_path / "mark")))
    until(lambda: backend.list(states={JobState.RUNNING}))
    backend._watcher.look()
    assert not asking
    os.close(lock)
    until(lambda: backend.list() and asking)
    assert set(asking) == {"watch google"}
    (tmp_path / "mark").touch()


def test_a_silent_log_holds_up_the_watch_seldom(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, asked = [0.0], []

    def fetch(job_id: str) -> None:
        asked.append((clock[0], job_id))
        clock[0] += 40.0
        raise UnavailableError("no answer")

    monkeypatch.setattr(watcher, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    watch = Watcher(workspace, JobStore(Database(workspace)), "google", pytest.fail, fetch)
    while clock[0] < 1000.0:
        watch._look_into_log(["a", "b"], 15.0)
        clock[0] += 5.0
    assert asked == [(0.0, "a"), (400.0, "b"), (800.0, "a")]
