"""Two versions side by side, with real predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.dataset_folders import write_dataset
from support.tensorflow_models import saved_models

from mlmagic.api import prediction_difference
from mlmagic.api.model_difference import diff_models
from mlmagic.api.model_import import import_model
from mlmagic.errors import PredictionError, UsageError
from mlmagic.session import Session
from mlmagic.spec import codec
from mlmagic.spec.dataset import Column, ColumnType, DatasetOrigin, DatasetSchema
from mlmagic.spec.model import ModelOrigin, ModelVersion

NOW = datetime(2026, 1, 31, tzinfo=UTC)
Register = Callable[..., ModelVersion]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session with two models of the same vector, which stay warm."""
    made = saved_models(tmp_path_factory)
    session = Session(environ={"MLMAGIC_BACKEND": "memory"}, start=tmp_path_factory.mktemp("asked"))
    import_model("vector", made / "vector", session=session)
    import_model("vector", made / "vector", session=session)
    import_model("answer", made / "answer", session=session)
    yield session
    session.close()


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, 1.0], "c": [5.0, 6.0]})


def test_the_same_model_answers_alike(asked: Session, frame: pd.DataFrame) -> None:
    found = diff_models("vector@1", "vector@2", data=frame, session=asked)
    assert found.predictions is not None
    assert (found.predictions.rows, found.predictions.source) == (2, "the given data")
    (output,) = found.predictions.outputs
    assert (output.mean, output.largest, found.predictions.largest) == (0.0, 0.0, ())
    assert "They answer all rows alike." in str(found)


@pytest.fixture
def rides(asked: Session, tmp_path: Path) -> str:
    """A dataset with what the models take as columns of numbers, and a target of two values."""
    folder = write_dataset(tmp_path / "made")
    rows = {"train": 3, "eval": 2, "test": 0}
    types = {"a": ColumnType.FLOAT, "b": ColumnType.FLOAT, "c": ColumnType.FLOAT}
    columns = tuple(Column(name=name, type=kind) for name, kind in types.items())
    (folder / "schema.json").write_text(codec.dumps(DatasetSchema(columns=columns, target="c", rows=rows)))
    shards = {"train-00000-of-00002": 1, "train-00001-of-00002": 2, "eval-00000-of-00001": 2}
    for name, count in shards.items():
        frame = pd.DataFrame({"a": [0.5] * count, "b": [1.5] * count, "c": [0.0, 1.0][:count]})
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return str(asked.datasets.register("rides", folder, origin=DatasetOrigin(), now=NOW))


def test_the_rows_of_a_dataset(asked: Session, rides: str) -> None:
    found = diff_models("vector@1", "vector@2", data=rides, session=asked)
    assert found.predictions is not None
    assert (found.predictions.source, found.predictions.rows) == (f"the eval split of {rides}", 2)
    found = diff_models("vector@1", "vector@2", data="rides", split="train", session=asked)
    assert found.predictions is not None
    assert (found.predictions.source, found.predictions.rows) == (f"the train split of {rides}", 3)


def test_a_split_that_is_not_there_is_told(asked: Session, rides: str) -> None:
    with pytest.raises(UsageError, match=r"has no split 'tset'\. Did you mean test"):
        diff_models("vector@1", "vector@2", data=rides, split="tset", session=asked)


def test_the_rows_that_differ_most_come_first(asked: Session, frame: pd.DataFrame) -> None:
    rows = prediction_difference._Rows(frame=frame, source="the given data", target="c")
    one = np.array([1.0, 1.0])
    compared = [prediction_difference._compare_output("out", one, np.array([1.5, 3.0]), is_binary=False)]
    first, second = prediction_difference._largest(compared, rows)
    assert (first.row, first.first, first.second) == ("1", "1", "3")
    assert list(second.values) == ["c", "a", "b"]


def test_rows_that_were_given_must_fit(asked: Session) -> None:
    with pytest.raises(PredictionError):
        diff_models("vector@1", "vector@2", data=pd.DataFrame({"a": ["x"]}), session=asked)


def test_a_version_is_compared_with_the_default(asked: Session) -> None:
    assert diff_models("vector@2", session=asked).first == "vector@1"
    with pytest.raises(UsageError) as raised:
        diff_models("vector", session=asked)
    assert str(raised.value) == (
        "vector@1 is the default of vector: which version is it to be compared with?\n"
        "%models diff vector@1 vector@NUMBER"
    )


def test_models_that_take_other_things(asked: Session) -> None:
    found = diff_models("vector@1", "answer@1", session=asked)
    assert {row.key for row in found.signature} >= {"takes pixels", "takes x"}
    assert found.code_note == "vector@1 and answer@1 came without their code."
    assert "neither was trained on a dataset" in (found.silence or "")


def test_one_and_the_same(asked: Session) -> None:
    found = diff_models("vector@2", "vector@latest", session=asked)
    assert (found.predictions, found.silence, found.code_note, found.metrics) == (None, None, None, ())


def test_all_bad_arguments_are_told_at_once(asked: Session, frame: pd.DataFrame) -> None:
    with pytest.raises(UsageError) as raised:
        diff_models("vector@", "a b", data=frame, split="test", session=asked)
    assert len(raised.value.problems) == 3
    assert raised.value.problems[2] == "a split is of a dataset, not of a DataFrame."


@pytest.fixture
def trained(session: Session, tmp_path: Path) -> Register:
    """Register a version that a job has made."""

    def make(**origin: object) -> ModelVersion:
        artifact = tmp_path / "artifact"
        artifact.mkdir()
        (artifact / "saved_model.pb").write_bytes(b"not read")
        told = ModelOrigin(**{"package_digest": "d1", **origin})  # type: ignore[arg-type]
        return session.models.register("taxi", artifact, origin=told, now=NOW)

    return make


def test_metrics_and_origin(session: Session, trained: Register) -> None:
    trained(metrics={"val_mae": 2.0, "loss": 1.0}, dataset="rides@1")
    trained(metrics={"val_mae": 1.0, "loss": 1.0}, dataset="rides@2")
    found = diff_models("taxi@1", "taxi@2", session=session)
    assert [(row.key, row.first, row.second) for row in found.metrics] == [("val_mae", "2", "1")]
    assert [(row.key, row.first, row.second) for row in found.origin] == [("dataset", "rides@1", "rides@2")]
    assert (found.code, found.code_note) == ((), None)
    assert "there is no dataset 'rides'" in (found.silence or "")


def test_code_that_is_gone(session: Session, trained: Register) -> None:
    trained(job_id="taxi-20260131-000000-0a1b")
    trained(job_id="taxi-20260131-000001-0a1b", package_digest="d2")
    found = diff_models("taxi@1", "taxi@2", session=session)
    assert found.code_note == ("The code differs; a job that made one of them is deleted, so it cannot be shown.")


def compare(first: object, second: object, *, is_binary: bool = False) -> prediction_difference.OutputDifference:
    arrays = (np.asarray(first), np.asarray(second))
    return prediction_difference._compare_output("out", *arrays, is_binary=is_binary).told


def test_numbers_are_compared_by_their_distance() -> None:
    found = compare([1.0, 2.0, np.nan], [1.0, 4.0, np.nan])
    assert (found.first, found.second, found.largest, found.changed) == (1.5, 2.5, 2.0, None)
    assert found.mean == pytest.approx(2 / 3)


def test_a_number_that_became_none_differs_most() -> None:
    assert compare([1.0, 2.0], [1.0, np.nan]).largest == np.inf


def test_classes_are_compared_by_the_most_probable() -> None:
    assert compare([[0.2, 0.8], [0.9, 0.1]], [[0.7, 0.3], [0.6, 0.4]]).changed == 0.5
    assert compare([[2.0, 0.8], [0.9, 0.1]], [[0.7, 0.3], [0.6, 0.4]]).changed is None
    assert compare([0.2, 0.8], [0.7, 0.9], is_binary=True).changed == 0.5
    assert compare([0.2, 0.8], [0.7, 0.9]).changed is None


def test_rows_are_told_by_label_or_class() -> None:
    rows = prediction_difference._Rows(frame=pd.DataFrame({"x": [1.0, 2.0]}), source="the given data")
    odds = prediction_difference._compare_output(
        "odds", np.array([[0.2, 0.8], [0.9, 0.1]]), np.array([[0.7, 0.3], [0.9, 0.1]]), is_binary=False
    )
    labels = [np.array(texts, object) for texts in (["a", "b"], ["c", "b"])]
    label = prediction_difference._compare_output("label", *labels, is_binary=False)
    (alone,) = prediction_difference._largest([odds], rows)
    (both,) = prediction_difference._largest([label, odds], rows)
    assert (alone.first, alone.second) == ("class 1 (0.80)", "class 0 (0.70)")
    assert (both.first, both.second) == ("a (0.80)", "c (0.70)")
    assert (odds.told.first, odds.told.mean) == (None, 0.25)


def test_texts_are_the_same_or_not() -> None:
    found = compare(np.array(["a", "b", "c"], object), np.array(["a", "x", "c"], object))
    assert (found.mean, found.changed) == (None, pytest.approx(1 / 3))
