"""Instances in every form, to what a model takes; and what is said of those that do not fit."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlmagic.errors import PredictionError
from mlmagic.serving.rows import Rows, read_rows
from mlmagic.spec.model import Signature, TensorSpec


def signature(**inputs: str | tuple[str, tuple[int | None, ...]]) -> Signature:
    """Inputs by name: a dtype, or dtype and shape of one instance."""
    pairs = {name: (told, ()) if isinstance(told, str) else told for name, told in inputs.items()}
    return Signature(
        inputs=tuple(TensorSpec(name=name, dtype=dtype, shape=(None, *shape)) for name, (dtype, shape) in pairs.items())
    )


def read(instances: Any, /, **inputs: Any) -> Rows:
    return read_rows(instances, signature(**inputs), "m@1")


def problems(instances: Any, /, **inputs: Any) -> list[str]:
    with pytest.raises(PredictionError) as caught:
        read(instances, **inputs)
    assert caught.value.message == "m@1 cannot take these instances:"
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("float32", [1, 2.5, True], [1.0, 2.5, 1.0]),
        ("float64", [np.float32(0.5), Decimal("1.5"), np.array([2.0])], [0.5, 1.5, 2.0]),
        ("int64", [1, 2.0, np.int8(3), 2**62], [1, 2, 3, 2**62]),
        ("uint64", [2**64 - 1], [2**64 - 1]),
        ("bool", [True, 0, 1.0, np.bool_(0)], [True, False, True, False]),
        ("string", ["a", b"b", {"b64": "Yw=="}, np.str_("d")], ["a", b"b", b"c", "d"]),
        ("string", [dt.date(2026, 1, 31)], ["2026-01-31"]),
        ("string", [dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)], ["2026-01-31T12:00:00+00:00"]),
    ],
)  # fmt: skip
def test_values_of_dicts_become_those_of_the_input(dtype: str, values: list[Any], expected: list[Any]) -> None:
    rows = read([{"x": value} for value in values], x=dtype)
    assert rows.columns["x"].tolist() == expected
    assert rows.columns["x"].dtype == ("O" if dtype == "string" else dtype)


@pytest.mark.parametrize(
    ("dtype", "value", "told"),
    [
        ("float32", "x", 'expected a number, got "x"'),
        ("float32", None, "expected a number, got null"),
        ("float32", [1, 2], "expected a number, got a list of 2"),
        ("float32", {}, "expected a number, got an object"),
        ("float32", 1e300, "1e+300 is out of the range of float32"),
        ("int32", 1.5, "expected a whole number, got 1.5"),
        ("int32", math.nan, "expected a whole number, got NaN"),
        ("int8", 128, "128 is out of the range of int8"),
        ("uint8", -1, "-1 is out of the range of uint8"),
        ("int64", 2**70, f"{2**70} is out of the range of int64"),
        ("int32", "5", 'expected a whole number, got "5"'),
        ("bool", 2, "expected true or false, got 2"),
        ("bool", "true", 'expected true or false, got "true"'),
        ("string", 5, "expected a string, got 5"),
        ("string", None, "expected a string, got null"),
        ("string", math.nan, "expected a string, got NaN"),
        ("string", pd.NA, "expected a string, got a missing value"),
        ("string", {"b64": "*"}, '"b64" does not hold base64 text'),
        ("string", pd.Timedelta("1h"), "expected a string, got Timedelta '0 days 01:00:00'"),
        ("complex64", 1, "expected a complex64 value, which cannot be sent, got 1"),
        ("float32", "x" * 50, f'expected a number, got "{"x" * 36}...'),
    ],
)
def test_values_that_do_not_fit_are_told_with_their_path(dtype: str, value: Any, told: str) -> None:
    assert problems([{"x": value}], x=dtype) == [f"instances[0].x: {told}"]


@pytest.mark.parametrize(
    ("dtype", "column", "expected"),
    [
        ("float32", [1, 2], [1.0, 2.0]),
        ("float32", pd.array([1, None], dtype="Int64"), [1.0, math.nan]),
        ("float32", pd.Series([1.5, None], dtype=object), [1.5, math.nan]),
        ("int64", pd.array([1, 2], dtype="Int32"), [1, 2]),
        ("int64", [1.0, 2.0], [1, 2]),
        ("bool", pd.array([True, False], dtype="boolean"), [True, False]),
        ("bool", [1, 0], [True, False]),
        ("int32", pd.Categorical([3, 4]), [3, 4]),
        ("string", pd.Categorical(["a", "b"]), ["a", "b"]),
        ("string", pd.to_datetime(["2026-02-01 10:00"]), ["2026-02-01T10:00:00"]),
        ("string", pd.to_datetime(["2026-02-01"], utc=True), ["2026-02-01T00:00:00+00:00"]),
        ("string", pd.array(["a", "b"], dtype="string"), ["a", "b"]),
    ],
)  # fmt: skip
def test_columns_of_a_frame_become_those_of_the_input(dtype: str, column: Any, expected: list[Any]) -> None:
    values = read(pd.DataFrame({"x": column}), x=dtype).columns["x"].tolist()
    assert [None if value != value else value for value in values] == [None if e != e else e for e in expected]  # noqa: PLR0124


@pytest.mark.parametrize(
    ("dtype", "column", "told"),
    [
        ("string", ["a", None], "instances[1].x: expected a string, got NaN"),
        ("int64", pd.array([1, None], dtype="Int64"), "instances[1].x: expected a whole number, got a missing value"),
        ("int64", [1.0, 1.5], "instances[1].x: expected a whole number, got 1.5"),
        ("string", pd.to_datetime(["2026-01-31", None]), "instances[1].x: expected a string, got a missing value"),
        ("float32", ["1", "x"], 'instances[0].x: expected a number, got "1"'),
    ],
)
def test_cells_that_do_not_fit_are_told_by_row(dtype: str, column: Any, told: str) -> None:
    assert told in problems(pd.DataFrame({"x": column}), x=dtype)


def test_a_frame_that_lacks_columns_names_them_all() -> None:
    frame = pd.DataFrame({"Age": [1], "rooms": [2], "extra": [3]})
    assert problems(frame, age="float32", rooms="int64", city="string") == [
        "column 'age' is missing. Did you mean Age?",
        "column 'city' is missing.",
    ]


def test_a_column_that_is_there_twice_is_told() -> None:
    assert problems(pd.DataFrame([[1, 2]], columns=["x", "x"]), x="float32") == ["column 'x' is there 2 times"]


def test_only_the_first_problems_are_told() -> None:
    told = problems([{"x": "?"}] * 100, x="float32")
    assert len(told) == 11
    assert told[-1] == "... and 90 more"


def test_nobody_counts_problems_without_end() -> None:
    rows = [{"x": "?", "y": 1, **{f"z{number}": 0 for number in range(20)}}] * 10_000
    assert problems(rows, x="float32", y="float32")[-1] == "... and at least 990 more"
    assert problems([{"x": "?", "y": 1}] * 10_000, x="float32", y="float32")[-1] == "... and at least 990 more"
    assert problems(["?"] * 999, x="float32")[-1] == "... and 989 more"


def test_a_dict_that_does_not_fit_is_told_as_a_whole() -> None:
    assert problems([{"agee": 1, "b": 2}, 5], age="float32", b="float32") == [
        "instances[0].agee: the model has no such input. Did you mean age?",
        "instances[0].age is missing",
        "instances[1]: expected an object with the inputs, got int",
    ]


def test_a_series_is_one_instance_and_may_hold_more() -> None:
    frame = pd.DataFrame({"a": [1.5], "s": ["x"], "more": [0]}, index=["row"])
    rows = read(frame.iloc[0], a="float32", s="string")
    assert (rows.columns["a"].tolist(), rows.columns["s"].tolist(), list(rows.index)) == ([1.5], ["x"], ["row"])


def test_a_column_of_a_frame_is_many_instances() -> None:
    rows = read(pd.DataFrame({"miles": [1.5, 2]}, index=["x", "y"])["miles"], a="float32")
    assert (rows.columns["a"].tolist(), list(rows.index)) == ([1.5, 2.0], ["x", "y"])
    assert "b" in problems(pd.Series([1.0], name="a"), a="float32", b="float32")[0]


@pytest.mark.parametrize(
    "instances", ["[[1, 2], [3, 4]]", [[1, 2], (3, 4)], np.array([[1, 2], [3, 4]]), b'{"instances": [[1, 2], [3, 4]]}']
)
def test_rows_of_numbers_fit_a_vector(instances: Any) -> None:
    assert read(instances, x=("float32", (2,))).columns["x"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "instances", [[1, 2], [[1], [2]], np.array([1, 2]), np.array([[1], [2]]), "[1, [2]]", pd.DataFrame({"x": [1, 2]})]
)
@pytest.mark.parametrize("shape", [(), (1,)])
def test_single_values_fit_a_column_of_either_shape(instances: Any, shape: tuple[int, ...]) -> None:
    rows = read(instances, x=("int64", shape))
    assert rows.columns["x"].shape == (2, *shape)
    assert rows.columns["x"].ravel().tolist() == [1, 2]


@pytest.mark.parametrize(
    ("instances", "told"),
    [
        ([[1, 2], [3]], ["instances[1]: expected a list of 2, got a list of 1"]),
        ([1.0], ["instances[0]: expected a list of 2, got 1.0"]),
        ([[1, "a"]], ['instances[0][1]: expected a number, got "a"']),
        (np.ones((1, 3)), ["instances[0]: expected a list of 2, got a list of 3"]),
        ([[1e300, 1]], ["instances[0][0]: 1e+300 is out of the range of float32"]),
    ],
)  # fmt: skip
def test_vectors_that_do_not_fit_are_told_with_their_place(instances: Any, told: list[str]) -> None:
    assert problems(instances, x=("float32", (2,))) == told


def test_nested_values_keep_their_shape() -> None:
    image = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert read(image, x=("uint8", (2, 2))).columns["x"].tolist() == image
    assert read([{"x": [["a"], ["b"]]}], x=("string", (None, 1))).columns["x"].shape == (1, 2, 1)
    assert problems([[["a"], ["b", "c"]]], x=("string", (None, None))) == [
        "instances[0]: its lists have different lengths"
    ]


def test_lengths_that_differ_between_instances_are_told() -> None:
    assert problems([["a"], ["b", "c"]], x=("string", (None,))) == [
        "instances[1]: its shape [2] is not that of the others"
    ]
    assert read([], x=("string", (None, 3))).columns["x"].shape == (0, 0, 3)


def test_no_instances_have_no_values() -> None:
    rows = read([], a="float32", s="string")
    assert (rows.count, rows.columns["a"].tolist(), rows.columns["s"].tolist()) == (0, [], [])


def test_the_columns_of_a_frame_are_a_vector_in_their_order() -> None:
    frame = pd.DataFrame({"b": [1, 2], "a": [3.0, 4.0]}, index=[7, 8])
    rows = read(frame, x=("float32", (2,)))
    assert rows.columns["x"].tolist() == [[1, 3], [2, 4]]
    assert rows.index.tolist() == [7, 8]
    assert problems(frame.assign(b="x"), x=("float32", (2,)))[0] == 'instances[0].b: expected a number, got "x"'
    (told,) = problems(frame[["a"]], x=("float32", (2,)))
    assert told.startswith("the model takes one vector of 2 values, so 2 columns in their order, but the data has 1;")


@pytest.mark.parametrize(
    ("instances", "told"),
    [
        ("{", 'the instances are not JSON: Expecting property name .*\nFor example: [{"age": 5}]'),
        (b"\xff\xfe\xfd", "the instances are not text in UTF-8: "),
        ('{"instances": 5}', '"instances" must be a list, not int.'),
        (5, "the instances for m@1 are of type int, which it cannot take.\nGive a DataFrame, a list of dicts"),
        (
            [1, 2],
            "m@1 has 2 inputs, so an instance is a dict or a row of a DataFrame.\nIt takes a (float32), b (string[2]).",
        ),
    ],
)
def test_what_holds_no_instances_is_told(instances: Any, told: str) -> None:
    with pytest.raises(PredictionError) as caught:
        read(instances, a="float32", b=("string", (2,)))
    start, _, end = told.partition(".*")
    assert str(caught.value).startswith(start)
    assert end in str(caught.value)


def test_a_request_has_nothing_beside_its_instances() -> None:
    assert problems({"instances": [{"a": 1}], "parameters": {}}, a="float32") == [
        "parameters: a request has instances and nothing else"
    ]
    assert read({"instances": [1, 2]}, instances=("float32", (2,))).columns["instances"].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("dtype", "value", "told"),
    [
        ("string", "\ud800", "it has half a surrogate pair, which is no text"),
        ("float32", 10**400, "a number of hundreds of digits is out of the range of float32"),
        ("int64", 10**5000, "a number of hundreds of digits is out of the range of int64"),
    ],
    ids=["surrogate", "large", "unprintable"],
)
def test_values_that_cannot_be_sent_are_told(dtype: str, value: Any, told: str) -> None:
    assert problems([{"x": value}], x=dtype) == [f"instances[0].x: {told}"]


def test_a_sparse_column_is_taken_for_what_it_holds() -> None:
    frame = pd.DataFrame({"x": pd.arrays.SparseArray([1.0, 0.0])})
    assert read(frame, x="float32").columns["x"].tolist() == [1.0, 0.0]


def test_columns_of_several_levels_are_told() -> None:
    frame = pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("x", "mean")]))
    assert problems(frame, x="float32") == ["the columns have 2 levels of names; give them one: data.columns = [...]"]


def test_json_that_is_nested_without_end_is_told() -> None:
    with pytest.raises(PredictionError, match="nested too deeply"):
        read("[" * 100_000, x="float32")
