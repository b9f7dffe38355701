"""Values that are nearly of their column's type, in files whose types are given."""

from __future__ import annotations

from datetime import date, datetime
from math import inf

import pytest

BAD = "rejected"
time = datetime.fromisoformat

TIMES = {
    "2013-05-01 12:30:00": time("2013-05-01T12:30:00"),
    "2013-05-01T12:30:00": time("2013-05-01T12:30:00"),
    "2013-05-01T12:30:00Z": time("2013-05-01T12:30:00"),
    "2013-05-01 12:30:00 UTC": time("2013-05-01T12:30:00"),
    "2013-05-01 12:30:00+00:00": time("2013-05-01T12:30:00"),
    "2013-05-01 12:30:00+02:00": time("2013-05-01T10:30:00"),
    "2013-05-01T12:30:00.250-0530": time("2013-05-01T18:00:00.250000"),
    "2013-05-01 12:30:00.123456789": time("2013-05-01T12:30:00.123456"),
    "2013-05-01 12:30": time("2013-05-01T12:30:00"),
    "2013-05-01": time("2013-05-01T00:00:00"),
    "2013-05-01 12:30:00 GMT": time("2013-05-01T12:30:00"),
    " 2013-05-01 12:30:00 ": time("2013-05-01T12:30:00"),
    "0001-01-01 00:00:00": time("0001-01-01T00:00:00"),
    "9999-12-31 23:59:59": time("9999-12-31T23:59:59"),
    "0000-01-01 00:00:00": BAD,
    "0001-01-01 00:00:00+01:00": BAD,
    "9999-12-31 23:59:59-01:00": BAD,
    "10000-01-01 00:00:00": BAD,
    "-0044-03-15 12:00:00": BAD,
    "2013-02-29 00:00:00": BAD,
    "2013-13-01 00:00:00": BAD,
    "2013-05-01 24:00:00": BAD,
    "2013-05-01 23:59:60": BAD,
    "2013-05-01 12:30:00 CEST": BAD,
    "01/05/2013 12:30": BAD,
    "2013-5-1": BAD,
    "1367411400": BAD,
    "12:30:00": BAD,
    "yesterday": BAD,
}
DATES = {
    "2013-05-01": date(2013, 5, 1),
    " 2013-05-01 ": date(2013, 5, 1),
    "0001-01-01": date(1, 1, 1),
    "9999-12-31": date(9999, 12, 31),
    "0000-01-01": BAD,
    "10000-01-01": BAD,
    "2013-02-29": BAD,
    "2013-05-01 12:00:00": BAD,
    "20130501": BAD,
}
FLOATS = {
    "1": 1.0,
    "-1.5": -1.5,
    ".5": 0.5,
    "5.": 5.0,
    "+5": 5.0,
    "1e3": 1000.0,
    "1E-400": 0.0,
    "inf": inf,
    "-Infinity": -inf,
    " 2.5 ": 2.5,
    "18446744073709551616": 2.0**64,
    "1e400": BAD,
    "-1e309": BAD,
    "1,5": BAD,
    "1.5.1": BAD,
    "0x10": BAD,
    "1e": BAD,
    "1_000.0": BAD,
    "$5": BAD,
    "5%": BAD,
}
BOOLEANS = {"true": True, "FALSE": False, "Yes": True, "n": False, "1": True, " 0 ": False, "2": BAD, "maybe": BAD}

CASES = [
    *(("timestamp", text, value) for text, value in TIMES.items()),
    *(("date", text, value) for text, value in DATES.items()),
    *(("float", text, value) for text, value in FLOATS.items()),
    *(("boolean", text, value) for text, value in BOOLEANS.items()),
]


@pytest.mark.parametrize(("kind", "text", "value"), CASES)
def test_a_value_is_read_or_its_row_rejected(kind, text, value, tmp_path, read):
    path = tmp_path / "rows.csv"
    path.write_text(f'v,w\n"{text}",1\n,2\n')
    found = read([path], types={"v": kind})
    assert found.rows() == ([[None, 2]] if value is BAD else [[value, 1], [None, 2]])
    assert [row.line for row in found.rejected] == ([2] if value is BAD else [])


@pytest.mark.parametrize(("kind", "text", "value"), CASES)
def test_the_same_in_json(kind, text, value, tmp_path, read):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"v": "{text}", "w": 1}}\n{{"v": null, "w": 2}}\n')
    found = read([path], types={"v": kind, "w": "integer"})
    assert found.rows() == ([[None, 2]] if value is BAD else [[value, 1], [None, 2]])
    assert len(found.rejected) == (value is BAD)


@pytest.mark.parametrize(
    "case",
    [
        ("integer", "x", "not a whole number", 'v: "x" is not a whole number'),
        ("integer", "1" * 20, "beyond 64 bits", f'v: "{"1" * 20}" is beyond 64 bits'),
        ("float", "x", "not a number", 'v: "x" is not a number'),
        ("float", "1e999", "beyond 64 bits", 'v: "1e999" is beyond 64 bits'),
        ("boolean", "x", "not true or false", 'v: "x" is not true or false'),
        ("date", "x", "not a date", 'v: "x" is not a date'),
        ("date", "0000-01-01", "a year outside of 0001-9999", 'v: "0000-01-01" has a year outside of 0001-9999'),
        ("timestamp", "x", "not a time", 'v: "x" is not a time'),
        ("timestamp", "x" * 100, "not a time", f'v: "{"x" * 58}… is not a time'),
    ],
)
def test_the_reason_names_column_and_value(case, tmp_path, read):
    kind, text, phrase, told = case
    path = tmp_path / "rows.csv"
    path.write_text(f"v,w\n{text},1\n")
    (row,) = read([path], types={"v": kind}).rejected
    assert (row.reason, row.told) == (f"v: {phrase}", told)
    assert (row.file, row.line, row.text) == (str(path), 2, f"{text},1")
