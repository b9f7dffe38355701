"""The statistics of a split: the same for the same rows, whatever the batches, the parts and the order of merges."""

import math
import pickle
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.statistics import ColumnStatistics, SplitStatistics, Vocabulary
from mlmagic.statistics.accumulator import SplitAccumulator

FIELDS = {
    "float": (ColumnType.FLOAT, pa.float64(), st.floats() | st.sampled_from([0.0, -0.0, 1.0])),
    "integer": (ColumnType.INTEGER, pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)),
    "boolean": (ColumnType.BOOLEAN, pa.bool_(), st.booleans()),
    "text": (ColumnType.STRING, pa.string(), st.text(max_size=5) | st.sampled_from(["", "Cash", "x" * 2000])),
    "time": (ColumnType.TIMESTAMP, pa.timestamp("us"), st.datetimes()),
    "date": (ColumnType.DATE, pa.date32(), st.dates()),
}
SCHEMA = pa.schema([(name, kind) for name, (_, kind, _) in FIELDS.items()])
COLUMNS = [Column(name=name, type=kind) for name, (kind, _, _) in FIELDS.items()]
ROWS = st.lists(st.tuples(*(st.none() | values for _, _, values in FIELDS.values())), max_size=50)


def _batch(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([dict(zip(FIELDS, row, strict=True)) for row in rows], schema=SCHEMA)


def _accumulator(*batches: pa.RecordBatch, bins: int = 8) -> SplitAccumulator:
    accumulator = SplitAccumulator(COLUMNS, tokens=["text"])
    for column in accumulator.columns:  # so few that random rows go beyond
        if column.column.type is not ColumnType.STRING:
            column.__init__(column.column, limit=bins)  # type: ignore[misc]
    for batch in batches:
        accumulator.add(batch)
    return accumulator


def _one(name: str, values: pa.Array, kind: ColumnType) -> ColumnStatistics:
    accumulator = SplitAccumulator([Column(name=name, type=kind)])
    accumulator.add(pa.record_batch({name: values}))
    return accumulator.result().columns[0]


def _listed(vocabulary: Vocabulary | None) -> dict[str, int]:
    return {it.value: it.count for it in vocabulary.values} if vocabulary else {}  # noqa: PD011


def _without_moments(statistics: SplitStatistics) -> SplitStatistics:
    columns = [
        replace(it, numeric=it.numeric and replace(it.numeric, mean=0.0, variance=0.0)) for it in statistics.columns
    ]
    return replace(statistics, columns=tuple(columns))


def _assert_same(first: SplitStatistics, second: SplitStatistics) -> None:
    assert _without_moments(first) == _without_moments(second)
    for one, other in zip(first.columns, second.columns, strict=True):
        if one.numeric and other.numeric:
            scale = max(abs(one.numeric.minimum), abs(one.numeric.maximum))
            assert one.numeric.mean == pytest.approx(other.numeric.mean, rel=1e-9, abs=1e-9 * scale)
            assert one.numeric.variance == pytest.approx(other.numeric.variance, rel=1e-9, abs=1e-9 * scale * scale)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.lists(st.integers(0, 50), max_size=5), st.sampled_from([4, 8, 8192]), st.randoms())
def test_any_parts_in_any_order_give_the_same(
    rows: list[tuple[object, ...]], cuts: list[int], bins: int, random: np.random.Generator
) -> None:
    whole = _accumulator(_batch(rows), bins=bins).result()
    random.shuffle(rows)
    edges = [0, *sorted(cuts), len(rows)]
    parts = [_accumulator(_batch(rows[start:stop]), bins=bins) for start, stop in pairwise(edges)]
    while len(parts) > 1:
        first, second = (parts.pop(random.randrange(len(parts))) for _ in range(2))
        parts.append(first.merge(pickle.loads(pickle.dumps(second))))  # noqa: S301
    _assert_same(parts[0].result(), whole)
    assert loads(SplitStatistics, dumps(whole)) == whole


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_the_numbers_are_those_that_a_count_by_hand_gives(rows: list[tuple[object, ...]]) -> None:
    statistics = _accumulator(_batch(rows), bins=8192).result()
    assert statistics.rows == len(rows)
    for column, values in zip(statistics.columns, zip(*rows, strict=True) if rows else [()] * 6, strict=True):
        present = [it for it in values if it not in {None, ""} and not (isinstance(it, float) and math.isnan(it))]
        finite = [it for it in present if not isinstance(it, float) or math.isfinite(it)]
        assert (column.count, column.missing) == (len(present), len(rows) - len(present))
        assert column.unique == pytest.approx(len(set(finite)), abs=0 if column.is_unique_exact else 1)
        if column.vocabulary and column.vocabulary.is_complete:
            texts = Counter(str(int(it)) if isinstance(it, int) else str(it) for it in finite)
            assert _listed(column.vocabulary) == texts


def test_numbers_agree_with_pandas() -> None:
    generator = np.random.default_rng(5)
    values = np.where(generator.random(150_000) < 0.1, np.nan, generator.gamma(2, 5, 150_000))
    known = pd.Series(values).describe()
    statistics = _one("x", pa.array(values), ColumnType.FLOAT)
    assert statistics.numeric is not None
    assert statistics.count == known["count"]
    assert statistics.numeric.mean == pytest.approx(known["mean"], rel=1e-12)
    assert statistics.numeric.variance == pytest.approx(np.nanvar(values), rel=1e-12)
    assert statistics.numeric.quantiles[64::64] == pytest.approx(known[["25%", "50%", "75%", "max"]], rel=1e-3)
    assert statistics.unique == pytest.approx(pd.Series(values).nunique(), rel=0.025)


def test_infinite_values_are_counted_and_left_out_of_the_rest() -> None:
    statistics = _one("x", pa.array([1.0, math.inf, -math.inf, math.nan, None, 3.0]), ColumnType.FLOAT)
    assert (statistics.count, statistics.missing, statistics.unique) == (4, 2, 2)
    assert statistics.numeric is not None
    assert (statistics.numeric.not_finite, statistics.numeric.mean, statistics.numeric.maximum) == (2, 2.0, 3.0)
    assert _one("x", pa.array([math.inf]), ColumnType.FLOAT).numeric is None


def test_zeros_and_negative_numbers_are_counted() -> None:
    statistics = _one("x", pa.array([0.0, -0.0, -1.5, 2.0]), ColumnType.FLOAT)
    assert statistics.numeric is not None
    assert (statistics.numeric.zeros, statistics.numeric.negative, statistics.unique) == (2, 1, 3)
    assert statistics.numeric.quantiles[:200:64] == (-1.5, -1.5, 0.0, 0.0)
    assert statistics.vocabulary is None


def test_times_are_seconds_and_booleans_0_and_1() -> None:
    moment = datetime(2013, 12, 1, 10, 30, 0, 250_000)  # noqa: DTZ001
    times = _one("t", pa.array([moment], pa.timestamp("us")), ColumnType.TIMESTAMP)
    days = _one("d", pa.array([date(1969, 12, 31)]), ColumnType.DATE)
    flags = _one("b", pa.array([True, False, None, True]), ColumnType.BOOLEAN)
    assert times.numeric is not None
    assert times.numeric.maximum == moment.replace(tzinfo=UTC).timestamp()
    assert days.numeric is not None
    assert days.numeric.minimum == -86_400
    assert flags.numeric is not None
    assert flags.numeric.mean == pytest.approx(2 / 3)
    assert list(_listed(flags.vocabulary).items()) == [("1", 2), ("0", 1)]


def test_huge_whole_numbers_are_told_apart() -> None:
    numbers = [2**62 + 1, 2**62 + 2, 2**62 + 1, -(2**63), 0, 5]
    statistics = _one("id", pa.array(numbers), ColumnType.INTEGER)
    assert (statistics.unique, statistics.is_unique_exact) == (5, True)
    assert _listed(statistics.vocabulary)[str(2**62 + 1)] == 2
    many = _one("id", pa.array(range(2**62, 2**62 + 20_000)), ColumnType.INTEGER)
    assert (many.unique, many.is_unique_exact) == (pytest.approx(20_000, rel=0.025), False)


def test_many_huge_numbers_are_estimated_in_parts_too() -> None:
    columns = [Column(name="id", type=ColumnType.INTEGER)]
    parts = [SplitAccumulator(columns) for _ in range(3)]
    for place, part in enumerate(parts):
        for start in (0, 15_000):
            first = 2**62 + 30_000 * place + start
            part.add(pa.record_batch({"id": pa.array(range(first, first + 15_000)).dictionary_encode()}))
            part.result()
    statistics = parts[0].merge(parts[1].merge(parts[2])).result().columns[0]
    assert statistics.unique == pytest.approx(90_000, rel=0.025)
    assert (statistics.is_unique_exact, statistics.vocabulary) == (False, None)


def test_times_too_late_for_a_float_are_told_apart() -> None:
    microseconds = 250_000_000_000_000_000 + np.arange(10_000)
    statistics = _one("t", pa.array(microseconds, pa.timestamp("us")), ColumnType.TIMESTAMP)
    assert statistics.unique == pytest.approx(10_000, rel=0.025)


def test_a_dictionary_counts_as_its_texts_do() -> None:
    texts = pa.array(["Cash", "Card", None, "", "Cash", "né"])
    odd = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3, 0, 4, None]), pa.array(["Cash", "Card", None, "", "né"]))
    plain = _one("s", pa.concat_arrays([texts, pa.nulls(1, pa.string())]), ColumnType.STRING)
    assert _one("s", odd, ColumnType.STRING) == plain
    assert _one("s", odd.cast(pa.large_string()).cast(pa.string_view()), ColumnType.STRING) == plain
    assert (plain.count, plain.missing, plain.unique) == (4, 3, 3)
    assert plain.text is not None
    assert (plain.text.shortest, plain.text.longest, plain.text.mean_length) == (2, 4, 3.5)


def test_many_different_texts_are_estimated_and_the_frequent_ones_listed() -> None:
    texts = [f"{number:x}" for number in range(60_000)] + ["often"] * 30_000
    statistics = _one("s", pa.array(texts), ColumnType.STRING)
    assert statistics.unique == pytest.approx(60_001, rel=0.025)
    assert _listed(statistics.vocabulary) == {"often": 30_000}
    assert statistics.vocabulary is not None
    assert (statistics.vocabulary.is_complete, statistics.is_unique_exact) == (False, False)


def test_very_long_texts_are_in_no_vocabulary() -> None:
    statistics = _one("s", pa.array(["essay" * 1000, "short", "essay" * 1000]), ColumnType.STRING)
    assert (statistics.unique, statistics.is_unique_exact) == (2, False)
    assert statistics.vocabulary is not None
    assert _listed(statistics.vocabulary) == {"short": 1}
    assert not statistics.vocabulary.is_complete


def test_words_are_counted_where_they_are_asked_for() -> None:
    columns = [Column(name=name, type=ColumnType.STRING) for name in ("review", "title")]
    accumulator = SplitAccumulator(columns, tokens=["review"])
    accumulator.add(pa.record_batch({"review": ["Good, good!", "bad", "bad", None], "title": ["A", "A", "B", ""]}))
    review, title = accumulator.result().columns
    assert title.tokens is None
    assert review.tokens is not None
    assert list(_listed(review.tokens).items()) == [("bad", 2), ("good", 2)]
    assert review.tokens.is_complete


def test_nothing_has_statistics_too() -> None:
    empty = _accumulator(_batch([]), _batch([])).result()
    missing = _accumulator(_batch([(None,) * 6] * 3)).result()
    assert [column.count for column in empty.columns] == [0] * 6
    assert [column.missing for column in missing.columns] == [3] * 6
    assert all(column.numeric is None and column.text is None and not column.unique for column in missing.columns)
    assert _one("s", pa.nulls(2), ColumnType.STRING).missing == _one("x", pa.nulls(2), ColumnType.FLOAT).missing == 2


def test_small_batches_count_as_large_ones_do() -> None:
    generator = np.random.default_rng(2)
    table = pa.table({"x": generator.normal(size=70_000), "s": generator.integers(0, 300, 70_000).astype(str)})
    table = table.set_column(1, "s", table.column("s").dictionary_encode())
    columns = [Column(name="x", type=ColumnType.FLOAT), Column(name="s", type=ColumnType.STRING)]
    results = []
    for rows in (100_000, 700):
        accumulator = SplitAccumulator(columns)
        for batch in table.to_batches(rows):
            accumulator.add(batch)
        results.append(accumulator.result())
    _assert_same(*results)


def test_wide_rows_do_not_wait_for_many() -> None:
    columns = [Column(name=f"x{place}", type=ColumnType.FLOAT) for place in range(500)]
    batch = pa.record_batch({column.name: np.arange(3000.0) for column in columns})
    accumulator = SplitAccumulator(columns)
    for _ in range(4):
        accumulator.add(batch)
    assert sum(waiting.num_rows for waiting in accumulator._pending) < 12_000
    assert {it.numeric and it.numeric.mean for it in accumulator.result().columns} == {1499.5}


def test_a_result_is_no_end() -> None:
    accumulator = _accumulator(_batch([(1.0, 1, True, "a", None, None)]))
    assert accumulator.result().rows == 1
    accumulator.add(_batch([(2.0, 1, True, "a", None, None)]))
    assert accumulator.result().columns[0].numeric.mean == 1.5


def test_what_is_pickled_is_small() -> None:
    columns = [Column(name="x", type=ColumnType.FLOAT), Column(name="s", type=ColumnType.STRING)]
    accumulator = SplitAccumulator(columns)
    numbers = np.random.default_rng(0).normal(size=200_000)
    accumulator.add(pa.record_batch({"x": numbers, "s": pa.array(numbers.astype(str))}))
    assert len(pickle.dumps(accumulator)) < 250_000
