"""Counts of texts: exact below the limit, within the error that is told beyond."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.statistics.tally import Tally, tally_of

WORDS = st.lists(st.sampled_from("abcdefghijklm") | st.text(max_size=3), max_size=40)


def _tally(words: list[str], limit: int) -> Tally:
    return Tally.none().merge(tally_of(pa.array(words, pa.string())), limit)


def _counts(tally: Tally) -> dict[str, int]:
    return {it.value: it.count for it in tally.vocabulary().values}


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=5), st.randoms())
def test_below_the_limit_all_counts_are_exact(parts: list[list[str]], random: np.random.Generator) -> None:
    expected = Counter(word for part in parts for word in part)
    random.shuffle(parts)
    tally = Tally.none()
    for part in parts:
        tally = tally.merge(_tally(part, 200), 200)
    assert tally.is_complete
    assert list(_counts(tally).items()) == sorted(expected.items(), key=lambda it: (-it[1], it[0]))


@settings(max_examples=80, deadline=None)
@given(st.lists(WORDS, max_size=6), st.integers(1, 8), st.randoms())
def test_beyond_the_limit_counts_are_within_their_error(
    parts: list[list[str]], limit: int, random: np.random.Generator
) -> None:
    exact = Counter(word for part in parts for word in part)
    tallies = [_tally(part, limit) for part in parts] or [Tally.none()]
    while len(tallies) > 1:
        first, second = (tallies.pop(random.randrange(len(tallies))) for _ in range(2))
        tallies.append(first.merge(second, limit))
    vocabulary, counts = tallies[0].vocabulary(), _counts(tallies[0])
    assert all(exact[word] - vocabulary.count_error <= count <= exact[word] for word, count in counts.items())
    assert all(exact[word] <= vocabulary.count_error for word in exact.keys() - counts.keys())
    assert vocabulary.count_error <= exact.total() / (limit + 1)
    assert vocabulary.is_complete == (len(exact) <= limit)
    assert len(counts) <= limit


def test_what_is_frequent_in_every_part_is_counted_exactly_among_the_rare() -> None:
    tally = Tally.none()
    for part in range(50):
        rare = [f"{part}-{number}" for number in range(1000)]
        tally = tally.merge(tally_of(pa.array(["a"] * 300 + ["b"] * 200 + rare)), 100)
    assert _counts(tally) == {"a": 15_000, "b": 10_000}
    assert (tally.is_complete, tally.vocabulary().count_error) == (False, 50)


def test_a_text_may_stand_for_several() -> None:
    tally = tally_of(pa.array(["x", "y", "x"]), np.array([2, 3, 5]))
    assert _counts(tally) == {"x": 7, "y": 3}
    assert _counts(tally_of(pa.array([], pa.string()), np.zeros(0, np.int64))) == {}


def test_hashes_that_differ_in_their_last_bits_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    close = np.array([9, 8, 9, 8, 8], np.uint64)
    monkeypatch.setattr("mlmagic.statistics.tally.hash_array", lambda _: close)
    assert _counts(tally_of(pa.array(["nine", "eight", "nine", "eight", "eight"]))) == {"eight": 3, "nine": 2}
