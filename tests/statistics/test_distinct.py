"""How many different values there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.statistics.distinct import DistinctSketch
from mlmagic.statistics.hashing import mix


def _hashes(count: int, start: int = 0) -> np.ndarray:
    return mix(np.arange(start, start + count, dtype=np.uint64))


@pytest.mark.parametrize("count", [0, 1, 100, 5_000, 40_000, 300_000, 3_000_000])
def test_the_estimate_is_close(count: int) -> None:
    sketch = DistinctSketch()
    for start in range(0, count, 100_000):
        sketch.add(_hashes(min(100_000, count - start), start))
    assert sketch.estimate() == pytest.approx(count, rel=0.025)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=50), max_size=5), st.randoms())
def test_it_depends_on_the_set_of_hashes_alone(parts: list[list[int]], random: np.random.Generator) -> None:
    whole, merged = DistinctSketch(), DistinctSketch()
    whole.add(np.unique(np.array([hashed for part in parts for hashed in part], np.uint64)))
    random.shuffle(parts)
    for part in parts:
        other = DistinctSketch()
        other.add(np.array(part * 2, np.uint64))
        merged.merge(other)
    assert (merged.registers == whole.registers).all()


def test_hashes_that_every_register_has_seen_change_nothing() -> None:
    sketch, once_more = DistinctSketch(), DistinctSketch()
    for _ in range(3):
        sketch.add(_hashes(400_000))
    once_more.add(_hashes(400_000))
    assert (sketch.registers == once_more.registers).all()
    assert sketch.registers.min() > 0


def test_a_hash_of_nothing_but_zeros_has_the_highest_rank() -> None:
    sketch = DistinctSketch()
    sketch.add(np.array([0, 2**64 - 1], np.uint64))
    assert (sketch.registers[0], sketch.registers[-1]) == (51, 1)
