"""Jobs that preprocess are described, compared and repeated like any other."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from mlmagic.api.comparison import compare
from mlmagic.api.description import describe, read_job_reading, remaining_seconds
from mlmagic.api.difference import difference
from mlmagic.api.jobs import job, jobs
from mlmagic.api.progress import ProgressFollower
from mlmagic.backends.base import LogChunk
from mlmagic.backends.memory import MemoryBackend
from mlmagic.session import Session
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.report import Reading, StateChange
from mlmagic.testing.backends import submit, wait_for

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LINE = "Read 100 of 400 bytes: 25 rows\n"
DATA = {"kind": JobKind.PREPROCESSING, "dataset": "taxi"}


@pytest.fixture
def running() -> JobRecord:
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="0"), **DATA)
    began = NOW - timedelta(seconds=20)
    return JobRecord(
        id="taxi-1", spec=spec, state=JobState.RUNNING, create_time=began, update_time=began, start_time=began
    )


def test_it_is_described_by_what_it_has_read(session: Session) -> None:
    record = submit(session.backend(), f"print({LINE.strip()!r})\n", name="taxi", **DATA)
    wait_for(session.backend(), record.id)
    told = job("taxi", session=session).describe()
    assert told.reading is not None
    assert (told.reading.rows, told.reading.fraction, told.progress) == (25, 0.25, None)
    assert told.eta_seconds is None
    assert job("taxi", session=session).dataset_version is None


def test_rate_and_rest_are_told_while_it_runs(running: JobRecord) -> None:
    later = StateChange(state=JobState.RUNNING, time=NOW - timedelta(seconds=5), attempt=2)
    for changes, rate in (((), 5.0), ((later,), 20.0)):
        reading = read_job_reading(running, changes, LINE, NOW)
        assert reading == Reading(rows=25, bytes_done=100, bytes_total=400, bytes_per_second=rate)
        assert remaining_seconds(running, changes, reading, NOW) == 300 / rate


def test_only_preprocessing_reads(running: JobRecord) -> None:
    training = dataclasses.replace(running, spec=dataclasses.replace(running.spec, kind=JobKind.TRAINING))
    assert read_job_reading(training, (), LINE, NOW) is None
    assert read_job_reading(dataclasses.replace(running, start_time=None), (), LINE, NOW) is None
    assert read_job_reading(running, (), "importing\n", NOW) is None


class Log(MemoryBackend):
    """One log that grows as a test says."""

    data = ""

    def logs(self, job_id: str, *, offset: int = 0, role: str = "chief", index: int = 0) -> LogChunk:  # noqa: ARG002
        start = max(0, len(self.data) + offset) if offset < 0 else offset
        return LogChunk(text=self.data[start:], next_offset=len(self.data))


def test_it_is_followed_by_what_is_new(running: JobRecord) -> None:
    log = Log()
    follower = ProgressFollower(log, "taxi-1")
    assert follower.look(running).reading is None
    log.data += LINE
    first = follower.look(running)
    assert first.eta_seconds is not None
    log.data += "Read 400 of 400 bytes: 100 rows\n"
    last = follower.look(running)
    assert last.reading is not None
    assert (last.reading.rows, last.eta_seconds) == (100, 0.0)
    # The rate is that of what was seen, not of the time in which libraries were loaded.
    assert last.reading.bytes_per_second > first.reading.bytes_per_second


def test_lists_and_frames_have_what_it_made(session: Session) -> None:
    submit(session.backend(), "print(1)\n", name="taxi", **DATA)
    ids = [submit(session.backend(), "print(1)\n", name="taxi").id]
    for summary in jobs(session=session):
        wait_for(session.backend(), summary.id)
    assert [row.kind for row in jobs(filter="kind=preprocessing dataset=taxi", session=session)] == ["preprocessing"]
    assert [row.id for row in jobs(filter="-datasetVersion:* kind=training", session=session)] == ids
    assert "dataset_version" in jobs(session=session).to_frame().columns


def test_versions_are_compared_and_differ(running: JobRecord) -> None:
    first, second = (
        dataclasses.replace(running, id=f"taxi-{n}", dataset_version=f"taxi@{n}", metrics={"rows": 7.0 * n})
        for n in (1, 2)
    )
    compared = compare([first, second], now=NOW)
    assert [row.dataset_version for row in compared.jobs] == ["taxi@1", "taxi@2"]
    assert list(compared.to_frame()["dataset_version"]) == ["taxi@1", "taxi@2"]
    training = dataclasses.replace(second, spec=JobSpec(display_name="taxi", package=first.spec.package))
    told = difference(MemoryBackend(), first, MemoryBackend(), training, now=NOW)
    assert [(d.key, d.first, d.second) for d in told.settings] == [
        ("kind", "preprocessing", "training"),
        ("dataset", "taxi", None),
    ]
    assert [(d.key, d.first, d.second) for d in told.results] == [
        ("datasetVersion", "taxi@1", "taxi@2"),
        ("metrics.rows", "7", "14"),
    ]


def test_describing_takes_known_usage(session: Session) -> None:
    record = submit(session.backend(), "print(1)\n", name="taxi", **DATA)
    wait_for(session.backend(), record.id)
    assert describe(session.backend(), record.id).reading is None
