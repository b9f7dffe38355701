"""Two replies to one request, and what is counted of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlmagic.serving.shadow.comparing import Comparison
from mlmagic.serving.shadow.counting import latency_ms, plus
from mlmagic.spec.codec import decode, encode
from mlmagic.spec.rollout import LATENCY_BOUNDS
from mlmagic.spec.shadow import ComparedAnswers, ShadowCounts


def compared(served: Any, shadowed: Any, *, key: str = "predictions", ignored: tuple[str, ...] = ()) -> ShadowCounts:
    comparison = Comparison("y", ignored)
    bodies = (json.dumps({key: answers}).encode() for answers in (served, shadowed))
    comparison.add(*bodies, served_seconds=0.001, seconds=0.5)
    return decode(ShadowCounts, encode(comparison.counts))


def test_numbers_are_compared_by_their_differences() -> None:
    counts = compared([[2.0], [4.0], 6], [[2.5], 4.0, 3])
    answers = counts.outputs["y"]
    assert answers == ComparedAnswers(numbers=3, absolute=3.5, size=12.0, largest=3.0)
    assert (answers.mean_difference, answers.relative_difference) == (pytest.approx(3.5 / 3), 3.5 / 12)


@pytest.mark.parametrize(
    ("served", "shadowed"),
    [
        ([[0.1, 0.9], [0.6, 0.4]], [[0.2, 0.8], [0.4, 0.6]]),
        (["rome", "oslo"], ["rome", "bern"]),
        ([True, False], [True, True]),
        ([[["rome", 1.0]], [["oslo", 1.0]]], [[["rome", 1.0]], [["oslo", 0.5]]]),
    ],
)
def test_scores_and_texts_are_compared_by_their_class(served: Any, shadowed: Any) -> None:
    answers = compared(served, shadowed).outputs["y"]
    assert (answers.classes, answers.equal, answers.equal_share, answers.numbers) == (2, 1, 0.5, 0)


def test_rows_and_columns_of_several_outputs_are_the_same_to_it() -> None:
    rows = compared([{"a": 1, "key": "x"}], [{"a": 3, "key": "y"}], ignored=("key",))
    columns = compared({"a": [1], "key": ["x"]}, {"a": [3], "key": ["y"]}, key="outputs", ignored=("key",))
    assert rows == columns
    assert set(rows.outputs) == {"a"}


def test_what_is_no_number_counts_against_the_shadow_alone() -> None:
    counts = compared([1.0, None, [1.0, 2.0], 1.0], [None, None, [1.0, None], 1.0])
    assert (counts.unusable, counts.outputs["y"].numbers, counts.outputs["y"].classes) == (2, 1, 0)


def test_numbers_beyond_all_bounds_stay_finite() -> None:
    counts = compared([1e308, -1e308], [-1e308, 1e308])
    assert counts.outputs["y"].absolute < float("inf")
    assert plus(counts, counts).compared == 2


def test_latencies_are_told_by_the_bounds_that_they_kept() -> None:
    counts = compared([1.0], [1.0])
    assert latency_ms(counts.latencies) == {"p50": 500.0, "p99": 500.0}
    assert latency_ms(counts.served_latencies) == {"p50": 1.0, "p99": 1.0}
    assert latency_ms((0,) * len(LATENCY_BOUNDS)) == {}
