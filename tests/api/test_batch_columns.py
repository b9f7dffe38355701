"""Columns that a batch prediction needs and the files do not have: told before a job is started."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlmagic.api.batch_prediction import plan_predict_files, predict_files
from mlmagic.errors import UsageError
from mlmagic.session import Session
from mlmagic.spec.model import ModelOrigin, Signature, TensorSpec


@pytest.fixture
def local(session: Session, folder: Path, tmp_path: Path) -> Session:
    """A session with the model `houses`, in an empty folder."""
    inputs = tuple(TensorSpec(name=name, dtype="float32", shape=(None,)) for name in ("age", "rooms"))
    signature = Signature(inputs=inputs, outputs=(TensorSpec(name="price", dtype="float32", shape=(None,)),))
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    (artifact / "saved_model.pb").write_bytes(b"not read")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    session.models.register("houses", artifact, origin=ModelOrigin(), signature=signature, now=now)
    return session


def test_a_wrong_column_starts_no_job(local: Session, folder: Path) -> None:
    (folder / "a.csv").write_text("key,age,rooms\n1,2.5,3\n")
    with pytest.raises(UsageError) as caught:
        predict_files("houses", inputs="*.csv", output="out", columns="id,price", session=local)
    assert str(caught.value) == (
        "--columns has what is not there.\n  - id: neither a column of the input nor a prediction. For the prediction "
        "under that name: --columns id=price.\nThe input has key, age, rooms; predictions are price."
    )
    assert local.jobs.list() == []


def test_all_columns_are_told_at_once(local: Session, folder: Path) -> None:
    (folder / "a.csv").write_text("key,age,roms\n1,2.5,3\n")
    with pytest.raises(UsageError) as caught:
        plan_predict_files("houses", inputs="a.csv", output="out", columns="kez,price", session=local)
    told = str(caught.value)
    assert told.startswith(
        "Some columns do not fit.\n  - column rooms is missing. Did you mean roms?\n  - kez: neither a"
    )
    assert "It has key, age, roms; the model takes" in told
    assert told.endswith("\nThe input has key, age, roms; predictions are price.")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", '{"age": 1.5}\n', {}),
        ("a.csv", "1,2.5,3\n1,2.5,3\n", {}),
        ("a.csv", "1,2.5\n", {"header": False, "column_names": "age,rooms"}),
        ("a.csv", '\ufeff"age";"rooms";"a ""b"""\r\n1;2;3\r\n', {"columns": 'a "b"'}),
        ("a.csv", "age", {}),
    ],
)
def test_what_fits_or_is_not_sure_is_left_to_the_job(
    local: Session, folder: Path, name: str, content: str, words: dict[str, Any]
) -> None:
    (folder / name).write_text(content, newline="")
    assert plan_predict_files("houses", inputs=name, output="out", session=local, **words).spec.args
    assert plan_predict_files("houses", inputs="gs://bucket/a.csv", output="out", session=local).spec.args


def test_columns_of_parquet_are_told(local: Session, folder: Path) -> None:
    pq.write_table(pa.table({"age": [1.5], "price": [2.0]}), folder / "a.parquet")
    with pytest.raises(UsageError) as caught:
        plan_predict_files("houses", inputs="a.parquet", output="out", session=local)
    told = str(caught.value)
    assert "  - column rooms is missing." in told
    assert "  - The input has a column price already, and so is the prediction called." in told
