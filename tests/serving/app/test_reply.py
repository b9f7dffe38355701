"""What outputs look like in a reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import pytest

from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.reply import encode, encode_nothing
from mlmagic.serving.app.request import Dialect, Request
from mlmagic.serving.app.served import make_method
from mlmagic.serving.engines.base import NamedSignature
from mlmagic.spec.model import Signature, TensorSpec

KEY = TensorSpec(name="key", dtype="int64", shape=(None,), optional=True)
Y = TensorSpec(name="y", dtype="float32", shape=(None,))


def texts(*values: Any) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def request(count: int = 2, *, wants_columns: bool = False) -> Request:
    signature = Signature(inputs=(KEY,), outputs=(KEY, Y))
    method = make_method("own", NamedSignature(signature=signature))
    return Request(method, count, list, wants_columns=wants_columns)


def reply(outputs: Mapping[str, Any], dialect: Dialect = Dialect.PREDICT, **options: Any) -> Any:
    return orjson.loads(encode(request(**options), outputs, dialect, "m@1"))


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (np.array([0.1, 0.2], np.float32), [0.1, 0.2]),
        (np.array([[1], [2]], np.uint8), [[1], [2]]),
        (np.array([[1, 2], [3, 4]], np.int64).T, [[1, 3], [2, 4]]),
        (np.array([np.nan, np.inf]), [None, None]),
        (np.array([0.5, 1], np.float16), [0.5, 1.0]),
        (np.array([True, False]), [True, False]),
        (texts(b"a", "ä"), ["a", "ä"]),
        (texts(b"\xff", b"\xc3\xa4"), [{"b64": "/w=="}, "ä"]),
        (np.array([[b"a"], [b"b"]], object), [["a"], ["b"]]),
        ([["a"], []], [["a"], []]),
    ],
)
def test_one_output_is_told_without_its_name(output: Any, told: Any) -> None:
    assert reply({"y": output}) == {"predictions": told}
    assert reply({"y": output}, wants_columns=True) == {"outputs": told}


def test_several_outputs_are_objects_or_columns() -> None:
    outputs = {"y": np.array([0.1, np.nan], np.float32), "raw_bytes": texts(b"a", "b"), "v": np.ones((2, 2))}
    bytes_ = [{"b64": "YQ=="}, {"b64": "Yg=="}]
    assert reply(outputs) == {
        "predictions": [
            {"y": 0.1, "raw_bytes": bytes_[0], "v": [1, 1]},
            {"y": None, "raw_bytes": bytes_[1], "v": [1, 1]},
        ]
    }
    assert reply(outputs, wants_columns=True)["outputs"] == {"y": [0.1, None], "raw_bytes": bytes_, "v": [[1, 1]] * 2}


def test_whole_numbers_that_were_missing_are_null_where_they_are_handed_on() -> None:
    smallest = np.array([-(2**63), 5])
    assert reply({"key": smallest, "y": smallest})["predictions"] == [
        {"key": None, "y": -(2**63)},
        {"key": 5, "y": 5},
    ]


def test_numbers_without_json_are_a_failure() -> None:
    with pytest.raises(RequestFailed, match="the model's outputs cannot be sent as JSON: ") as caught:
        reply({"y": np.array([1j, 2])})
    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        ({"classes": np.array([[b"a", b"b"]] * 2, object), "scores": np.array([[0.25, 0.75]] * 2, np.float32)},
         [[["a", 0.25], ["b", 0.75]]] * 2),
        ({"scores": np.array([[0.25], [0.5]])}, [[["", 0.25]], [["", 0.5]]]),
        ({"classes": np.array([[b"a"], [b"b"]], object)}, [[["a", 0.0]], [["b", 0.0]]]),
    ],
)  # fmt: skip
def test_classes_are_pairs_with_their_scores(outputs: Any, told: Any) -> None:
    assert reply(outputs, Dialect.CLASSIFY) == {"results": told}


@pytest.mark.parametrize("output", [np.array([0.5, 1.5]), np.array([[0.5], [1.5]])])
def test_regressions_are_numbers(output: Any) -> None:
    assert reply({"outputs": output}, Dialect.REGRESS) == {"results": [0.5, 1.5]}


@pytest.mark.parametrize(
    ("dialect", "outputs", "told"),
    [
        (Dialect.CLASSIFY, {"y": np.ones(2)}, "to classify, m@1 must return `classes` or `scores`; it returns y."),
        (Dialect.CLASSIFY, {"scores": np.ones(2)}, "to classify, m@1 must return a list of them for each example;"),
        (Dialect.REGRESS, {"outputs": np.ones((2, 2))}, "to regress, m@1 must return `outputs` with one number for"),
    ],
)
def test_outputs_of_another_form_are_a_failure(dialect: Dialect, outputs: Any, told: str) -> None:
    with pytest.raises(RequestFailed) as caught:
        reply(outputs, dialect)
    assert caught.value.status == 500
    assert caught.value.message.startswith(told)


def test_no_instances_have_no_outputs() -> None:
    told = [encode_nothing(request(0), dialect) for dialect in (Dialect.PREDICT, Dialect.CLASSIFY)]
    assert told == [b'{"predictions":[]}', b'{"results":[]}']
    assert encode_nothing(request(0, wants_columns=True), Dialect.PREDICT) == b'{"outputs":{"key":[],"y":[]}}'
