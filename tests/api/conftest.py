"""Sessions of their own, on a workspace of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlmagic.session import Session
from mlmagic.spec.job import JobError, JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.model import ModelOrigin, ModelVersion

NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session whose jobs run in this process."""
    session = Session(environ={"MLMAGIC_BACKEND": "memory"}, start=tmp_path)
    yield session
    session.close()


@pytest.fixture
def register(session: Session, tmp_path: Path) -> Callable[[str], ModelVersion]:
    """Make a version of a model, of which nothing is loaded."""

    def make(model: str) -> ModelVersion:
        artifact = tmp_path / "artifact"
        artifact.mkdir()
        (artifact / "saved_model.pb").write_bytes(b"not read")
        return session.models.register(model, artifact, origin=ModelOrigin(), now=NOW)

    return make


@pytest.fixture
def failed() -> JobRecord:
    """A job that ended with an exception in a cell."""
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="0"))
    frame = "  Cell [5], line 3, in train\n    1 / 0\n"
    traceback = f"Traceback (most recent call last):\n{frame}ZeroDivisionError: division by zero"
    record = JobRecord(
        id="taxi-20260131-000000-0a1b", spec=spec, state=JobState.FAILED, create_time=NOW, update_time=NOW, exit_code=1
    )
    error = JobError(message="ZeroDivisionError: division by zero", traceback=traceback)
    return dataclasses.replace(record, error=error)
