"""Batch predictions as jobs of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.tensorflow_models import saved_models

from mlmagic.api.batch_prediction import predict_files
from mlmagic.errors import JobFailed
from mlmagic.runtime.signature import read
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.job import JobState
from mlmagic.spec.model import ModelOrigin, Signature


@pytest.fixture
def local(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session with the model `houses`, in an empty folder."""
    session = Session(environ=os.environ, start=folder)
    saved = saved_models(tmp_path_factory) / "houses"
    shutil.copytree(saved, folder / "model")
    signature = decode(Signature, read(saved)["signature"])
    session.models.register(
        "houses", folder / "model", origin=ModelOrigin(), signature=signature, now=datetime(2026, 1, 1, tzinfo=UTC)
    )
    yield session
    session.close()


def test_a_job_predicts_and_tells_what_is_wrong(local: Session, folder: Path) -> None:
    (folder / "a.csv").write_text("id,age,rooms,city\n1,2.5,3,paris\n2,x,3,paris\n")
    with pytest.raises(JobFailed) as caught:
        predict_files("houses", inputs="a.csv", output="out.csv", columns="id,prediction", session=local).wait()
    assert "1 of 2 rows were rejected: more than --max-rejected 1% allows." in str(caught.value)
    assert 'such as a.csv:3: age: "x" is not a number in 2,x,3,paris' in str(caught.value)
    job = predict_files(
        "houses", inputs="a.csv", output="out.csv", columns="id,prediction", max_rejected=1, session=local
    ).wait()
    assert (folder / "out.csv").read_text() == "id,prediction\n1,6.5\n"
    record = local.backend().get(job.id)
    assert (record.state, record.metrics) == (JobState.SUCCEEDED, {"rows": 1.0, "rows_rejected": 1.0})
    assert record.message == "1 rows predicted by houses@1: out.csv · 1 rejected: out-errors"
