"""Answers of a model's server elsewhere as columns, and what of them are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlmagic.errors import PredictionError
from mlmagic.serving.batch.answers import Answers, gather_answers
from mlmagic.serving.batch.instances import keyed_instances
from mlmagic.spec.model import Signature, TensorSpec

COLUMNS = {"x": np.array([1.0], np.float32)}


def answered(folder: Path, prediction: Any, dtype: str) -> Any:
    """What a row is answered with, as a column."""
    ((key, _),) = keyed_instances(COLUMNS)
    (folder / "results").write_text(json.dumps({"key": key, "prediction": prediction}) + "\n")
    gather_answers([folder / "results"], folder / "answers.db")
    output = TensorSpec(name="y", dtype=dtype, shape=(None,))
    answers = Answers(folder / "answers.db", Signature(outputs=(output,)))
    try:
        return answers.run(COLUMNS)["y"].tolist()
    finally:
        answers.close()


@pytest.mark.parametrize(
    ("prediction", "dtype", "column"),
    [
        (2.0, "int64", [2]),
        (2**60 + 1, "int64", [2**60 + 1]),
        ([1, 2.5], "bfloat16", [[1.0, 2.5]]),
        ("é", "string", ["é".encode()]),
        ({"b64": "/w=="}, "string", [b"\xff"]),
        (["a", "b"], "string", [[b"a", b"b"]]),
        (True, "bool", [True]),
    ],
)
def test_answers_become_what_the_signature_says(tmp_path: Path, prediction: Any, dtype: str, column: Any) -> None:
    assert answered(tmp_path, prediction, dtype) == column


@pytest.mark.parametrize(
    ("prediction", "dtype", "told"),
    [
        ("high", "float32", "the answer's 'y' is no float32: expected a number, got \"high\""),
        ({"score": 1}, "float32", "the answer's 'y' is no float32: expected a number, got an object"),
        (2.5, "int64", "the answer's 'y' is no int64: expected a whole number, got 2.5"),
        (300, "uint8", "the answer's 'y' is no uint8: 300 is out of the range of uint8"),
        ({"b64": "?"}, "string", "the answer's 'y' is no string: \"b64\" does not hold base64 text"),
        ([["a"], None], "string", "the answer's 'y' is no string: expected a string, got null"),
    ],
)
def test_an_answer_of_the_wrong_kind_is_told_in_words(tmp_path: Path, prediction: Any, dtype: str, told: str) -> None:
    with pytest.raises(PredictionError) as raised:
        answered(tmp_path, prediction, dtype)
    assert str(raised.value) == told
