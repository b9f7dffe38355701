"""Predictions beside their instances."""

from __future__ import annotations

import pandas as pd
import pytest

from mlmagic.serving.joining import join_inputs
from mlmagic.spec.model import Signature, TensorSpec

SIGNATURE = Signature(
    inputs=(
        TensorSpec(name="age", dtype="float32", shape=(None,)),
        TensorSpec(name="key", dtype="int64", shape=(None,), optional=True),
    ),
    outputs=(
        TensorSpec(name="delay", dtype="float32", shape=(None,)),
        TensorSpec(name="key", dtype="int64", shape=(None,)),
    ),
)
PREDICTIONS = pd.DataFrame({"delay": [0.5, 0.25], "key": [7, 8]})


def test_all_columns_of_a_frame_stay_and_what_is_handed_on_stands_there_once():
    frame = pd.DataFrame({"age": [1, 2], "key": [7, 8], "note": ["a", "b"]}, index=[10, 20])
    joined = join_inputs(frame, PREDICTIONS.set_axis(frame.index), SIGNATURE)
    assert list(joined.columns) == ["age", "key", "note", "delay"]
    assert joined.loc[20].to_dict() == {"age": 2, "key": 8, "note": "b", "delay": 0.25}


def test_what_happened_and_what_was_predicted_have_two_names():
    frame = pd.DataFrame({"age": [1, 2], "delay": [9.0, 8.0]})
    joined = join_inputs(frame, PREDICTIONS, SIGNATURE)
    assert joined["delay"].tolist() == [9.0, 8.0]
    assert joined["predicted_delay"].tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    "instances",
    [[{"age": 1}, {"age": 2}], {"instances": [{"age": 1}, {"age": 2}]}, pd.DataFrame({"age": [1, 2]})],
)
def test_instances_by_name_become_columns(instances):
    assert list(join_inputs(instances, PREDICTIONS, SIGNATURE).columns) == ["age", "delay", "key"]


def test_one_row_is_one_instance():
    one = PREDICTIONS.iloc[:1]
    assert join_inputs({"age": 1}, one, SIGNATURE)["age"].tolist() == [1]
    assert join_inputs(pd.Series({"age": 1}, name=3), one.set_axis([3]), SIGNATURE).loc[3, "age"] == 1


@pytest.mark.parametrize("instances", [[[1.0], [2.0]], pd.Series([1.0, 2.0]), [1, 2]])
def test_instances_without_names_have_no_columns(instances):
    PREDICTIONS.attrs["model_version"] = "taxi@1"
    joined = join_inputs(instances, PREDICTIONS, SIGNATURE)
    assert list(joined.columns) == ["delay", "key"]
    assert joined.attrs == {"model_version": "taxi@1"}
