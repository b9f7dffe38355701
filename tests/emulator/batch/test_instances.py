"""Files of instances."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from mlmagic.emulator.batch.instances import Instance, read_instances
from mlmagic.emulator.batch.request import BatchRequest, InstancesFormat, PredictionsFormat
from mlmagic.emulator.batch.sources import NoInputError, find_files


def read(path: Path, content: str | bytes, kind: str, **fields: Any) -> list[Instance]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    request = BatchRequest(
        artifact="",
        label="m@1",
        sources=(),
        buckets="",
        output="",
        instances_format=InstancesFormat(kind),
        predictions_format=PredictionsFormat.JSONL,
        **fields,
    )
    return list(read_instances(path, request))


def test_lines_are_instances_as_they_are(tmp_path: Path) -> None:
    found = read(tmp_path / "a", '[1, 2]\n\n{"x": 1}\n"text"', "jsonl")
    assert [each.sent for each in found] == [[1, 2], {"x": 1}, "text"]
    assert [each.told for each in found] == [[1, 2], {"x": 1}, "text"]


def test_a_line_that_is_no_json_fails_alone(tmp_path: Path) -> None:
    first, second = read(tmp_path / "a.jsonl", '{"x"\n{"x": 1}', "jsonl")
    assert first.error is not None
    assert first.error.startswith("a.jsonl, line 1: Expecting ':' delimiter")
    assert (first.told, second.sent) == ('{"x"', {"x": 1})


def test_rows_are_arrays_with_numbers(tmp_path: Path) -> None:
    (row,) = read(tmp_path / "a", 'x,city\n1.5,"Paris, TX"\n', "csv")
    assert row.sent == [1.5, "Paris, TX"]
    assert row.told == {"x": 1.5, "city": "Paris, TX"}
    (row,) = read(tmp_path / "a", "x,city\n1,Rome\n", "csv", instance_type="object")
    assert row.sent == {"x": 1, "city": "Rome"}


def test_a_row_with_too_few_values_fails_alone(tmp_path: Path) -> None:
    first, second = read(tmp_path / "a.csv", "x,y\n1\n2,3\n", "csv")
    assert first.error == "a.csv, line 2: 1 values for 2 columns"
    assert second.sent == [2, 3]


def test_the_key_is_told_in_place_of_the_instance(tmp_path: Path) -> None:
    (line,) = read(tmp_path / "a", '{"id": 7, "x": 1}', "jsonl", key_field="id")
    assert (line.sent, line.told) == ({"x": 1}, 7)
    (line,) = read(tmp_path / "a", '{"x": 1}', "jsonl", key_field="id")
    assert line.error == "a, line 1: it has no key field 'id'"
    with pytest.raises(ValueError, match="a has no column 'id', the key field"):
        read(tmp_path / "a", "x\n1\n", "csv", key_field="id")


def test_fields_are_chosen_and_left_out(tmp_path: Path) -> None:
    line = json.dumps({"a": 1, "b": 2, "c": 3})
    (found,) = read(tmp_path / "a", line, "jsonl", included_fields=("c", "a"), instance_type="array")
    assert (found.sent, found.told) == ([3, 1], {"a": 1, "b": 2, "c": 3})
    (found,) = read(tmp_path / "a", line, "jsonl", excluded_fields=("b",))
    assert found.sent == {"a": 1, "c": 3}


@pytest.mark.parametrize("kind", ["tf-record", "tf-record-gzip"])
def test_records_are_bytes(tmp_path: Path, kind: str) -> None:
    record = struct.pack("<Q", 3) + b"\0\0\0\0" + b"abc" + b"\0\0\0\0"
    content = gzip.compress(record * 2) if kind.endswith("gzip") else record * 2
    found = read(tmp_path / "a", content, kind)
    assert [each.sent for each in found] == [{"b64": base64.b64encode(b"abc").decode()}] * 2
    with pytest.raises(ValueError, match="a ends in the middle of a record"):
        read(tmp_path / "a", record[:-5], "tf-record")


def test_wildcards_stay_in_their_folder(tmp_path: Path) -> None:
    for name in ("in/b.csv", "in/a.csv", "in/deep/c.csv", "other/d.csv"):
        (tmp_path / "bucket" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "bucket" / name).touch()
    uris = ["gs://bucket/in/*.csv", "gs://bucket/in/a.csv", "gs://bucket/o*/?.csv"]
    found = [path.relative_to(tmp_path / "bucket").as_posix() for path in find_files(tmp_path, uris)]
    assert found == ["in/a.csv", "in/b.csv", "other/d.csv"]
    for nothing in ("gs://bucket/no*", "gs://bucket/../bucket/in/a.csv"):
        with pytest.raises(NoInputError, match="No files were found at gs://bucket/"):
            find_files(tmp_path, [nothing])
