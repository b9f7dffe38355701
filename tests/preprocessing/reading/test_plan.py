"""What is found out from files before they are read."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import pytest
from support.taxi import RIDES, needs_rides

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading import text, units
from mlmagic.preprocessing.reading.files import digest

# Values of a column, and the type that is guessed.
GUESSED = {
    "integers": (["1", "-2", "", "9223372036854775807"], "integer"),
    "blanks around integers": ([" 1", "2 "], "integer"),
    "integers and floats": (["1", "2.5"], "float"),
    "integers and exponents": (["1", "2e5"], "float"),
    "whole floats": (["1.0", "2.0"], "float"),
    "infinities": (["inf", "-Infinity", "1"], "float"),
    "codes": (["10001", "00501"], "string"),
    "a code among a thousand": (["1"] * 1000 + ["007"], "string"),
    "zeros": (["0", "0.5", "-0"], "float"),
    "long numbers": (["18446744073709551616", "18446744073709551617"], "string"),
    "long numbers and floats": (["18446744073709551616", "0.5"], "float"),
    "true and false": (["true", "False", "TRUE"], "boolean"),
    "zero and one": (["0", "1"], "integer"),
    "yes and no": (["yes", "no"], "string"),
    "days": (["2013-05-01", "2013-05-02"], "date"),
    "moments": (["2013-05-01 12:00:00", "2013-05-01T12:00"], "timestamp"),
    "days and moments": (["2013-05-01", "2013-05-01 12:00:00"], "timestamp"),
    "moments in zones": (
        ["2013-05-01 12:00:00 UTC", "2013-05-01T12:00:00+02:00", "2013-05-01 12:00:00.5Z"],
        "timestamp",
    ),
    "days as in Europe": (["01.05.2013", "02.05.2013"], "string"),
    "text": (["x", "y"], "string"),
    "nothing": (["", "NA"], "string"),
    "text and numbers": (["x", "1"], "string"),
    "a word among numbers": ([*"123456789" * 2, "x"], "integer"),
    "a number among words": ([*"abcdefghi" * 2, "1"], "string"),
    "hexadecimal": (["0x1F", "0xFF"], "string"),
    "thousands": (["1,000", "2,000"], "string"),
}


@pytest.mark.parametrize("name", GUESSED)
def test_types_are_guessed(name, tmp_path: Path, read):
    values, kind = GUESSED[name]
    (tmp_path / "rows.csv").write_text("v,w\n" + "".join(f'"{value}",1\n' for value in values))
    found = read([tmp_path / "rows.csv"])
    assert found.types["v"] == kind
    assert found.table.num_rows + len(found.rejected) == len(values)


def test_a_column_that_changes_type_in_the_last_file(tmp_path: Path, read):
    for index in range(30):
        (tmp_path / f"{index:02}.csv").write_text("fare\n" + "".join(f"{row}.5\n" for row in range(10)))
    (tmp_path / "99.csv").write_text("fare\nfree\n7.5\n")
    found = read([tmp_path / "*.csv"])
    assert found.types == {"fare": "float"}
    assert found.tally.counts == {"fare: not a number": 1}
    assert read([tmp_path / "*.csv"], types={"fare": "string"}).table.num_rows == 302


@needs_rides
def test_the_taxi_files_are_one_source(read):
    found = read([RIDES / "taxi-*.csv"])
    assert (found.table.num_rows, len(found.rejected)) == (13_611, 0)
    assert found.types["passengers"] == "float"
    assert found.types["pickup_datetime"] == "timestamp"
    assert found.table["pickup_datetime"].null_count == 0


@pytest.mark.parametrize(("sign", "ending"), [(",", "csv"), ("\t", "tsv"), ("\t", "csv"), (";", "txt"), ("|", "csv")])
def test_delimiters_are_found_out(sign, ending, tmp_path: Path, read):
    path = tmp_path / f"rows.{ending}"
    path.write_text(f'a{sign}"b, c"\n1{sign}x\n')
    if sign == "|":
        assert read([path], delimiter="|").rows() == [[1, "x"]]
    else:
        assert read([path]).rows() == [[1, "x"]]


def test_headers_in_another_order_and_with_byte_order_marks(tmp_path: Path, read):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n1,x\r\n")
    (tmp_path / "b.csv").write_bytes(b'\xef\xbb\xbf"b";"a"\ny;2\n')
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"\n\n\xef\xbb\xbfb,a\nz,3\n"[2:]))
    assert read([tmp_path / "*"]).rows() == [[1, "x"], [2, "y"], [3, "z"]]


def test_names_in_place_of_a_header_and_of_none(tmp_path: Path, read):
    path = tmp_path / "rows.csv"
    path.write_text("1,x\n2,y\n")
    assert read([path], has_header=False).table.column_names == ["column_1", "column_2"]
    assert read([path], has_header=False, column_names=("n", "m")).table.num_rows == 2
    assert read([path], column_names=("n", "m")).rows() == [[2, "y"]]
    with pytest.raises(UsageError, match=r"has 2 columns, and --column-names names 1"):
        read([path], column_names=("n",))


def test_a_column_without_a_name_is_called_by_its_place(tmp_path: Path, read):
    (tmp_path / "rows.csv").write_text(",a,\n0,1,\n1,2,\n")
    assert read([tmp_path / "rows.csv"]).table.column_names == ["column_1", "a", "column_3"]


def test_names_over_several_lines(tmp_path: Path, read):
    (tmp_path / "rows.csv").write_text('"a\nb","c ""d"""\n1,x\n')
    assert read([tmp_path / "rows.csv"]).table.to_pydict() == {"a\nb": [1], 'c "d"': ["x"]}


def test_ten_thousand_columns(tmp_path: Path, read):
    names = ",".join(f"c{index}" for index in range(10_000))
    row = ",".join(str(index) for index in range(10_000))
    (tmp_path / "rows.csv").write_text(f"{names}\n{row}\n{row},1\n{row}\n")
    found = read([tmp_path / "rows.csv"])
    assert (found.table.num_rows, found.table.num_columns) == (2, 10_000)
    assert found.rejected[0].told == "10001 fields instead of 10000"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "," * 20_000 + "\n"),
        ("rows.jsonl", "".join(f'{{"key {number}": 1}}\n' for number in range(20_001)) * 2),
    ],
)
def test_a_table_on_its_side_is_told_at_once(tmp_path: Path, monkeypatch, read, name: str, text: str):
    monkeypatch.setattr("mlmagic.preprocessing.reading.json_lines._SAMPLED", 30_000)
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match="has more than 20,000 columns, and no more can be read"):
        read([tmp_path / name])


def test_types_of_unknown_columns(tmp_path: Path, read):
    (tmp_path / "rows.csv").write_text("fare,b\n1,x\n")
    with pytest.raises(
        UsageError, match=r"--types: there is no column fair\. Did you mean fare\?\nThere are fare, b\."
    ):
        read([tmp_path / "rows.csv"], types={"fair": "float"})


def test_units_are_even_and_the_source_travels(tmp_path: Path, read, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(units, "LARGEST", 10_000)
    monkeypatch.setattr(units, "SMALLEST", 1_000)
    for index, rows in enumerate([10_000, 1, 1, 500, 3_000]):
        (tmp_path / f"{index}.csv").write_text("a,b\n" + "12345,x\n" * rows)
    found = read([tmp_path / "*"])
    sizes = [unit.size for unit in found.source.units]
    assert sum(sizes) == found.source.size_bytes == found.bytes_done
    assert min(sizes) > 0.75 * max(sizes)
    assert pickle.loads(pickle.dumps(found.source)) == found.source  # noqa: S301 - our own


def test_a_digest_tells_files_apart(tmp_path: Path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(40 << 20)
    before = digest(str(path), 40 << 20)
    with path.open("r+b") as file:
        file.write(b"x")
    assert before.startswith("sampled-sha256:")
    assert digest(str(path), 40 << 20) != before
    (tmp_path / "small").write_bytes(b"abc")
    assert digest(str(tmp_path / "small"), 3).startswith("sha256:ba7816bf")


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_row_longer_than_memory_allows(ending, tmp_path: Path, read, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(text, "BLOCK", 1000)
    monkeypatch.setattr(text, "LONGEST", 5000)
    content = b"a,b\n1,x\n2," + b"y" * 50_000 + b"\n3,z\n"
    (tmp_path / f"rows.csv{ending}").write_bytes(gzip.compress(content) if ending else content)
    found = read([tmp_path / "*"])
    assert found.rows() == [[1, "x"], [3, "z"]]
    assert [(row.reason, row.line) for row in found.rejected] == [("longer than 64 MB", 3)]


def test_small_batches_of_many_rows(tmp_path: Path, read):
    (tmp_path / "rows.csv").write_text("a\n" + "1\n" * 200_000)
    assert max(len(chunk) for chunk in read([tmp_path / "rows.csv"]).table["a"].chunks) == 65_536


def test_an_empty_line_of_one_column_is_a_missing_value(tmp_path: Path, read, read_in_bits):
    (tmp_path / "rows.csv").write_text("a\n1\n\n3\nx\n")
    for reader in (read, read_in_bits):
        found = reader([tmp_path / "rows.csv"], types={"a": "integer"})
        assert found.rows() == [[1], [None], [3]]
        assert found.rejected[0].line == 5
