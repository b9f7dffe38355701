"""JSON lines as nobody should write them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mlmagic.preprocessing.reading import samples

GOOD = b"".join(b'{"a": %d, "b": "x", "c": 0.5}\n' % number for number in range(10))

# What follows the ten good rows; how many rows of it are good, and how many are rejected.
CASES = {
    "nothing": (b"", 0, 0),
    "no newline at the end": (b'{"a": 1}', 1, 0),
    "blank lines": (b'\n  \n{"a": 1}\n\t\n', 1, 0),
    "CRLF": (b'{"a": 1}\r\n{"a": 2}\r\n', 2, 0),
    "CR alone": (b'{"a": 1}\r{"a": 2}\r', 2, 0),
    "an empty object": (b"{}\n", 1, 0),
    "null": (b"null\n", 0, 1),
    "an object and null": (b'{"a": 1} null\n', 0, 1),
    "null between objects": (b'{"a": 1} null {"a": 2}\n', 0, 1),
    "a number": (b"1\n", 0, 1),
    "a text": (b'"a"\n', 0, 1),
    "an array": (b'[{"a": 1}]\n', 0, 1),
    "two objects on a line": (b'{"a": 1}{"a": 2}\n', 0, 1),
    "an object on two lines": (b'{"a":\n1}\n', 0, 2),
    "a comma after the row": (b'{"a": 1},\n', 0, 1),
    "a comma after the last member": (b'{"a": 1,}\n', 0, 1),
    "cut off": (b'{"a": 1, "b"', 0, 1),
    "a text that is cut off": (b'{"a": 1, "b": "x\n{"a": 2}\n', 1, 1),
    "single quotes": (b"{'a': 1}\n", 0, 1),
    "a key without quotes": (b"{a: 1}\n", 0, 1),
    "a comment": (b'// {"a": 1}\n{"a": 1} // one\n', 0, 2),
    "a key twice": (b'{"a": 1, "a": 2}\n', 0, 1),
    "a key twice, alike": (b'{"a": 1, "\\u0061": 1}\n', 0, 1),
    "an empty key": (b'{"": 1}\n', 0, 1),
    "null values": (b'{"a": null, "b": null, "c": null}\n', 1, 0),
    "a whole float": (b'{"a": 1.0}\n', 1, 0),
    "a fraction": (b'{"a": 1.5}\n', 0, 1),
    "an exponent": (b'{"c": 1e3}\n', 1, 0),
    "beyond 64 bits": (b'{"a": 9223372036854775808}\n', 0, 1),
    "10,000 digits": (b'{"a": ' + b"1" * 10_000 + b"}\n", 0, 1),
    "beyond a double": (b'{"c": 1e400}\n{"c": -1.8e308}\n', 0, 2),
    "a long number that a double rounds": (b'{"c": 123456789012345678901234567890}\n', 1, 0),
    "below a double": (b'{"c": 1e-400}\n', 1, 0),
    "NaN": (b'{"c": NaN}\n', 1, 0),
    "infinity": (b'{"c": Infinity}\n{"c": -Infinity}\n', 2, 0),
    "infinity for an integer": (b'{"a": Infinity}\n', 0, 1),
    "a leading zero": (b'{"a": 01}\n', 0, 1),
    "a plus sign": (b'{"a": +1}\n', 0, 1),
    "a number as text": (b'{"a": "1"}\n', 1, 0),
    "missing as text": (b'{"a": "NA"}\n{"c": ""}\n', 2, 0),
    "text for a number": (b'{"a": "x"}\n', 0, 1),
    "true for a number": (b'{"a": true}\n', 0, 1),
    "a number for text": (b'{"b": 1.50}\n', 1, 0),
    "true for text": (b'{"b": true}\n', 1, 0),
    "an object for text": (b'{"b": {"x": [1, "{"]}}\n', 1, 0),
    "an array for a number": (b'{"a": [1]}\n', 0, 1),
    "an object for a number": (b'{"c": {}}\n', 0, 1),
    "braces in text": (b'{"b": "}{"}\n{"b": "}"}\n{"b": "{"}\n', 3, 0),
    "not UTF-8": (b'{"b": "\xff"}\n', 0, 1),
    "not UTF-8 in a key": (b'{"\xff": 1}\n', 0, 1),
    "half of a surrogate pair": (b'{"b": "\\ud800"}\n', 0, 1),
    "a surrogate pair": (b'{"b": "\\ud83d\\ude95"}\n', 1, 0),
    "an escaped NUL": (b'{"b": "x\\u0000y"}\n', 1, 0),
    "a raw NUL": (b'{"b": "x\x00y"}\n', 0, 1),
    "a raw tab": (b'{"b": "x\ty"}\n', 0, 1),
    "an escaped newline": (b'{"b": "x\\ny"}\n', 1, 0),
    "an unknown escape": (b'{"b": "\\x41"}\n', 0, 1),
    "a line separator": ('{"b": "x\u2028y"}\n'.encode(), 1, 0),
    "a long text": (b'{"b": "' + b"x" * 100_000 + b'"}\n', 1, 0),
    "nested deeply": (b'{"b": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", 0, 1),
    "CSV": (b"a,b,c\n1,x,0.5\n", 0, 2),
    "a BOM in the middle": (b'\xef\xbb\xbf{"a": 1}\n', 1, 0),
}
TYPES = {"a": "integer", "b": "string", "c": "float"}


@pytest.mark.parametrize("name", CASES)
def test_bad_rows_are_rejected_and_good_ones_kept(name, tmp_path: Path, read, read_in_bits):
    text, good, rejected = CASES[name]
    (tmp_path / "rows.jsonl").write_bytes(GOOD + text)
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(GOOD + text))
    whole = read([tmp_path / "rows.jsonl"], types=TYPES)
    assert (whole.table.num_rows, len(whole.rejected)) == (10 + good, rejected)
    for reader, path in ((read_in_bits, "rows.jsonl"), (read, "rows.jsonl.gz"), (read_in_bits, "rows.jsonl.gz")):
        found = reader([tmp_path / path], types=TYPES)
        assert found.table.to_pylist() == whole.table.to_pylist() or name == "NaN"
        assert [row[1:] for row in found.rejected] == [row[1:] for row in whole.rejected]
        assert found.bytes_done == found.source.size_bytes


def test_columns_are_those_of_the_samples(tmp_path: Path, read):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 1, "t": "2013-05-01T12:00:00Z", "z": "00501"}\n{"n": 2.5, "flag": true, "z": "1"}\n')
    found = read([path])
    assert found.types == {"n": "float", "t": "timestamp", "z": "string", "flag": "boolean"}
    assert found.table["flag"].to_pylist() == [None, True]


def test_a_later_key_becomes_a_column_if_types_name_it(tmp_path: Path, read, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(samples, "_SAMPLE", 9)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 110 + b'{"a": 2, "late": 1}\n' + b'{"a": 1}\n' * 400)
    found = read([path])
    assert found.table.num_rows == 510
    (row,) = found.rejected
    assert (row.line, row.told) == (111, "late is not a column; --types late=string would make it one")
    assert read([path], types={"late": "integer"}).table.num_rows == 511


def test_nested_values_are_kept_as_json_where_types_say_text(tmp_path: Path, read):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": {"x": [1, 2.50, "é"]}}\n{"a": []}\n')
    assert read([path], types={"a": "string"}).rows() == [['{"x": [1, 2.5, "é"]}'], ["[]"]]
