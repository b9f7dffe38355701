"""Columns as Vertex AI's instances, and its predictions as outputs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mlmagic.errors import PredictionError
from mlmagic.serving.vertex_predictor import VertexPredictor, read_predictions, write_instances
from mlmagic.spec.model import Signature, TensorSpec

HOUSES = Signature(
    inputs=(
        TensorSpec(name="age", dtype="float32", shape=(None, 1)),
        TensorSpec(name="city", dtype="string", shape=(None,)),
    ),
    outputs=(
        TensorSpec(name="price", dtype="float32", shape=(None,)),
        TensorSpec(name="rooms", dtype="int64", shape=(None, 2)),
    ),
)
COLUMNS = {"age": np.array([[1.5], [2.0]], np.float32), "city": np.array([b"Rome", b"Paris"], object)}


def test_columns_become_rows() -> None:
    rows = json.loads(write_instances(COLUMNS, HOUSES))["instances"]
    assert rows == [{"age": [1.5], "city": "Rome"}, {"age": [2.0], "city": "Paris"}]


def test_rows_become_outputs() -> None:
    answer = {"predictions": [{"price": 1, "rooms": [1.0, 2.0]}, {"price": 2.5, "rooms": [3.0, 4.0]}]}
    found = read_predictions(answer, HOUSES, "houses")
    assert found["price"].tolist() == [1.0, 2.5]
    assert (found["rooms"].dtype, found["rooms"].tolist()) == (np.int64, [[1, 2], [3, 4]])


def test_what_only_some_rows_have_besides_is_no_output() -> None:
    rows = [{"price": 1, "rooms": [1, 2], "note": "new"}, {"price": 2, "rooms": [3, 4]}]
    assert read_predictions({"predictions": rows}, HOUSES, "houses").keys() == {"price", "rooms"}


def test_a_single_output_comes_alone_or_by_its_name() -> None:
    one = Signature(inputs=HOUSES.inputs, outputs=HOUSES.outputs[:1])
    assert read_predictions({"predictions": [1.0, 2.0]}, one, "houses")["price"].tolist() == [1.0, 2.0]
    assert read_predictions({"predictions": [{"price": 3.0}]}, one, "houses")["price"].tolist() == [3.0]


def test_what_is_no_answer_is_told() -> None:
    with pytest.raises(PredictionError, match="houses gave an answer that is none of an endpoint"):
        read_predictions({"error": "no"}, HOUSES, "houses")
    with pytest.raises(PredictionError, match=r"^houses gave no price and rooms for each row: \[1\.5, 2\.5\]\.$"):
        read_predictions({"predictions": [1.5, 2.5]}, HOUSES, "houses")


def test_what_is_too_large_is_halved_and_all_who_answered_are_told() -> None:
    versions = iter("12")

    def ask(body: bytes) -> Any:
        count = len(json.loads(body)["instances"])
        rows = [{"price": 1.0, "rooms": [1, 2]}] * count
        return {"predictions": rows, "deployedModelId": next(versions)}

    predictor = VertexPredictor(ask, HOUSES, "houses", largest=60)
    assert predictor.predict(COLUMNS)["price"].tolist() == [1.0, 1.0]
    assert predictor.answered_by == "houses@1, houses@2"


def test_what_is_no_number_in_json_is_not_sent() -> None:
    columns = {**COLUMNS, "age": np.array([[np.nan], [1.0]], np.float32)}
    with pytest.raises(PredictionError) as raised:
        VertexPredictor(lambda _: pytest.fail("it was asked"), HOUSES, "houses").predict(columns)
    assert "JSON has no number for what is to be sent to the endpoint of houses:" in str(raised.value)
    assert "age is NaN or infinite in 1 of 2 rows" in str(raised.value)


def test_what_may_be_missing_goes_as_null() -> None:
    optional = Signature(inputs=(TensorSpec(name="age", dtype="float32", shape=(None,), optional=True),))
    body = write_instances({"age": np.array([np.nan, 1.0], np.float32)}, optional)
    assert json.loads(body) == {"instances": [{"age": None}, {"age": 1.0}]}
    with pytest.raises(PredictionError, match="age is NaN or infinite in 1 of 2 rows"):
        VertexPredictor(lambda _: {}, optional, "houses").predict({"age": np.array([np.nan, np.inf], np.float32)})
