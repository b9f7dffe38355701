"""Models of every kind, loaded in this process: only starting processes is slow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlmagic.errors import PredictionError
from mlmagic.serving.engines.load import load_engine
from mlmagic.serving.prediction import predict_with
from mlmagic.spec.model import ModelOrigin, ModelVersion, Signature

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own

Predict = Callable[[str, Any], pd.DataFrame]


class Loaded:
    """An engine that answers without a process."""

    def __init__(self, artifact: Path) -> None:
        self._engine = load_engine(artifact)

    @property
    def signature(self) -> Signature:
        return self._engine.signature

    def predict(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        return self._engine.run(columns)


@pytest.fixture
def predict(models: Path) -> Predict:
    def call(name: str, instances: Any) -> pd.DataFrame:
        origin = ModelOrigin(artifact="keras" if name.endswith(".keras") else "savedmodel")
        version = ModelVersion(model=name, number=1, create_time=dt.datetime.now(dt.UTC), origin=origin)
        return predict_with(Loaded(models / name), version, instances)

    return call


@pytest.mark.parametrize(
    "instances",
    [
        [[1, 2, 3], [4, 5, 6]],
        np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        pd.DataFrame({"a": [1, 4], "b": [2, 5], "c": [3.0, 6.0]}),
        [{"pixels": [1, 2, 3]}, {"pixels": np.array([4, 5, 6])}],
        "[[1, 2, 3], [4, 5, 6]]",
    ],
)
def test_a_vector_comes_in_many_forms(predict: Predict, instances: Any) -> None:
    result = predict("vector", instances)
    assert list(result.columns) == ["prediction_0", "prediction_1", "prediction_2"]
    assert result.to_numpy().tolist() == [[2, 4, 6], [8, 10, 12]]


def test_ragged_outputs_are_lists(predict: Predict) -> None:
    assert predict("ragged", ["one two", "three"])["words"].tolist() == [["one", "two"], ["three"]]


def test_bfloat16_travels_as_float32(predict: Predict) -> None:
    assert predict("half", [3, 5.0])["prediction"].tolist() == [1.5, 2.5]


def test_a_model_of_fixed_batch_size_gets_its_size(predict: Predict) -> None:
    assert predict("fours", [1, 2, 3, 4, 5])["total"].tolist() == [5, 6, 7, 8, 9]


def test_no_rows_for_a_model_of_fixed_batch_size(predict: Predict) -> None:
    assert predict("fours", []).to_dict("list") == {"total": []}


def test_a_keras_file_is_served_too(predict: Predict) -> None:
    assert predict("dense.keras", [[1, 2, 3]]).to_dict("list") == {"prediction_0": [6.0], "prediction_1": [6.0]}


def test_one_value_for_all_instances_is_no_prediction(predict: Predict) -> None:
    with pytest.raises(PredictionError) as caught:
        predict("summed", [1, 2])
    assert str(caught.value) == "the output 'total' of summed@1 has one value for 2 instances."
