"""What was answered, as columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from mlmagic.api.monitor_baseline import Output, highest_places
from mlmagic.spec.dataset import ColumnType


@pytest.mark.parametrize("kind", [pa.float32(), pa.int64(), pa.bool_()])
def test_the_highest_place_is_that_of_python(kind):
    chance = np.random.default_rng(0)
    lists = [chance.integers(0, 2, chance.integers(1, 5)).tolist() for _ in range(200)]
    places = highest_places(pa.array(lists, pa.list_(pa.int64())).cast(pa.list_(kind)))
    assert places.tolist() == [max(range(len(each)), key=each.__getitem__) for each in lists]


def test_what_is_no_number_is_lower_than_any():
    lists = [[None, -2.0], [], None, [float("nan"), -1.0, 4.0], [None]]
    assert highest_places(pa.array(lists)).tolist() == [1, -1, -1, 2, 0]
    assert highest_places(pa.array([["a", "b"]])).tolist() == [0]


def test_vectors_become_labels_as_far_as_they_are_known():
    output = Output(name="kind", type=ColumnType.STRING, labels=("cat", "dog"))
    assert output.values(pa.array([[0.1, 0.9], [0.5, 0.2, 0.7], []])).to_pylist() == ["dog", "2", None]
    assert output.values(pa.array([1.5])).to_pylist() == [1.5]
