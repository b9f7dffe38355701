"""Inputs that may lack values, as those of models that were trained on a dataset may."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlmagic.errors import PredictionError
from mlmagic.serving.prediction import predict_with
from mlmagic.serving.rows import Rows, read_rows
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec

SIGNATURE = Signature(
    inputs=tuple(
        TensorSpec(name=name, dtype=dtype, shape=(None,), optional=True)
        for name, dtype in (("miles", "float32"), ("doors", "int64"), ("city", "string"), ("key", "string"))
    ),
    outputs=(
        TensorSpec(name="prediction", dtype="float32", shape=(None,)),
        TensorSpec(name="key", dtype="string", shape=(None,)),
    ),
)
MISSING_INTEGER = -(2**63)


def read(instances: Any) -> Rows:
    return read_rows(instances, SIGNATURE, "m@1")


def values(rows: Rows) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in rows.columns.items()}


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, pd.NaT, np.float64("nan")])
def test_a_missing_value_gets_its_stand_in(missing: Any) -> None:
    found = values(read([{"miles": missing, "doors": missing, "city": missing, "key": missing}]))
    assert math.isnan(found["miles"][0])
    assert (found["doors"], found["city"], found["key"]) == ([MISSING_INTEGER], [""], [""])


def test_a_row_may_leave_out_what_it_does_not_know() -> None:
    found = values(read([{"miles": 1.5, "doors": 4, "city": "Bonn"}, {"miles": 2.5}, {"doors": True, "city": "Köln"}]))
    assert found["doors"] == [4, MISSING_INTEGER, 1]
    assert found["city"] == ["Bonn", "", "Köln"]
    assert math.isnan(found["miles"][2])


def test_what_no_row_has_was_forgotten_unless_it_is_only_handed_on() -> None:
    with pytest.raises(PredictionError) as caught:
        read([{"miles": 1.5, "city": "Bonn"}])
    assert caught.value.problems == ("doors is in none of the instances; null says that it is missing",)
    assert "doors (int64 or null)" in str(caught.value.hint)


def test_a_frame_may_have_missing_values_in_all_columns() -> None:
    frame = pd.DataFrame({"miles": [1.5, None], "doors": [4, None], "city": ["Bonn", None]})
    found = values(read(frame))
    assert found["doors"] == [4, MISSING_INTEGER]
    assert found["city"] == ["Bonn", ""]
    assert found["key"] == ["", ""]


def test_nullable_and_boolean_columns_are_whole_numbers() -> None:
    frame = pd.DataFrame({"miles": [1, 2], "city": ["a", "b"], "doors": pd.array([True, None], dtype="boolean")})
    assert values(read(frame))["doors"] == [1, MISSING_INTEGER]
    frame["doors"] = pd.array([None, 7], dtype="Int64")
    assert values(read(frame))["doors"] == [MISSING_INTEGER, 7]


def test_a_frame_without_a_column_is_told() -> None:
    with pytest.raises(PredictionError) as caught:
        read(pd.DataFrame({"miles": [1.0], "door": [4], "city": ["Bonn"]}))
    assert caught.value.problems == ("column 'doors' is missing. Did you mean door?",)


class Echo:
    """A model that hands its key on."""

    signature = Signature(
        inputs=(TensorSpec(name="key", dtype="int64", shape=(None,), optional=True),),
        outputs=(TensorSpec(name="key", dtype="int64", shape=(None,)),),
    )

    def predict(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        return dict(columns)


def test_a_key_that_is_missing_comes_back_missing() -> None:
    version = ModelVersion(model="m", number=1, create_time=datetime.now(UTC), signature=Echo.signature)
    frame = predict_with(Echo(), version, pd.DataFrame({"key": [7, None]}))
    assert frame["key"].tolist() == [7, None]


def test_values_that_are_there_must_still_fit() -> None:
    with pytest.raises(PredictionError) as caught:
        read([{"miles": "x", "doors": 1.5, "city": 3}, {"miles": None, "doors": None, "city": None}])
    assert caught.value.problems == (
        'instances[0].miles: expected a number, got "x"',
        "instances[0].doors: expected a whole number, got 1.5",
        "instances[0].city: expected a string, got 3",
    )
