from __future__ import annotations

import json

import numpy as np
import pytest

from mlmagic.errors import PredictionError
from mlmagic.serving.column_bodies import read_outputs, write_columns
from mlmagic.spec.model import Signature, TensorSpec


def spec(name: str, dtype: str = "float32", shape: tuple[int | None, ...] = (None,), **more: bool) -> TensorSpec:
    return TensorSpec(name=name, dtype=dtype, shape=shape, **more)


def texts(*values: object) -> np.ndarray:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def written(column: np.ndarray, tensor: TensorSpec) -> object:
    body = write_columns({tensor.name: column}, Signature(inputs=(tensor,)))
    return json.loads(body)["inputs"][tensor.name]


def read(outputs: object, *tensors: TensorSpec) -> dict[str, object]:
    return read_outputs(json.dumps({"outputs": outputs}).encode(), Signature(outputs=tensors), "taxi")


def test_numbers_survive_the_way_there() -> None:
    column = np.array([[0.1, 1e-30], [3.4e38, -7.0]], dtype=np.float32)
    found = written(column, spec("x", shape=(None, 2)))
    assert np.array_equal(np.asarray(found, dtype=np.float32), column)


def test_text_goes_as_text_and_other_bytes_in_base64() -> None:
    assert written(texts("é", b"abc", b"\xff"), spec("s", "string")) == ["é", "abc", {"b64": "/w=="}]


def test_missing_values_of_an_optional_input_are_null() -> None:
    tensor = spec("age", optional=True)
    assert written(np.array([1.5, np.nan], dtype=np.float32), tensor) == [1.5, None]


def test_nan_where_nothing_may_be_missing_is_not_hidden() -> None:
    body = write_columns({"x": np.array([np.nan])}, Signature(inputs=(spec("x", "float64"),)))
    assert body == b'{"inputs": {"x": [NaN]}}'


def test_infinity_beside_missing_values() -> None:
    signature = Signature(inputs=(spec("x"), spec("y", optional=True)))
    body = write_columns({"x": np.array([np.inf]), "y": np.array([np.nan])}, signature)
    assert body == b'{"inputs": {"x": [Infinity], "y": [null]}}'


def test_one_output_comes_bare() -> None:
    found = read([[0.5], [None]], spec("output_0", shape=(None, 1)))["output_0"]
    assert found.dtype == np.float32
    assert found[0, 0] == 0.5
    assert np.isnan(found[1, 0])


def test_several_outputs_come_by_name() -> None:
    found = read({"label": ["a", {"b64": "/w=="}], "id": [1, 2**60]}, spec("label", "string"), spec("id", "int64"))
    assert found["label"].tolist() == [b"a", b"\xff"]
    assert found["id"].tolist() == [1, 2**60]


def test_rows_of_different_lengths_stay_lists() -> None:
    assert read([[1.0], [1.0, 2.0]], spec("y", shape=(None, None)))["y"] == [[1.0], [1.0, 2.0]]
    assert read([["a"], []], spec("y", "string", (None, None)))["y"] == [[b"a"], []]


def test_outputs_of_a_model_without_signature() -> None:
    assert read(["a", "b"])["output_0"].tolist() == [b"a", b"b"]
    assert read({"p": [1, 2]})["p"].tolist() == [1, 2]


def test_what_is_no_answer_is_an_error() -> None:
    with pytest.raises(PredictionError, match=r"taxi gave an answer that is none of an endpoint: b'<html>'\."):
        read_outputs(b"<html>", Signature(), "taxi")
