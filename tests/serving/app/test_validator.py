"""The quick way of checking instances agrees with the exact one, or leaves them to it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.errors import PredictionError
from mlmagic.serving.app.validator import MISFITS, Validator
from mlmagic.serving.rows import read_rows
from mlmagic.spec.model import Signature, TensorSpec

DTYPES = ["float16", "float32", "float64", "bfloat16", "int8", "int32", "int64", "uint8", "uint64", "bool", "string"]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-3, 300),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([65504.0, 65520.0, 3.4028235677973366e38, 3.5e38, 2.0, -0.0]),
    st.text(max_size=3),
    st.lists(st.integers(0, 3), max_size=2),
    st.just({"b64": "YQ=="}),
)
SHAPES = st.sampled_from([(), (), (1,), (2,), (None,), (1, 2)])


def spec(
    name: str, dtype: str = "float32", shape: tuple[int | None, ...] = (), *, optional: bool = False
) -> TensorSpec:
    return TensorSpec(name=name, dtype=dtype, shape=(None, *shape), optional=optional)


def quick(instances: list[Any], signature: Signature) -> list[Any] | None:
    """As a request with these instances is read."""
    validator = Validator(signature)
    row = validator.fit_row(instances[0]) if len(instances) == 1 else None
    if row is None:
        return validator.fit_rows(instances)
    try:
        return [check.to_array((value,)) for check, value in zip(validator.checks, row, strict=True)]
    except MISFITS:
        return None


@st.composite
def requests(draw: st.DrawFn) -> tuple[Signature, list[Any]]:
    names = draw(st.sampled_from([["a"], ["a", "b"], ["a", "b", "c"]]))
    inputs = [spec(name, draw(st.sampled_from(DTYPES)), draw(SHAPES), optional=draw(st.booleans())) for name in names]
    keys = st.dictionaries(st.sampled_from([*names, "z"]), VALUES, min_size=len(names) - 1)
    row = st.fixed_dictionaries(dict.fromkeys(names, VALUES))
    instances = draw(st.lists(st.one_of(row, row, row, keys, VALUES), min_size=1, max_size=3))
    outputs = draw(st.sampled_from([(), (spec("a"),)]))
    return Signature(inputs=tuple(inputs), outputs=outputs), orjson.loads(json.dumps(instances))


@given(requests())
def test_what_is_taken_quickly_is_what_the_exact_way_takes(request_: tuple[Signature, list[Any]]) -> None:
    signature, instances = request_
    found = quick(instances, signature)
    if found is None:
        return
    with np.errstate(over="ignore"):
        expected = read_rows(instances, signature, "m@1").columns
    for name, column in zip(expected, found, strict=True):
        assert column.dtype == expected[name].dtype
        assert column.shape == expected[name].shape
        assert np.array_equal(column, expected[name], equal_nan=column.dtype.kind == "f")


@pytest.mark.parametrize(
    ("instances", "inputs"),
    [
        ([{"a": 1, "b": "x"}], [spec("a"), spec("b", "string")]),
        ([{"a": 1.5, "b": "x"}, {"b": "y", "a": 2}], [spec("a"), spec("b", "string", (1,))]),
        ([{"a": [1], "b": True}] * 2, [spec("a", "int32", (1,)), spec("b", "bool")]),
        ([{"a": None, "b": "x"}], [spec("a", optional=True), spec("b", "string")]),
        ([{"a": 1, "b": None}, {"a": None, "b": "x"}], [spec("a", optional=True), spec("b", "string", optional=True)]),
        ([{"b": "x"}, {"a": 1, "b": "y"}], [spec("a", optional=True), spec("b", "string")]),
        ([[[1.5, 2]], [[3, 4]]], [spec("a", shape=(1, 2))]),
        ([{"a": [1]}, {"a": [2]}], [spec("a", "uint8", (None,))]),
        ([1, 2.5], [spec("a")]),
    ],
)
def test_common_instances_need_no_closer_look(instances: list[Any], inputs: list[TensorSpec]) -> None:
    signature = Signature(inputs=tuple(inputs))
    found = quick(instances, signature)
    assert found is not None
    assert all(len(column) == len(instances) for column in found)


@pytest.mark.parametrize(
    "instances",
    [
        [{"a": 1}],
        [{"a": 1, "b": "x", "c": 1}],
        [{"a": 1, "b": "x"}, {"a": 1, "c": "x"}],
        [{"a": 1, "b": "x"}, "ab"],
        [{"a": 1, "b": None}],
        [{"a": "1", "b": "x"}],
        [{"a": 3.5e38, "b": "x"}],
        [[1, "x"]],
        [None],
    ],
)
def test_what_does_not_fit_is_left_to_the_exact_way(instances: list[Any]) -> None:
    signature = Signature(inputs=(spec("a"), spec("b", "string")))
    assert quick(instances, signature) is None
    with pytest.raises(PredictionError, match=r"m@1 cannot take these instances|m@1 has 2 inputs"):
        read_rows(instances, signature, "m@1")


def test_an_optional_input_that_all_instances_lack_needs_a_closer_look_unless_it_is_only_handed_on() -> None:
    inputs = (spec("a"), spec("key", "string", optional=True))
    assert quick([{"a": 1}], Signature(inputs=inputs)) is None
    handed_on = quick([{"a": 1}, {"a": 2}], Signature(inputs=inputs, outputs=(spec("key", "string"),)))
    assert handed_on is not None
    assert handed_on[1].tolist() == ["", ""]


def test_kinds_of_rows_are_remembered_up_to_a_bound() -> None:
    names = [f"x{i}" for i in range(11)]
    validator = Validator(Signature(inputs=tuple(map(spec, names))))
    for kinds in range(2**11):
        row = {name: 1.5 if kinds >> i & 1 else 1 for i, name in enumerate(names)}
        assert validator.fit_row(row) == tuple(row.values())
