"""Inputs know a usual value of the rows that a model was trained on."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from support.dataset_tables import statistics_of

from mlmagic.runtime.examples import with_examples
from mlmagic.spec import codec
from mlmagic.spec.model import Signature, TensorSpec
from mlmagic.spec.statistics import DatasetStatistics, RowCounts

TIMES = [dt.datetime(2026, 1, day, 7, 30, tzinfo=dt.UTC) for day in range(1, 8)]
TABLE = pa.table(
    {
        "city": ["rome"] * 5 + ["oslo"] * 2,
        "name": ["ann", "ann", "bob", "cat", "dan", "eve", "fay"],
        "word": ["x" * 100] * 7,
        "rooms": [4, 4, 4, 4, 4, 1, 9],
        "price": [10**10 * number for number in range(7)],
        "miles": [1.5, 1.5, 2.0, 3.123456789, 5.0, 6.0, 7.0],
        "is_new": [True, True, True, True, True, False, False],
        "start": pa.array(TIMES, pa.timestamp("us", "UTC")),
        "day": pa.array([time.date() for time in TIMES]),
        "nothing": pa.array([None] * 7, pa.float64()),
    }
)


@pytest.fixture(scope="module")
def statistics() -> bytes:
    known = DatasetStatistics(splits={"train": statistics_of(TABLE)}, rows=RowCounts(read=7, written=7))
    return codec.dumps(known).encode()


def signature_of(name: str, dtype: str, *sizes: int | None) -> Signature:
    return Signature(inputs=(TensorSpec(name=name, dtype=dtype, shape=(None, *sizes)),))


def example(statistics: bytes | None, name: str, dtype: str, *sizes: int | None) -> Any:
    found = with_examples(signature_of(name, dtype, *sizes), statistics)
    assert found is not None
    return found.inputs[0].example


@pytest.mark.parametrize(
    ("name", "dtype", "expected"),
    [
        ("city", "string", "rome"),
        ("rooms", "int64", 4),
        ("rooms", "float32", 4.0),
        ("price", "int64", 3 * 10**10),
        ("miles", "float32", 3.12346),
        ("is_new", "bool", True),
        ("start", "string", "2026-01-04 07:30:00 UTC"),
        ("day", "string", "2026-01-04"),
    ],
)
def test_the_most_frequent_value_or_the_median(statistics: bytes, name: str, dtype: str, expected: Any) -> None:
    found = example(statistics, name, dtype, 1)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("name", "string"),
        ("word", "string"),
        ("miles", "string"),
        ("city", "float32"),
        ("start", "int64"),
        ("price", "int32"),
        ("rooms", "uint8"),
        ("nothing", "float32"),
        ("other", "float32"),
    ],
)
def test_rare_and_long_texts_and_what_the_input_does_not_take_are_no_examples(
    statistics: bytes, name: str, dtype: str
) -> None:
    assert example(statistics, name, dtype) is None


def test_without_statistics_there_is_none(statistics: bytes) -> None:
    assert example(None, "city", "string") is example(b"{", "city", "string") is None
    assert example(statistics, "miles", "float32", 3) is None
    assert with_examples(None, statistics) is None


def test_an_example_makes_no_other_signature(statistics: bytes) -> None:
    signature = signature_of("city", "string")
    found = with_examples(signature, statistics)
    assert found == signature
    assert codec.loads(Signature, codec.dumps(found or signature)).inputs[0].example == "rome"
