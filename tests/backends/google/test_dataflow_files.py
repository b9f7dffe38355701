"""What Dataflow wrote of a dataset into the bucket goes with it, after a yes; nothing beside it does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.dataset_folders import write_dataset

from mlmagic.api.dataset_deletion import _backend_of
from mlmagic.api.datasets import Dataset, dataset
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import BackendError, NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.spec.dataset import DatasetOrigin
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore

JOB = "rides-20260101-000000-0a1b"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def session(emulator: Emulator, tmp_path: Path) -> Iterator[Session]:
    (tmp_path / ".mlmagic").mkdir()
    (tmp_path / ".mlmagic" / "emulator").symlink_to(emulator.root)
    made = Session(environ={**os.environ, "MLMAGIC_HOME": str(tmp_path / ".mlmagic")}, start=tmp_path)
    yield made
    made.close()


@pytest.fixture
def folder(emulator: Emulator) -> Path:
    """The job's folder in the bucket: five files of the dataset, and a file of something else on each side."""
    folder = emulator.buckets / emulator.bucket / "mlmagic" / "jobs" / JOB
    write_dataset(folder / "model")
    for other in ("model-2/kept.json", "logs/kept.json", "model.json"):
        (folder / other).parent.mkdir(exist_ok=True)
        (folder / other).write_text("{}")
    return folder


@pytest.fixture
def rides(session: Session, emulator: Emulator, folder: Path, tmp_path: Path) -> Dataset:
    location = f"gs://{emulator.bucket}/mlmagic/jobs/{JOB}/model"
    session.datasets.register(
        "rides", write_dataset(tmp_path / "made"), origin=DatasetOrigin(job_id=JOB, location=location), now=NOW
    )
    return dataset("rides@1", session=session)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_yes_deletes_the_files_of_the_dataset_alone(rides: Dataset, folder: Path, emulator: Emulator) -> None:
    said = str(rides.delete(yes=True))
    assert "Deleted rides@1, " in said
    assert said.endswith(f" kB, in gs://{emulator.bucket}/mlmagic/jobs/{JOB}/model/.")
    assert "Deleted too: 6 files, " in said
    assert names(folder) == {"model-2/kept.json", "logs/kept.json", "model.json"}


def test_where_nobody_can_be_asked_nothing_is_deleted(rides: Dataset, session: Session, folder: Path) -> None:
    before = names(folder)
    with pytest.raises(
        UsageError, match=r"^deleting rides@1 deletes 6 files, .*, and nobody can be asked here"
    ) as caught:
        rides.delete()
    assert str(caught.value.hint).startswith("Add --yes to the line, or yes=True to the call; --keep-files, ")
    assert (names(folder), session.datasets.resolve("rides").number) == (before, 1)


@pytest.mark.parametrize("answer", [True, False])
def test_who_is_asked_decides(rides: Dataset, session: Session, folder: Path, answer: bool) -> None:
    asked: list[str] = []
    session.ask = lambda question: asked.append(question) or answer  # type: ignore[func-returns-value]
    if answer:
        rides.delete()
    else:
        with pytest.raises(UsageError, match=r"^nothing was deleted: you did not agree to it\."):
            rides.delete()
    assert (folder / "model" / "schema.json").exists() is not answer
    assert [question.endswith("; --yes does it unasked. Go on?") for question in asked] == [True]


def test_a_job_that_begins_while_the_user_is_asked_keeps_its_files(
    rides: Dataset, session: Session, folder: Path
) -> None:
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="d"), dataset="rides@1")

    def ask(_: str) -> bool:
        return bool(JobStore(Database(session.workspace)).create(spec, package_files={}, now=NOW))

    session.ask = ask
    with pytest.raises(BackendError, match=r"^rides@1 is still here, .* could not be deleted: .* trains on it\."):
        rides.delete()
    assert len(names(folder / "model")) == 6


def test_what_was_interrupted_is_finished_by_the_same_line(
    rides: Dataset, session: Session, folder: Path, fault: Callable[..., Any]
) -> None:
    fault("storage.objects.delete", status=403, after=2)
    with pytest.raises(BackendError, match=r"^rides@1 is still here, for its files in the bucket could not be deleted"):
        rides.delete(yes=True)
    assert len(names(folder / "model")) == 4
    fault.clear()  # type: ignore[attr-defined]
    assert "Deleted too: 4 files, " in str(dataset("rides@1", session=session).delete(yes=True))
    assert not names(folder / "model")
    with pytest.raises(NotFoundError):
        dataset("rides@1", session=session)


def test_they_can_be_kept(rides: Dataset, folder: Path) -> None:
    assert "Its files stay in gs://" in str(rides.delete(keep_files=True))
    assert len(names(folder / "model")) == 6


def test_of_an_empty_folder_nothing_is_said(rides: Dataset, folder: Path) -> None:
    shutil.rmtree(folder / "model")
    assert "\n" not in str(rides.delete())


def test_a_bucket_of_googles_may_be_called_like_one_here(rides: Dataset, session: Session, folder: Path) -> None:
    bucket = rides.origin.location.split("/")[2]
    session.configure("google_bucket", f"gs://{bucket}")
    assert _backend_of(session, rides.version).name == "emulator"
    shutil.rmtree(folder)
    assert _backend_of(session, rides.version).name == "google"
    with pytest.raises(UsageError, match=r"^the backend .google. cannot be used") as caught:
        rides.delete()
    assert str(caught.value.hint).endswith("with --keep-files it is deleted here alone.")


@pytest.mark.parametrize("where", ["gs://bucket-of-others/mlmagic/data", "gs://bucket-1/mlmagic/jobs/../..", "model"])
def test_a_place_that_is_no_jobs_of_ours_is_left_alone(session: Session, tmp_path: Path, where: str) -> None:
    session.datasets.register(
        "rides", write_dataset(tmp_path / "made"), origin=DatasetOrigin(job_id=JOB, location=where), now=NOW
    )
    with pytest.raises(UsageError, match=r"which is no folder that mlmagic gave to a job: nothing is deleted\."):
        dataset("rides@1", session=session).delete(yes=True)
    assert session.datasets.resolve("rides").number == 1
