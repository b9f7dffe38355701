"""The histogram whose bins follow from the numbers alone."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.statistics.prefixes import PrefixHistogram

NUMBERS = st.floats(allow_nan=False, allow_infinity=False).filter(bool)
LIMIT = 8


def _histogram(parts: list[np.ndarray], limit: int = LIMIT) -> PrefixHistogram:
    histogram = PrefixHistogram(limit)
    for part in parts:
        histogram.add(part)
    histogram.settle()
    return histogram


def _pickled(histogram: PrefixHistogram) -> PrefixHistogram:
    return pickle.loads(pickle.dumps(histogram))  # noqa: S301


def _state(histogram: PrefixHistogram) -> tuple[int, list[int], list[int]]:
    histogram.settle()
    return histogram.shift, histogram.runs.keys.tolist(), histogram.runs.counts.tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(NUMBERS, max_size=40).map(np.array), max_size=6), st.randoms())
def test_parts_in_any_order_make_the_same_bins(parts: list[np.ndarray], random: np.random.Generator) -> None:
    parts = [part.astype(float) for part in parts]
    whole = _histogram([np.concatenate([np.zeros(0), *parts])])
    pieces = [_histogram([part]) for part in parts] or [PrefixHistogram(LIMIT)]
    random.shuffle(pieces)
    while len(pieces) > 1:
        first = pieces.pop(random.randrange(len(pieces)))
        first.merge(_pickled(pieces.pop(random.randrange(len(pieces)))))
        pieces.append(first)
    assert _state(pieces[0]) == _state(whole) == _state(_histogram(parts))
    assert len(whole.runs.keys) <= LIMIT


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=60))
def test_every_number_is_in_its_interval(numbers: list[float]) -> None:
    histogram = _histogram([np.array(numbers)])
    low, high, counts = histogram.intervals()
    inside = (low[:, None] <= np.sort(numbers)) & (np.sort(numbers) <= high[:, None])
    assert inside.sum(axis=1).tolist() == counts.tolist()
    assert (high[:-1] < low[1:]).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=40))
def test_no_more_bits_are_dropped_than_must_be(numbers: list[float]) -> None:
    histogram = _histogram([np.array(numbers)])
    finer = _histogram([np.array(numbers)], limit=1000).runs.coarsen(max(histogram.shift - 1, 0))
    assert histogram.shift == 0 or len(finer.keys) > LIMIT
    if len(set(numbers)) <= LIMIT:
        assert histogram.intervals()[0].tolist() == sorted(set(numbers))


def test_numbers_that_occur_more_than_once_may_come_with_their_counts() -> None:
    values = np.array([-2.0, 0.5, 3.0])
    counted, each = PrefixHistogram(2), PrefixHistogram(2)
    counted.add_counts(values, np.array([1, 2, 3]))
    each.add(np.repeat(values, [1, 2, 3]))
    assert _state(counted) == _state(each)
    assert each.shift > 0


def _normal(generator: np.random.Generator) -> np.ndarray:
    return generator.normal(size=20_000)


def _far_out(generator: np.random.Generator) -> np.ndarray:
    values = 41.9 + generator.normal(size=20_000) / 1000
    values[:50] = generator.normal(size=50) * 10.0 ** generator.integers(-300, 300, 50)
    return values


def _later_and_later(generator: np.random.Generator) -> np.ndarray:
    return 1.37e9 + generator.integers(0, 30) * 86_400 + generator.integers(0, 86_400 * 10**6, 20_000) / 1e6


def _anything(generator: np.random.Generator) -> np.ndarray:
    values = generator.integers(-(2**63), 2**63 - 1, 20_000).view(float)
    return values[np.isfinite(values)]


@pytest.mark.parametrize("draw", [_normal, _far_out, _later_and_later, _anything], ids=lambda draw: draw.__name__[1:])
def test_large_parts_make_the_bins_of_the_whole(draw: object) -> None:
    generator = np.random.default_rng(1)
    parts = [draw(generator) for _ in range(8)]  # type: ignore[operator]
    whole = _histogram([np.concatenate(parts)], limit=512)
    one_by_one = _histogram(parts, limit=512)
    split = _histogram(parts[:3], limit=512)
    split.merge(_histogram(parts[3:][::-1], limit=512))
    assert _state(one_by_one) == _state(whole) == _state(split)
    assert sum(_state(whole)[2]) == sum(map(len, parts))
