"""What is told about one job at one moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from mlmagic.api.description import describe, read_job_progress, remaining_seconds
from mlmagic.api.jobs import job
from mlmagic.api.progress import ProgressFollower
from mlmagic.backends.base import LogChunk
from mlmagic.backends.memory import MemoryBackend
from mlmagic.session import Session
from mlmagic.spec.job import JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.report import Progress, StateChange
from mlmagic.testing.backends import FOREVER, submit, wait_for, wait_for_text

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HALF = Progress(epoch=3, epochs=4, step=0, steps=10)


@pytest.fixture
def running() -> JobRecord:
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="0"))
    began = NOW - timedelta(seconds=20)
    return JobRecord(
        id="taxi-1", spec=spec, state=JobState.RUNNING, create_time=began, update_time=began, start_time=began
    )


def test_a_job_is_described_whole(session: Session) -> None:
    source = "print('Epoch 1/2')\nprint('5/5 - 0s - loss: 1')\nprint('Epoch 2/2')\n"
    record = submit(session.backend(), source, name="taxi")
    wait_for(session.backend(), record.id)
    told = job("taxi", session=session).describe()
    assert told.record == session.backend().get(record.id)
    assert [change.state for change in told.changes][-2:] == [JobState.RUNNING, JobState.SUCCEEDED]
    assert (told.progress, told.eta_seconds, told.waiting_for) == (Progress(epoch=2, epochs=2), None, None)
    assert "SUCCEEDED" in str(told)
    assert told.log_tail.endswith("Epoch 2/2\n")


def test_a_running_job_is_described(session: Session) -> None:
    record = submit(session.backend(), FOREVER, name="taxi")
    wait_for_text(session.backend(), record.id, "begun")
    assert job("taxi", session=session).metrics == {}
    assert describe(session.backend(), record.id).record.state is JobState.RUNNING
    session.backend().cancel(record.id)
    wait_for(session.backend(), record.id)


def test_what_is_left_is_told_of_running_jobs_alone(running: JobRecord) -> None:
    assert remaining_seconds(running, (), HALF, NOW) == pytest.approx(20)
    assert remaining_seconds(running, (), None, NOW) is None
    assert remaining_seconds(dataclasses.replace(running, state=JobState.FAILED), (), HALF, NOW) is None
    assert read_job_progress(dataclasses.replace(running, start_time=None), "Epoch 1/2\n") is None


def test_an_attempt_counts_from_its_own_beginning(running: JobRecord) -> None:
    later = StateChange(state=JobState.RUNNING, time=NOW - timedelta(seconds=5), attempt=2)
    assert remaining_seconds(running, (later,), HALF, NOW) == pytest.approx(5)


class Log(MemoryBackend):
    """One log that grows as a test says."""

    def __init__(self, pieces: Sequence[str]) -> None:
        super().__init__()
        self.pieces = list(pieces)
        self.data = ""
        self.offsets: list[int] = []

    def logs(self, job_id: str, *, offset: int = 0, role: str = "chief", index: int = 0) -> LogChunk:  # noqa: ARG002
        self.offsets.append(offset)
        start = max(0, len(self.data) + offset) if offset < 0 else offset
        return LogChunk(text=self.data[start:], next_offset=len(self.data))

    def grow(self) -> None:
        self.data += self.pieces.pop(0)


def test_progress_is_followed_by_what_is_new(running: JobRecord) -> None:
    log = Log(["Epoch 1/2\n", "10/10 - 0s - loss: 1\n", "Epoch 2/2\n"])
    follower = ProgressFollower(log, "taxi-1")
    assert follower.look(running).progress is None
    epochs = []
    for _ in range(3):
        log.grow()
        epochs.append(follower.look(running).progress)
    assert [progress and (progress.epoch, progress.step) for progress in epochs] == [(1, None), (1, 10), (2, None)]
    assert log.offsets[-2:] == [31, 41]


def test_an_attempt_that_begins_anew_is_followed_anew(running: JobRecord) -> None:
    log = Log(["Epoch 2/2\n1/2 - 0s\n", "mlmagic: attempt 2 of 3\nEpoch 1/2\n"])
    follower = ProgressFollower(log, "taxi-1")
    log.grow()
    assert follower.look(running).eta_seconds is not None
    log.grow()
    told = follower.look(running)
    assert (told.progress, told.eta_seconds) == (Progress(epoch=1, epochs=2), None)
