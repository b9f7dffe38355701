"""Files that cannot be read at all, or not together: one error says all that is wrong."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from mlmagic.errors import UsageError

ROWS = b"a,b\n1,x\n2,y\n"

# The files, and what the error says.
ERRORS = {
    "an empty file": ({"r.csv": b""}, "r.csv: is empty"),
    "only a BOM": ({"r.csv": b"\xef\xbb\xbf"}, "r.csv: is empty but for line breaks"),
    "only line breaks": ({"r.csv": b"\n\r\n\n"}, "r.csv: is empty but for line breaks"),
    "a header alone": ({"r.csv": b"a,b\n"}, "There are no rows in the input.\n  - "),
    "a header without a newline": ({"r.csv": b"a,b"}, "r.csv: no rows"),
    "headers alone": ({"r.csv": b"a,b\n", "s.csv": b"a,b\r\n"}, "s.csv: no rows"),
    "a header alone, gzipped": ({"r.csv.gz": gzip.compress(b"a,b\n")}, "r.csv.gz: no rows"),
    "an empty gzip": ({"r.csv.gz": gzip.compress(b"")}, "r.csv.gz: is empty but for line breaks"),
    "UTF-16": ({"r.csv": ROWS.decode().encode("utf-16")}, "r.csv: is UTF-16"),
    "UTF-16 without a BOM": ({"r.csv": ROWS.decode().encode("utf-16-le")}, "r.csv: is not UTF-8 text"),
    "UTF-32": ({"r.csv": ROWS.decode().encode("utf-32-be")}, "r.csv: is not UTF-8 text"),
    "a header in Latin-1": ({"r.csv": b"caf\xe9,b\n1,x\n"}, "r.csv: its first line is not UTF-8"),
    "two columns of one name": ({"r.csv": b"a,b,a\n1,2,3\n"}, "r.csv: has two columns called a; give others"),
    "two columns of one name and blanks": ({"r.csv": b"a, a\n1,2\n"}, "r.csv: has two columns called a;"),
    "zip": ({"r.csv": b"PK\x03\x04rest"}, "r.csv: is a zip archive\nCSV, JSON lines, Parquet and TFRecord"),
    "bzip2": ({"r.csv.bz2": b"BZh91AY"}, "r.csv.bz2: is compressed with bzip2"),
    "zstd": ({"r.csv.zst": b"\x28\xb5\x2f\xfd123"}, "r.csv.zst: is compressed with zstd"),
    "xz": ({"r.csv.xz": b"\xfd7zXZ\x00"}, "r.csv.xz: is compressed with xz"),
    "Avro": ({"r.avro": b"Obj\x01"}, "r.avro: is an Avro file"),
    "a column is missing": ({"a.csv": ROWS, "b.csv": b"a\n1\n"}, "b.csv: lacks b\nRead only files of the same columns"),
    "a column more": ({"a.csv": ROWS, "b.csv": b"a,b,c\n1,2,3\n"}, "b.csv: has c in addition"),
    "other columns": ({"a.csv": ROWS, "b.csv": b"c,b\n1,2\n", "c.csv": b"b,A\n1,2\n"}, "c.csv: lacks a"),
    "a file without a header": ({"a.csv": ROWS, "b.csv": b"1,x\n2,y\n"}, "b.csv: lacks a, b"),
    "no header": (
        {"a.csv": b"1,x\n2,y\n3,z\n"},
        "looks like a row: 1, x.\nIf the files have no header, pass --no-header",
    ),
    "two formats": ({"a.csv": ROWS, "b.jsonl": b'{"a": 1}\n'}, "files of several formats.\n  - "),
    "one array": ({"r.json": b'[{"a": 1}]'}, "r.json: is one array; write each row as an object on a line"),
    "no object": ({"r.jsonl": b"1\n2\n"}, "r.jsonl: no row names a column"),
    "empty objects": ({"r.jsonl": b"{}\n{}\n"}, "r.jsonl: no row names a column"),
    "nested JSON": ({"r.jsonl": b'{"a": 1, "b": [1], "c": {"x": 1}}\n'}, "- b\n  - c\nWith --types b=string they are"),
    "an empty Parquet file": ({"r.parquet": b""}, "r.parquet: is empty"),
    "a Parquet file of garbage": ({"r.parquet": b"PAR1" + b"x" * 100 + b"PAR1"}, "r.parquet: is damaged or no Parquet"),
    "a Parquet file cut off": ({"r.parquet": b"PAR1" + b"x" * 100}, "r.parquet: is damaged or no Parquet"),
    "CSV called Parquet": ({"r.parquet": ROWS}, "r.parquet: is damaged or no Parquet"),
    "a TFRecord file of garbage": ({"r.tfrecord": b"x" * 100}, "r.tfrecord is no TFRecord file: the checksum"),
    "a TFRecord file of a few bytes": ({"r.tfrecord": b"x"}, "r.tfrecord is truncated: it ends within record 1"),
    "a truncated gzip": ({"r.csv.gz": gzip.compress(ROWS)[:-12]}, "r.csv.gz is truncated"),
    "a gzip of a header": ({"r.csv.gz": gzip.compress(ROWS)[:8]}, "r.csv.gz is truncated"),
    "a damaged gzip": ({"r.csv.gz": gzip.compress(ROWS)[:10] + b"xxxxxxxxxxxxxxxx"}, "r.csv.gz is damaged"),
    "a gzip with a wrong sum": ({"r.csv.gz": gzip.compress(ROWS)[:-8] + b"12345678"}, "r.csv.gz is damaged"),
    "something after a gzip": ({"r.csv.gz": gzip.compress(ROWS) + b"hello"}, "r.csv.gz is damaged"),
    "half of a second member": (
        {"r.csv.gz": gzip.compress(ROWS) + gzip.compress(b"3,z\n")[:-9]},
        "r.csv.gz is truncated: the compressed data end in the middle.",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_one_error_says_what_is_wrong(name, tmp_path: Path, read):
    files, told = ERRORS[name]
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read([tmp_path / "*"])
    assert told in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path: Path, read):
    (tmp_path / "empty").touch()
    (tmp_path / "rides.csv").write_bytes(ROWS)
    patterns = [tmp_path / "*", tmp_path / "ride.csv", tmp_path / "none" / "*.csv"]
    with pytest.raises(UsageError) as caught:
        read(patterns)
    assert caught.value.problems == (
        f"{tmp_path}/ride.csv: no such file. Did you mean rides.csv?",
        f"{tmp_path}/none/*.csv: no such file. There is no folder {tmp_path}/none.",
        f"{tmp_path}/empty: is empty",
    )


def test_a_folder_is_no_file(tmp_path: Path, read):
    with pytest.raises(UsageError, match=rf"{tmp_path}: is a folder; its files are {tmp_path}/\*"):
        read([tmp_path])


def test_a_pipe_is_no_file(tmp_path: Path, read):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UsageError, match=r"pipe\.csv: is not a file"):
        read([tmp_path / "pipe.csv"])


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path, read):
    (tmp_path / "r.csv").write_bytes(ROWS)
    (tmp_path / "r.csv").chmod(0)
    with pytest.raises(UsageError, match=r"r\.csv: there is no permission to read it"):
        read([tmp_path / "r.csv"])


def test_a_link_to_nothing(tmp_path: Path, read):
    (tmp_path / "r.csv").symlink_to(tmp_path / "gone")
    with pytest.raises(UsageError, match=r"The input cannot be read"):
        read([tmp_path / "r.csv"])


def test_no_pattern_at_all(read):
    with pytest.raises(UsageError, match=r"There is no input\.\nName files with --input"):
        read([])


def test_a_file_system_that_does_not_exist(read):
    with pytest.raises(UsageError, match="there is no file system for ftp://"):
        read(["ftp://host/rides.csv"])


@pytest.mark.parametrize(
    "name", ["a b.csv", "a[1].csv", "ünï.csv", "a,b=c.csv", "-r.csv", "a'b\".csv", ".csv", "a*.csv"]
)
def test_any_name_of_a_file(name, tmp_path: Path, read):
    (tmp_path / name).write_bytes(ROWS)
    assert read([tmp_path / name]).rows() == [[1, "x"], [2, "y"]]


def test_a_file_is_read_once_and_a_marker_not_at_all(tmp_path: Path, read):
    (tmp_path / "r.csv").write_bytes(ROWS)
    (tmp_path / "_SUCCESS").touch()
    found = read([tmp_path / "*", tmp_path / "r.csv", tmp_path / "r*"])
    assert found.table.num_rows == 2
    assert [file.path for file in found.source.files] == [str(tmp_path / "r.csv")]


def test_a_file_without_rows_beside_others(tmp_path: Path, read):
    (tmp_path / "a.csv").write_bytes(b"a,b\n")
    (tmp_path / "b.csv").write_bytes(ROWS)
    found = read([tmp_path / "*"])
    assert found.table.num_rows == 2
    assert found.bytes_done == found.source.size_bytes == 16


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path, read, monkeypatch: pytest.MonkeyPatch):
    from mlmagic.preprocessing.reading.options import ReadOptions
    from mlmagic.preprocessing.reading.plan import plan_source
    from mlmagic.preprocessing.reading.reader import read_unit

    (tmp_path / "r.csv").write_bytes(ROWS * 10)
    source = plan_source([str(tmp_path / "r.csv")], ReadOptions())
    (tmp_path / "r.csv").write_bytes(ROWS)
    with pytest.raises(UsageError, match=r"r\.csv has become shorter while it was read: 108 bytes are missing"):
        list(read_unit(source, source.units[0]))
