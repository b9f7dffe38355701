from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlmagic.serving.app.predictions import PredictionCounts


@pytest.mark.parametrize(
    "output",
    [
        np.array([1 + 2j, 3]),
        np.array(["a", "b"]),
        np.array([b"a", None], object),
        np.array([1.0, np.inf], np.float16),
        np.array([1e300, -1e300]),
        np.array([True, False]),
        np.array([2**63, 1], np.uint64),
        np.zeros((2, 0)),
        np.zeros((2, 3, 4), np.int64),
        np.array([["a", "b"], ["c", "d"]], object),
        np.array([["2013-01-01"], ["2013-01-02"]], "datetime64[D]"),
        ["a", "b"],
        np.float32(1.0),
        np.array([1.0, 2.0, 3.0]),
    ],
    ids=lambda output: f"{getattr(output, 'dtype', 'list')}{getattr(output, 'shape', '')}",
)
def test_whatever_a_model_returns_is_counted_or_left_out(output: Any) -> None:
    counts = PredictionCounts()
    counts.add({"y": output}, 2)
    assert counts.told()["instances"] == 2


def test_numbers_classes_and_texts_are_counted_and_what_is_handed_on_is_not() -> None:
    counts = PredictionCounts()
    outputs = {
        "fare": np.array([[1.0], [1.0], [np.nan]]),
        "scores": np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]),
        "label": np.array([b"cash", b"card", b"cash"], object),
        "key": np.array([np.nan, 1.0, 2.0]),
    }
    counts.add(outputs, 3, ignored={"key"})
    told = counts.told()
    assert (told["instances"], told["unusable"], told["classes"]["scores"]) == (3, 1, {"1": 2, "0": 1})
    assert list(told["numbers"]["fare"].values()) == [2]
    assert sorted(told["classes"]["label"].values()) == [1, 2]
    assert told["numbers"].keys() == {"fare"}


def test_of_many_different_texts_most_are_one() -> None:
    counts = PredictionCounts()
    for start in range(0, 5000, 100):
        counts.add({"id": np.array([str(start + at) for at in range(100)], object)}, 100)
    assert len(counts.classes["id"]) <= 2049
    assert sum(counts.classes["id"].values()) == 5000
