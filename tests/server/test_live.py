from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.event_files import event, record

from mlmagic.server.curves_growing import CurveFolders, GrowingCurves
from mlmagic.server.live import LiveJob, LiveJobs, LiveValues, headline_name, headline_of
from mlmagic.server.live_files import GrowingFile
from mlmagic.spec import codec
from mlmagic.spec.job import JobKind
from mlmagic.spec.usage import UsageSample
from mlmagic.workspace.layout import JobFolder, Workspace

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(seconds=100)
ID = "taxi-20260131-115000-0a1b"


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    folder = Workspace(tmp_path).job(ID)
    folder.logs.mkdir(parents=True)
    return folder


@pytest.fixture
def look(folder: JobFolder) -> Callable[..., LiveValues]:
    jobs: dict[JobKind, LiveJob] = {}
    curves = CurveFolders()

    def look(kind: JobKind = JobKind.TRAINING, **given: Any) -> LiveValues:
        job = jobs.setdefault(kind, LiveJob(folder, kind))
        return job.look(curves, **{"objective": None, "began": BEGAN, "now": NOW, **given})

    return look


def log(folder: JobFolder, text: str, mode: str = "a") -> None:
    with folder.log().open(mode) as file:
        file.write(text)


def use(folder: JobFolder, replica: str, *, cores: float, memory: int, ago: float = 0.0) -> None:
    sample = UsageSample(time=NOW - timedelta(seconds=ago), replica=replica, cores=cores, memory_bytes=memory)
    with folder.usage.open("a") as file:
        file.write(json.dumps(codec.encode(sample)) + "\n")


def measure(folder: JobFolder, step: int, **values: float) -> None:
    path = folder.tensorboard_dir / "train" / "1.tfevents"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(record(event(step, **{f"epoch_{name}": value for name, value in values.items()})))


def test_a_job_that_has_told_nothing_yet_has_nothing(look: Callable[..., LiveValues]) -> None:
    assert look() == LiveValues()


def test_progress_is_followed_in_the_log(folder: JobFolder, look: Callable[..., LiveValues]) -> None:
    log(folder, "Epoch 1/4\n")
    assert look().fraction == 0.0
    log(folder, "\r10/10 ━━━ 1s\nEpoch 3/4\n\r 5/10 ")
    log(folder, "━━━ 1s")
    live = look()
    assert live.fraction == 0.625
    assert live.eta_seconds == pytest.approx(60.0)


def test_a_log_that_starts_anew_has_progress_of_its_own(folder: JobFolder, look: Callable[..., LiveValues]) -> None:
    log(folder, "Epoch 3/4\n")
    look()
    log(folder, "began\n", "w")
    assert look().fraction is None


def test_another_attempt_begins_at_nothing(folder: JobFolder, look: Callable[..., LiveValues]) -> None:
    log(folder, "Epoch 3/4\n")
    look()
    log(folder, "mlmagic: attempt 2 of 3\n")
    assert look().fraction is None


def test_of_a_long_log_only_the_end_is_read(folder: JobFolder, look: Callable[..., LiveValues]) -> None:
    log(folder, "Epoch 1/2\n" + "x\n" * 1_000_000 + "Epoch 2/2\n")
    assert look().fraction == 0.5


def test_what_is_known_outlasts_what_came_too_fast_to_be_read(
    folder: JobFolder, look: Callable[..., LiveValues]
) -> None:
    log(folder, "Epoch 2/2\n1/1")
    look()
    log(folder, "0/10 \n" + "x\n" * 1_000_000 + " 5/10 ━━ 1s")
    assert look().fraction == 0.75


def test_preprocessing_is_as_far_as_it_has_read(folder: JobFolder, look: Callable[..., LiveValues]) -> None:
    log(folder, "Read 1,000 of 4,000 bytes: 12 rows\n")
    live = look(JobKind.PREPROCESSING)
    assert (live.fraction, live.eta_seconds) == (0.25, 300.0)


def test_cores_and_memory_are_those_of_all_replicas_just_now(
    folder: JobFolder, look: Callable[..., LiveValues]
) -> None:
    use(folder, "chief-0", cores=9.0, memory=900, ago=5)
    use(folder, "chief-0", cores=1.5, memory=100)
    use(folder, "worker-0", cores=0.25, memory=10, ago=2)
    use(folder, "worker-1", cores=7.0, memory=700, ago=60)
    assert (look().cores, look().memory_bytes) == (1.75, 110)
    assert look(now=NOW + timedelta(seconds=60)).cores is None


def test_samples_that_are_torn_are_none_and_a_file_that_was_rewritten_is_read_again(
    folder: JobFolder, look: Callable[..., LiveValues]
) -> None:
    use(folder, "chief-0", cores=1.0, memory=100)
    with folder.usage.open("a") as file:
        file.write('{"time": "2026-')
    assert look().cores == 1.0
    other = folder.usage.with_name("other")
    other.write_bytes(folder.usage.read_bytes().replace(b"1.0", b"2.0"))
    other.replace(folder.usage)
    assert look().cores == 2.0


def test_the_headline_grows_with_the_curve(folder: JobFolder, look: Callable[..., LiveValues]) -> None:
    measure(folder, 0, loss=1.0, accuracy=0.1)
    headline = look().headline
    assert headline is not None
    assert (headline.name, headline.value, headline.points) == ("loss", 1.0, (1.0,))
    for step in range(1, 100):
        measure(folder, step, loss=1.0 / step, accuracy=0.1)
    headline = look().headline
    assert headline is not None
    assert headline.value == pytest.approx(1 / 99)
    assert (len(headline.points), headline.points[0]) == (40, 1.0)
    assert headline.points[-1] == headline.value


@pytest.mark.parametrize(
    ("names", "objective", "expected"),
    [
        ({"auc", "val_loss", "loss"}, "auc", "auc"),
        ({"auc", "val_loss", "loss"}, None, "val_loss"),
        ({"auc", "val_loss", "loss"}, "f1", "val_loss"),
        ({"auc", "loss"}, None, "loss"),
        ({"b", "a"}, None, "a"),
        (set(), "auc", None),
    ],
)
def test_the_headline_is_what_matters_most(names: set[str], objective: str | None, expected: str | None) -> None:
    assert headline_name(names, objective) == expected


def test_values_of_single_batches_are_no_headline(tmp_path: Path) -> None:
    (tmp_path / "1.tfevents").write_bytes(record(event(0, batch_loss=1.0)))
    assert headline_of(GrowingCurves(tmp_path).read(), None) is None


def test_few_jobs_are_followed_and_those_that_were_looked_at_last(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlmagic.server.live._MOST_JOBS", 1)
    jobs = LiveJobs(folder.workspace, CurveFolders())
    log(folder, "Epoch 2/4\n")

    def fraction(job_id: str) -> float | None:
        return jobs.look(job_id, JobKind.TRAINING, objective=None, began=BEGAN, now=NOW).fraction

    assert fraction(ID) == 0.25
    assert fraction("taxi-20260131-115000-ffff") is None
    assert fraction(ID) == 0.25


def test_a_growing_file_gives_each_byte_once(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "file")
    assert file.read() == (b"", False)
    (tmp_path / "file").write_bytes(b"one\n")
    assert file.read() == (b"one\n", False)
    assert file.read() == (b"", True)
    with (tmp_path / "file").open("ab") as sink:
        sink.write(b"two\n")
    assert file.read() == (b"two\n", True)


def test_a_growing_file_is_not_opened_while_it_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one\n")
    file = GrowingFile(path)
    file.read()
    path.chmod(0)
    os.utime(path)
    assert file.read() == (b"", True)
