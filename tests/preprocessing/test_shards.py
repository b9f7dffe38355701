"""Row groups of even size, and files that appear under their names at the end."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlmagic.preprocessing.shards import ROW_GROUP, Part, PartWriter, place, rows_by_split, shard_name

SCHEMA = pa.schema([("n", pa.int64()), ("who", pa.dictionary(pa.int32(), pa.string()))])


def rows(start: int, count: int, who: str) -> pa.RecordBatch:
    names = pa.array([who] * count).dictionary_encode()
    return pa.RecordBatch.from_arrays([pa.array(range(start, start + count)), names], schema=SCHEMA)


def test_rows_are_gathered_into_full_row_groups(tmp_path: Path) -> None:
    with PartWriter(str(tmp_path), "train", 3, SCHEMA) as writer:
        groups = [
            group.num_rows for start in range(3) for group in writer.add(rows(start * 40_000, 40_000, f"w{start}"))
        ]
        groups += [group.num_rows for group in writer.finish()]
        part = writer.close()
    assert groups == [ROW_GROUP, 120_000 - ROW_GROUP]
    assert part is not None
    written = pq.ParquetFile(part.path)
    assert [written.metadata.row_group(i).num_rows for i in range(2)] == groups
    table = written.read()
    assert table["n"].to_pylist() == list(range(120_000))
    assert table["who"].type == SCHEMA.field("who").type
    assert table["who"].slice(79_999, 2).to_pylist() == ["w1", "w2"]


def test_text_is_written_as_dictionaries_and_numbers_compressed(tmp_path: Path) -> None:
    with PartWriter(str(tmp_path), "train", 0, SCHEMA) as writer:
        list(writer.add(rows(0, ROW_GROUP, "a")))
        part = writer.close()
    assert part is not None
    group = pq.ParquetFile(part.path).metadata.row_group(0)
    assert "RLE_DICTIONARY" in group.column(1).encodings
    assert {group.column(i).compression for i in range(2)} == {"ZSTD"}


def test_a_split_without_rows_has_no_file(tmp_path: Path) -> None:
    with PartWriter(str(tmp_path), "eval", 0, SCHEMA) as writer:
        assert list(writer.add(rows(0, 0, "a"))) == []
        assert list(writer.finish()) == []
        assert writer.close() is None
    assert list(tmp_path.iterdir()) == []


def test_a_unit_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def write_half() -> None:
        with PartWriter(str(tmp_path), "train", 0, SCHEMA) as writer:
            list(writer.add(rows(0, ROW_GROUP, "a")))
            assert len(list(tmp_path.iterdir())) == 1
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_parts_are_numbered_without_gaps_and_placing_them_twice_is_fine(tmp_path: Path) -> None:
    parts = [Part("train", unit, str(tmp_path / f"part-{unit}"), unit + 1) for unit in (7, 2)]
    parts.append(Part("rejected", 2, str(tmp_path / "bad"), 1))
    for part in parts:
        Path(part.path).write_text(str(part.unit), "ascii")
    output = tmp_path / "output"
    for _ in range(2):
        place(parts, str(output))
    found = {str(path.relative_to(output)): path.read_text("ascii") for path in output.rglob("*.parquet")}
    assert found == {
        "train-00000-of-00002.parquet": "2",
        "train-00001-of-00002.parquet": "7",
        "rejected/rejected-00000-of-00001.parquet": "2",
    }
    assert rows_by_split(parts, ["train", "eval"]) == {"train": 11, "eval": 0}


def test_names_of_shards() -> None:
    assert shard_name("train", 3, 16) == "train-00003-of-00016.parquet"
