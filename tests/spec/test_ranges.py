from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.spec.ranges import numbers_of, ranges_text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([7], "7"), ([1, 2], "1-2"), ([3, 1, 2, 5], "1-3,5"), (range(1, 10_000), "1-9999")],
)
def test_ranges_are_short(numbers: list[int], text: str) -> None:
    assert ranges_text(numbers) == text


@given(st.sets(st.integers(0, 60)))
def test_numbers_come_back(numbers: set[int]) -> None:
    assert numbers_of(ranges_text(numbers)) == numbers


def test_what_is_no_range_is_an_error() -> None:
    with pytest.raises(ValueError, match="'a'"):
        numbers_of("1,a-3")
