"""Examples are written as TensorFlow reads them."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf

from mlmagic.errors import PredictionError
from mlmagic.serving.app.examples import read_examples
from mlmagic.serving.problems import Problems
from mlmagic.spec.model import Signature


def parsed(examples: list[Any], context: Any = None) -> list[dict[str, list[Any]]]:
    problems = Problems()
    written = read_examples(examples, context, problems)
    assert not len(problems)
    features = [tf.train.Example.FromString(example).features.feature for example in written]
    return [{name: _values(feature) for name, feature in each.items()} for each in features]


def _values(feature: Any) -> list[Any]:
    kind = feature.WhichOneof("kind")
    return [] if kind is None else list(getattr(feature, kind).value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, [1]),
        ([-1, 2**63 - 1, -(2**63), 300, 0], [-1, 2**63 - 1, -(2**63), 300, 0]),
        (True, [1]),
        (0.5, [0.5]),
        ([1, 2.5], [1.0, 2.5]),
        ("ä", ["ä".encode()]),
        (["a", {"b64": "/w=="}], [b"a", b"\xff"]),
        ("x" * 1000, [b"x" * 1000]),
        ([0.25] * 1000, [0.25] * 1000),
        ([], []),
    ],
    ids=lambda value: str(value)[:20],
)
def test_values_are_those_of_the_example(value: Any, expected: list[Any]) -> None:
    assert parsed([{"x": value, "y": 1}]) == [{"x": expected, "y": [1]}]


def test_all_examples_have_what_is_in_the_context() -> None:
    assert parsed([{"x": 1}, {"c": 2}], {"c": 7}) == [{"x": [1], "c": [7]}, {"c": [2]}]
    assert parsed([{}]) == [{}]


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ({"x": None}, "examples[0].x: expected numbers or strings, all of one kind, got null"),
        ({"x": ["a", 1]}, "examples[0].x: expected numbers or strings, all of one kind, got 1"),
        ({"x": {"b64": "*"}}, "examples[0].x: expected numbers or strings, all of one kind, got an object"),
        ({"x": 2**63}, "examples[0].x: a number is out of the range of int64"),
        ({"x": 3.5e38}, "examples[0].x: a number is out of the range of float32"),
        ([1], "examples[0]: expected an object with the features, got a list of 1"),
    ],
)
def test_values_that_no_example_has_are_told(example: Any, told: str) -> None:
    problems = Problems()
    read_examples([example], None, problems)
    with pytest.raises(PredictionError) as caught:
        problems.finish("m@1", Signature())
    assert caught.value.problems == (told,)
