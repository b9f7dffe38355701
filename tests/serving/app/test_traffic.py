"""Shares of the traffic, and keys that stay with their version."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.served_models import served

from mlmagic.serving.app.traffic import Split

KEYS = [f"user-{number}".encode() for number in range(4000)]


def is_likely(count: int, tries: int, percent: int) -> bool:
    """Whether a count lies within five standard deviations, outside of which is one in two million."""
    expected = tries * percent / 100
    return abs(count - expected) <= 5 * math.sqrt(expected * (1 - percent / 100))


@given(st.lists(st.integers(0, 100), min_size=1, max_size=5).filter(any), st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_versions_are_picked_as_often_as_their_shares_say(shares: list[int], seed: int) -> None:
    split = Split(dict(enumerate(shares, 1)), Random(seed))  # noqa: S311 - it spreads load
    picked = Counter(split.pick() for _ in range(4000))
    keyed = Counter(split.pick_for(key) for key in KEYS)
    for number, share in enumerate(shares, 1):
        percent = 100 * share / sum(shares)
        assert is_likely(picked[number], 4000, percent)
        assert is_likely(keyed[number], 4000, percent)


def test_a_key_stays_with_its_version() -> None:
    one, other = Split({1: 60, 2: 30, 3: 10}), Split({3: 10, 1: 60, 2: 30})
    assert [one.pick_for(key) for key in KEYS] == [other.pick_for(key) for key in KEYS]


@given(st.integers(1, 99), st.integers(1, 99))
@settings(max_examples=20, deadline=None)
def test_a_share_that_grows_keeps_its_keys(before: int, more: int) -> None:
    after = min(100, before + more)
    old, new = Split({1: 100 - before, 2: before}), Split({1: 100 - after, 2: after})
    assert {key for key in KEYS if old.pick_for(key) == 2} <= {key for key in KEYS if new.pick_for(key) == 2}


def test_of_three_versions_the_one_that_grows_takes_from_the_others_alone() -> None:
    old, new = Split({1: 45, 2: 45, 3: 10}), Split({1: 40, 2: 40, 3: 20})
    assert all(new.pick_for(key) in {3, old.pick_for(key)} for key in KEYS)


def test_a_version_without_a_share_gets_nothing() -> None:
    split = Split({1: 0, 2: 100})
    assert split.only == 2
    assert {split.pick() for _ in range(10)} | {split.pick_for(key) for key in KEYS[:10]} == {2}


def test_a_split_needs_a_share() -> None:
    with pytest.raises(ValueError, match=r"no version gets any traffic: \{1: 0\}"):
        Split({1: 0})


def test_requests_are_split_and_keys_are_kept_over_http() -> None:
    body = {"instances": [{"age": 1, "rooms": 2, "city": "rome"}]}
    with served(traffic={1: 80, 2: 20}) as endpoint:

        def who(**headers: str) -> str:
            return endpoint.client.post("/v1/models/taxi:predict", json=body, headers=headers).headers[
                "x-mlmagic-version"
            ]

        count = Counter(who() for _ in range(400))
        assert is_likely(count["taxi@2"], 400, 20)
        assert all(len({who(**{"x-mlmagic-key": key}) for _ in range(4)}) == 1 for key in "abcdefgh")
        assert len({who(**{"x-mlmagic-key": str(key)}) for key in range(60)}) == 2
