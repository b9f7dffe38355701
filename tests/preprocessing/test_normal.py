"""Whatever `clean` returns becomes one of six types, or an error that names the columns."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from mlmagic.errors import UsageError
from mlmagic.preprocessing.normal import TEXT, column_types, conform
from mlmagic.spec.dataset import Column, ColumnType


def brought(values: object, kind: ColumnType) -> pa.Array:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return conform(pa.record_batch({"x": array}), [Column(name="x", type=kind)]).column("x")


@pytest.mark.parametrize(
    ("array", "kind", "expected"),
    [
        (pa.array([1, None], pa.int8()), ColumnType.INTEGER, [1, None]),
        (pa.array([1, 2], pa.uint32()), ColumnType.INTEGER, [1, 2]),
        (pa.array([1.0, math.nan, None]), ColumnType.INTEGER, [1, None, None]),
        (pa.array([1.5], pa.float32()), ColumnType.FLOAT, [1.5]),
        (pa.array([Decimal("1.25"), None]), ColumnType.FLOAT, [1.25, None]),
        (pa.array([1, 2]), ColumnType.FLOAT, [1.0, 2.0]),
        (pa.array([math.nan, 2.0]), ColumnType.FLOAT, [None, 2.0]),
        (pa.array([True, None]), ColumnType.BOOLEAN, [True, None]),
        (pa.array(["a", "", None], pa.large_string()), ColumnType.STRING, ["a", None, None]),
        (pa.array(["a", "b"]).dictionary_encode(), ColumnType.STRING, ["a", "b"]),
        (pa.array([date(2020, 1, 2)]), ColumnType.DATE, [date(2020, 1, 2)]),
        (pa.array([datetime(2020, 1, 2)]), ColumnType.DATE, [date(2020, 1, 2)]),  # noqa: DTZ001
        (pa.array([date(2020, 1, 2)]), ColumnType.TIMESTAMP, [datetime(2020, 1, 2)]),  # noqa: DTZ001
        (pa.nulls(2), ColumnType.STRING, [None, None]),
    ],
)
def test_values_are_brought_to_their_columns_type(array: pa.Array, kind: ColumnType, expected: list[object]) -> None:
    assert brought(array, kind).to_pylist() == expected


def test_times_of_any_zone_and_unit_are_in_utc_to_the_microsecond() -> None:
    zoned = pa.array([datetime(2020, 1, 2, 3, tzinfo=UTC)]).cast(pa.timestamp("ns", "America/New_York"))
    assert brought(zoned, ColumnType.TIMESTAMP).to_pylist() == [datetime(2020, 1, 2, 3)]  # noqa: DTZ001
    nanoseconds = pa.array([1_577_934_245_123_456_789], pa.timestamp("ns"))
    assert brought(nanoseconds, ColumnType.TIMESTAMP).type == pa.timestamp("us")


def test_text_is_encoded_once_whatever_form_it_came_in() -> None:
    odd = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int8()), pa.array(["a", None, ""], pa.large_string()))
    array = brought(odd, ColumnType.STRING)
    assert array.type == TEXT
    assert array.to_pylist() == ["a", None, None]


def test_types_that_no_dataset_has_are_told_at_once() -> None:
    schema = pa.schema([("a", pa.list_(pa.int64())), ("b", pa.int8()), ("c", pa.duration("s")), ("b", pa.int8())])
    with pytest.raises(UsageError) as caught:
        column_types(schema)
    assert caught.value.problems == (
        "a: list<item: int64>, a nested type",
        "c: duration[s], which seconds can stand for: `.dt.total_seconds()`",
        "b: two columns have this name",
    )


def test_a_column_that_changes_its_type_is_told_with_both() -> None:
    with pytest.raises(UsageError, match=r"x: string where it was float before") as caught:
        brought(["abc"], ColumnType.FLOAT)
    assert "--types" in str(caught.value)
    with pytest.raises(UsageError, match=r"x: float where it was integer before"):
        brought([0.5], ColumnType.INTEGER)


def test_other_columns_than_before_are_told() -> None:
    columns = [Column(name="x", type=ColumnType.FLOAT), Column(name="y", type=ColumnType.FLOAT)]
    with pytest.raises(UsageError, match=r"one lacks y and has z in addition \(the first had x, y\)"):
        conform(pa.record_batch({"x": pa.array([1.0]), "z": pa.array([1.0])}), columns)


def test_columns_come_in_one_order() -> None:
    columns = [Column(name="x", type=ColumnType.FLOAT), Column(name="y", type=ColumnType.INTEGER)]
    batch = conform(pa.record_batch({"y": pa.array([1]), "x": pa.array([1.0])}), columns)
    assert batch.schema.names == ["x", "y"]


def test_every_empty_text_of_a_dictionary_is_missing() -> None:
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None], pa.int32()), pa.array(["", "a", ""]))
    batch = conform(pa.record_batch({"s": twice}), [Column(name="s", type=ColumnType.STRING)])
    assert batch.column("s").to_pylist() == [None, "a", None, None]
