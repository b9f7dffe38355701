"""Gradients from a serving process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mlmagic.runtime.signature import RefusedError
from mlmagic.serving.gradients import load_gradients
from mlmagic.serving.predictor import NoGradientsError, Predictor
from mlmagic.spec.model import Signature

ROWS = {
    "x": np.array([4.0, -1.0], dtype="float32"),
    "s": np.array(["a", "b"], dtype=object),
    "b": np.array([True, False]),
}


@pytest.fixture(scope="module")
def answer(models: Path) -> Iterator[Predictor]:
    predictor = Predictor("answer@1", models / "answer")
    yield predictor
    predictor.close()


def test_each_number_of_an_output_has_gradients_by_the_inputs_that_are_numbers(answer: Predictor) -> None:
    found = answer.gradients(ROWS, "pair", 1)
    assert {name: slopes.tolist() for name, slopes in found.items()} == {"x": [-1.0, -1.0]}
    assert answer.gradients(ROWS, "pair", 0)["x"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("output", ["whole", "words"])
def test_what_does_not_change_steadily_is_refused_and_the_process_goes_on(answer: Predictor, output: str) -> None:
    with pytest.raises(NoGradientsError, match=f"the output {output} does not change steadily with any input"):
        answer.gradients(ROWS, output, None)
    first = answer.process_id
    assert answer.predict(ROWS)["pair"].tolist() == [[4.0, -4.0], [-1.0, 1.0]]
    assert answer.process_id == first


def test_an_onnx_model_has_none() -> None:
    with pytest.raises(RefusedError, match="not of ONNX models"):
        load_gradients(Path("model.onnx"), Signature())
