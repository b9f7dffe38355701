"""Parquet files of differing types, and damaged ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading import units

MOMENT = datetime.fromisoformat("2013-05-01T12:30:00")
SUMMER = timezone(timedelta(hours=2))

# Arrays, one for each file; the type that the column has; and its values.
UNIFIED = {
    "small integers": ([pa.array([1], pa.int8()), pa.array([2], pa.uint32())], "integer", [1, 2]),
    "integers and floats": ([pa.array([1]), pa.array([2.5], pa.float32())], "float", [1.0, 2.5]),
    "half floats": ([pa.array(np.array([1.5], np.float16))], "float", [1.5]),
    "decimals": ([pa.array([Decimal("1.25")]), pa.array([2])], "float", [1.25, 2.0]),
    "large decimals": ([pa.array([Decimal(10) ** 40], pa.decimal256(50, 2))], "float", [1e40]),
    "nothing and integers": ([pa.nulls(1), pa.array([2])], "integer", [None, 2]),
    "nothing at all": ([pa.nulls(1)], "string", [None]),
    "text and integers": ([pa.array(["x"]), pa.array([2])], "string", ["x", "2"]),
    "booleans": ([pa.array([True]), pa.array([None], pa.bool_())], "boolean", [True, None]),
    "dictionaries": ([pa.array(["x"]).dictionary_encode(), pa.array(["y"])], "string", ["x", "y"]),
    "dictionaries of numbers": ([pa.array([7]).dictionary_encode()], "integer", [7]),
    "large text": ([pa.array(["x"], pa.large_string()), pa.array(["y"], pa.string_view())], "string", ["x", "y"]),
    "binary text": ([pa.array([b"x"]), pa.array([b"\xc3\xa9"], pa.large_binary())], "string", ["x", "é"]),
    "nanoseconds": (
        [pa.array([1367411400123456789], pa.timestamp("ns"))],
        "timestamp",
        [MOMENT.replace(microsecond=123456)],
    ),
    "zones": (
        [pa.array([MOMENT.replace(tzinfo=UTC)]), pa.array([MOMENT.replace(tzinfo=SUMMER)]), pa.array([MOMENT])],
        "timestamp",
        [MOMENT, MOMENT.replace(hour=10), MOMENT],
    ),
    "days and moments": (
        [pa.array([date(2013, 5, 1)]), pa.array([MOMENT])],
        "timestamp",
        [MOMENT.replace(hour=0, minute=0), MOMENT],
    ),
    "days in milliseconds": ([pa.array([date(2013, 5, 1)], pa.date64())], "date", [date(2013, 5, 1)]),
    "times of day": ([pa.array([time(12, 30)])], "string", ["12:30:00.000000"]),
    "NaN": ([pa.array([float("inf"), 1.5])], "float", [float("inf"), 1.5]),
}


def write(folder: Path, arrays: list[pa.Array], **options: object) -> Path:
    for index, array in enumerate(arrays):
        pq.write_table(pa.table({"v": array}), folder / f"{index}.parquet", **options)
    return folder / "*.parquet"


@pytest.mark.parametrize("name", UNIFIED)
def test_types_that_go_together(name, tmp_path: Path, read):
    arrays, kind, values = UNIFIED[name]
    found = read([write(tmp_path, arrays)])
    assert found.types == {"v": kind}
    assert found.table["v"].to_pylist() == values
    assert found.bytes_done == found.source.size_bytes


# An array, the type that is wanted, and which of its rows is rejected why.
REJECTED = {
    "beyond 64 bits": (pa.array([1, 2**63], pa.uint64()), "integer", "beyond 64 bits"),
    "a fraction": (pa.array([1.0, 1.5]), "integer", "not a whole number"),
    "text": (pa.array(["1", "x"]), "integer", "not a whole number"),
    "not UTF-8": (pa.array([b"x", b"\xff"]), "string", "not UTF-8"),
    "a year beyond": (pa.array([0, 2**60], pa.timestamp("us")), "timestamp", "a year outside of 0001-9999"),
    "a day beyond": (pa.array([0, 2**30], pa.date32()), "date", "a year outside of 0001-9999"),
    "no time": (pa.array(["2013-05-01 12:00:00", "soon"]), "timestamp", "not a time"),
    "no number": (pa.array(["1e3", "1e999"]), "float", "beyond 64 bits"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_value_that_has_not_the_type(name, tmp_path: Path, read):
    array, kind, phrase = REJECTED[name]
    found = read([write(tmp_path, [array])], types={"v": kind})
    assert found.table.num_rows == 1
    assert [(row.reason, row.line) for row in found.rejected] == [(f"v: {phrase}", 2)]
    assert found.tally.samples()[0].text


@pytest.mark.parametrize(
    "array",
    [
        pa.array([[1]]),
        pa.array([{"x": 1}]),
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([timedelta(1)]),
    ],
    ids=["list", "struct", "map", "duration"],
)
def test_what_a_dataset_cannot_hold(array, tmp_path: Path, read):
    with pytest.raises(UsageError, match=r"Some columns hold what a dataset cannot\.\n  - v: "):
        read([write(tmp_path, [array])])


def test_columns_are_put_in_the_order_of_the_first_file(tmp_path: Path, read):
    pq.write_table(pa.table({"a": [1], "b.c": ["x"]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"b.c": ["y"], "a": [2]}), tmp_path / "1.parquet")
    assert read([tmp_path / "*"]).rows() == [[1, "x"], [2, "y"]]


def test_missing_columns_name_the_files(tmp_path: Path, read):
    for index, names in enumerate(["ab", "a", "abc"]):
        pq.write_table(pa.table({name: [1] for name in names}), tmp_path / f"{index}.parquet")
    with pytest.raises(UsageError) as caught:
        read([tmp_path / "*"])
    assert caught.value.problems == (f"{tmp_path}/1.parquet: lacks b", f"{tmp_path}/2.parquet: has c in addition")


def test_row_groups_are_divided_among_units(tmp_path: Path, read, monkeypatch: pytest.MonkeyPatch):
    pattern = write(tmp_path, [pa.array(range(1000)), pa.array(range(1000, 1500))], row_group_size=100)
    whole = read([pattern])
    monkeypatch.setattr(units, "SMALLEST", 100)
    monkeypatch.setattr(units, "LARGEST", 1500)
    divided = read([pattern])
    assert len(whole.source.units) == 1
    assert len(divided.source.units) > 5
    assert divided.table.equals(whole.table)
    assert divided.bytes_done == whole.bytes_done == whole.source.size_bytes


def test_an_empty_table_beside_another(tmp_path: Path, read):
    found = read([write(tmp_path, [pa.array([], pa.int64()), pa.array([1])])])
    assert found.table["v"].to_pylist() == [1]
    assert found.bytes_done == found.source.size_bytes


def test_empty_tables_alone(tmp_path: Path, read):
    with pytest.raises(UsageError, match=r"There are no rows in the input"):
        read([write(tmp_path, [pa.array([], pa.int64())])])


def test_a_page_that_is_damaged(tmp_path: Path, read):
    path = (
        write(tmp_path, [pa.array([str(number) for number in range(10_000)])], compression="snappy").parent
        / "0.parquet"
    )
    content = bytearray(path.read_bytes())
    content[100:10_000] = b"\xff" * 9_900
    path.write_bytes(bytes(content))
    with pytest.raises(UsageError, match=r"0\.parquet: is damaged or no Parquet file"):
        read([path])
