"""Which split a row belongs to."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.preprocessing.splits import add_times, divide, time_accumulator
from mlmagic.spec.dataset import SplitBy, SplitRule, in_order

THREE = {"train": 0.7, "eval": 0.15, "test": 0.15}


def test_splits_follow_each_other_in_one_order() -> None:
    assert in_order({"z": 1, "test": 1, "a": 1, "train": 1, "eval": 1}) == ("train", "eval", "test", "a", "z")


def test_a_split_gets_its_fraction() -> None:
    batch = pa.record_batch({"n": np.arange(100_000)})
    counts = np.bincount(divide(SplitRule(fractions=THREE)).codes(batch))
    assert np.allclose(counts / 100_000, [0.7, 0.15, 0.15], atol=0.005)


def test_many_splits_get_each_row_once() -> None:
    fractions = {"train": 0.5, **{f"fold{n}": 0.0025 for n in range(200)}}
    codes = divide(SplitRule(fractions=fractions)).codes(pa.record_batch({"n": np.arange(100_000)}))
    assert (codes.min(), codes.max()) == (0, 200)
    assert np.allclose(np.bincount(codes)[1:] / 100_000, 0.0025, atol=0.002)


def test_a_division_is_frozen_for_ever() -> None:
    batch = pa.record_batch({"n": np.arange(20), "who": [f"w{n}" for n in range(20)]})
    by_row = divide(SplitRule(fractions=THREE)).codes(batch)
    by_key = divide(SplitRule(by=SplitBy.KEY, column="who", fractions=THREE)).codes(batch)
    assert by_row.tolist() == [0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 2, 2, 0, 1, 1, 1, 1, 2, 1]
    assert by_key.tolist() == [0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 1, 0, 1, 2, 0, 0, 2, 0, 2]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(), st.text(max_size=3)).filter(lambda row: abs(row[0]) < 2**63), min_size=1))
def test_the_order_of_rows_and_columns_is_no_matter(rows: list[tuple[int, str]]) -> None:
    division = pickle.loads(pickle.dumps(divide(SplitRule(fractions=THREE))))  # noqa: S301 - as runners do
    n, who = (pa.array(column) for column in zip(*rows, strict=True))
    codes = division.codes(pa.record_batch({"n": n, "who": who}))
    turned = division.codes(pa.record_batch({"who": who[::-1].dictionary_encode(), "n": n[::-1]}))
    assert codes.tolist() == turned[::-1].tolist()


def test_a_larger_training_split_keeps_what_it_had() -> None:
    batch = pa.record_batch({"n": np.arange(1000)})
    small = divide(SplitRule(fractions={"train": 0.5, "test": 0.5})).codes(batch) == 0
    large = divide(SplitRule(fractions={"train": 0.8, "test": 0.2})).codes(batch) == 0
    assert not (small & ~large).any()


def test_a_split_of_nothing_is_none() -> None:
    assert divide(SplitRule(fractions={"train": 1.0, "eval": 0.0})).names == ("train",)


def test_the_earliest_rows_come_first() -> None:
    times = pa.array(range(10), pa.timestamp("s"))
    accumulator = time_accumulator("t")
    add_times(accumulator, pa.record_batch({"t": times}), "t")
    rule = SplitRule(by=SplitBy.TIME, column="t", fractions={"test": 0.2, "train": 0.8})
    division = divide(rule)
    assert division.needs_times
    found = division.with_starts(accumulator)
    assert found.codes(pa.record_batch({"t": times})).tolist() == [0] * 8 + [1] * 2
    assert (
        datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)
        < found.final_rule.starts["test"]
        <= datetime(1970, 1, 1, 0, 0, 8, tzinfo=UTC)
    )


def test_starts_divide_exactly() -> None:
    start = datetime(2013, 11, 1, tzinfo=UTC)
    division = divide(SplitRule(by=SplitBy.TIME, column="t", fractions={}, starts={"eval": start}))
    microsecond = int(start.timestamp() * 1e6)
    batch = pa.record_batch({"t": pa.array([microsecond - 1, microsecond], pa.timestamp("us"))})
    assert not division.needs_times
    assert division.codes(batch).tolist() == [0, 1]
    assert division.final_rule.starts == {"eval": start}
