"""TFRecord files of Examples, made without TensorFlow."""

from __future__ import annotations

import gzip
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading import tfrecord
from mlmagic.preprocessing.reading.checksum import masked_crc, masked_crcs
from mlmagic.preprocessing.reading.examples import example_class


def example(**values: object) -> bytes:
    message = example_class()()
    for name, value in values.items():
        feature = message.features.feature[name]
        items = value if isinstance(value, list) else [value]
        kind = {bytes: "bytes", float: "float", int: "int64"}[type(items[0])] if items else "bytes"
        getattr(feature, kind).value.extend(items)
        if not items:
            feature.bytes.SetInParent()
    return message.SerializeToString()


def framed(record: bytes, crc: int | None = None) -> bytes:
    length = struct.pack("<Q", len(record))
    crcs = masked_crc(length), masked_crc(record) if crc is None else crc
    return length + struct.pack("<I", crcs[0]) + record + struct.pack("<I", crcs[1])


GOOD = b"".join(framed(example(a=number, b=b"x", c=0.5)) for number in range(10))

# What follows the ten good rows; how many rows of it are good, and how many are rejected.
CASES = {
    "nothing": (b"", 0, 0),
    "another row": (framed(example(a=1, b=b"y")), 1, 0),
    "no features": (framed(b""), 1, 0),
    "empty features": (framed(example(a=[], b=[])), 1, 0),
    "a wrong checksum": (framed(example(a=1), crc=1) + framed(example(a=2)), 1, 1),
    "no Example": (framed(b"hello"), 0, 1),
    "text for a number": (framed(example(a=b"x")), 0, 1),
    "a number as text": (framed(example(a=b"11")), 1, 0),
    "a number for text": (framed(example(b=1.5)), 1, 0),
    "a whole float": (framed(example(a=2.0)), 1, 0),
    "a fraction": (framed(example(a=2.5)), 0, 1),
    "NaN": (framed(example(c=float("nan"))), 1, 0),
    "infinity": (framed(example(c=float("inf"))), 1, 0),
    "not UTF-8": (framed(example(b=b"\xff")), 0, 1),
    "several numbers": (framed(example(a=[1, 2])), 0, 1),
    "several texts": (framed(example(b=[b"x", b"y"])), 1, 0),
    "a long text": (framed(example(b=b"x" * 1_000_000)), 1, 0),
    "the largest integer": (framed(example(a=2**63 - 1)), 1, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_records_are_rejected_and_good_ones_kept(name, tmp_path: Path, read):
    content, good, rejected = CASES[name]
    (tmp_path / "rows.tfrecord").write_bytes(GOOD + content)
    (tmp_path / "rows.tfrecord.gz").write_bytes(gzip.compress(GOOD + content))
    for path in ("rows.tfrecord", "rows.tfrecord.gz"):
        found = read([tmp_path / path], types={"a": "integer", "b": "string", "c": "float"})
        assert (found.table.num_rows, len(found.rejected)) == (10 + good, rejected)
        assert [row.line for row in found.rejected] == [11] * rejected
        assert found.bytes_done == found.source.size_bytes


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (GOOD[:-1], "is truncated: it ends within record 10"),
        (GOOD + b"x", "is truncated: it ends within record 11"),
        (GOOD[:-20], "is truncated: it ends within record 10"),
        (GOOD + b"\0" * 16, "is damaged in record 11: the checksum of a length is wrong"),
        (GOOD + b"x" * 16, "is damaged in record 11"),
        (b"x" * 16, "is no TFRecord file"),
    ],
)
def test_a_file_that_cannot_be_read_on(content, told, tmp_path: Path, read):
    (tmp_path / "rows.tfrecord").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read([tmp_path / "rows.tfrecord"])
    assert told in str(caught.value)


def test_types_and_features_of_several_values(tmp_path: Path, read):
    (tmp_path / "rows.tfrecord").write_bytes(framed(example(n=1, x=0.5, s=b"007", t=b"2013-05-01")))
    assert read([tmp_path / "*"]).types == {"n": "integer", "s": "string", "t": "date", "x": "float"}
    (tmp_path / "rows.tfrecord").write_bytes(framed(example(v=[1, 2])))
    with pytest.raises(UsageError, match=r"hold lists or objects, which a dataset cannot\.\n  - v"):
        read([tmp_path / "*"])


def test_a_feature_that_shows_up_later_is_no_column(tmp_path: Path, read, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tfrecord, "_SAMPLED", 5)
    (tmp_path / "rows.tfrecord").write_bytes(GOOD + framed(example(a=1, late=1)))
    found = read([tmp_path / "*"])
    assert found.table.num_rows == 10
    assert found.tally.counts == {"a key that is not a column": 1}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 1500), max_size=8), st.integers())
def test_checksums_at_once_are_those_one_by_one(lengths, seed):
    chance = random.Random(seed)  # noqa: S311 - no secrets here
    records = [chance.randbytes(length) for length in [*lengths, 3, 4, 256, 257]]
    assert masked_crcs(records).tolist() == [masked_crc(record) for record in records]


def test_the_checksum_is_that_of_the_format():
    # The check value of CRC-32C, masked.
    crc = 0xE3069283
    assert masked_crc(b"123456789") == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
