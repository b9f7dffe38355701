"""From instances to a DataFrame, through real models in real processes."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlmagic
from mlmagic.errors import PredictionError
from mlmagic.serving.pool import PredictorPool
from mlmagic.serving.prediction import predict_frame
from mlmagic.session import Session
from mlmagic.spec.model import ModelOrigin, ModelVersion, Signature, TensorSpec
from mlmagic.workspace.layout import Workspace

Predict = Callable[[str, Any], pd.DataFrame]


def version_of(name: str) -> ModelVersion:
    return ModelVersion(model=name, number=1, create_time=dt.datetime(2026, 1, 31, tzinfo=dt.UTC))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictorPool]:
    pool = PredictorPool(Workspace(tmp_path_factory.mktemp("workspace")))
    yield pool
    pool.close()


@pytest.fixture
def predict(models: Path, pool: PredictorPool) -> Predict:
    """Predictions from a model in a process."""
    return lambda name, instances: predict_frame(pool, version_of(name), models / name, instances)


def test_a_frame_keeps_its_index_and_loses_what_the_model_does_not_take(predict: Predict) -> None:
    frame = pd.DataFrame(
        {"city": ["paris", "rome"], "age": [1.5, 2.0], "rooms": [2, 3], "id": [7, 8]}, index=["a", "b"]
    )
    result = predict("houses", frame)
    assert list(result.columns) == ["prediction"]
    assert result["prediction"].to_dict() == {"a": 4.5, "b": 6.0}


def test_a_series_a_dict_and_json_are_the_same_instance(predict: Predict) -> None:
    instance = {"age": 1, "rooms": 2, "city": "nowhere"}
    results = [
        predict("houses", instance),
        predict("houses", pd.Series(instance)),
        predict("houses", '{"instances": [{"age": 1, "rooms": 2, "city": "nowhere"}]}'),
        predict("houses", [instance]),
    ]
    assert [result["prediction"].tolist() for result in results] == [[4.0]] * 4


def test_a_row_of_a_frame_keeps_its_label(predict: Predict) -> None:
    frame = pd.DataFrame({"age": [1.0, 2.0], "rooms": [1, 1], "city": ["rome", "rome"]}, index=[10, 20])
    assert predict("houses", frame.loc[20]).index.tolist() == [20]


def test_outputs_of_every_kind_come_by_name(predict: Predict) -> None:
    result = predict("answer", {"x": 3, "s": "grüße", "b": True})
    assert list(result.columns) == ["image", "is_b", "pair_0", "pair_1", "raw", "whole", "words"]
    (row,) = result.to_dict("records")
    assert row["image"] == [[3.0, 3.0], [3.0, 3.0]]
    assert (row["is_b"], row["pair_1"], row["raw"], row["whole"], row["words"]) == (
        False,
        -3,
        b"\xff",
        2**40 + 3,
        "GRÜSSE",
    )
    assert result.dtypes.astype(str)["whole"] == "int64"


def test_no_rows_give_no_rows(predict: Predict) -> None:
    empty = pd.DataFrame({"age": [], "rooms": [], "city": []})
    assert predict("houses", empty).to_dict("list") == {"prediction": []}


def test_many_rows_go_in_parts_and_keep_their_order(predict: Predict) -> None:
    numbers = np.arange(100_000, dtype="float32")
    frame = pd.DataFrame({"x": numbers, "s": [f"é{n}" for n in range(100_000)], "b": numbers % 2 == 0})
    result = predict("answer", frame)
    assert result["pair_1"].to_numpy().tolist() == (-numbers).tolist()
    assert result["words"].iloc[99_999] == "É99999"


def test_an_error_of_the_model_is_told_and_leaves_it_warm(predict: Predict) -> None:
    with pytest.raises(
        PredictionError, match=r"answer@1 failed: InvalidArgumentError: assertion failed: .x must be small"
    ):
        predict("answer", {"x": 2e6, "s": "", "b": False})
    assert predict("answer", {"x": 2, "s": "", "b": False})["pair_0"].tolist() == [2]


def test_a_model_that_reads_files_is_refused(predict: Predict) -> None:
    with pytest.raises(
        PredictionError, match=r"read@1 cannot be served: it runs Python code or touches files.*ReadFile"
    ):
        predict("read", ["/etc/passwd"])


def test_all_that_does_not_fit_is_told_at_once(predict: Predict) -> None:
    with pytest.raises(PredictionError) as caught:
        predict("houses", [{"age": "x", "rooms": 1.5, "city": 7}, {"age": None, "rooms": 1, "town": "rome"}])
    assert str(caught.value).splitlines() == [
        "houses@1 cannot take these instances:",
        "  - instances[1].town: the model has no such input.",
        "  - instances[1].city is missing",
        '  - instances[0].age: expected a number, got "x"',
        "  - instances[1].age: expected a number, got null",
        "  - instances[0].city: expected a string, got 7",
        "  - instances[0].rooms: expected a whole number, got 1.5",
        "It takes age (float32), city (string), rooms (int64).",
    ]


def test_the_plain_call_answers_from_the_registry(models: Path, tmp_path: Path) -> None:
    session = Session(environ={"MLMAGIC_BACKEND": "memory"}, start=tmp_path)
    shutil.copytree(models / "vector", tmp_path / "artifact")
    signature = Signature(inputs=(TensorSpec(name="pixels", dtype="float32", shape=(None, 3)),))
    now = dt.datetime.now(dt.UTC)
    session.models.register("taxi", tmp_path / "artifact", origin=ModelOrigin(), signature=signature, now=now)
    assert mlmagic.predict("taxi", [[1, 2, 3]], session=session).to_numpy().tolist() == [[2, 4, 6]]
    with pytest.raises(PredictionError, match=r"taxi@1 cannot take these instances"):
        mlmagic.predict("taxi@1", [["x", 2, 3]], session=session)
    session.close()
