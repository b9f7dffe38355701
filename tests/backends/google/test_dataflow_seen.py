"""What tells files that a pipeline reads from others that may lie there later."""

from __future__ import annotations

from pathlib import Path

from support.bucket import MemoryBucket

from mlmagic.backends.google.dataflow_seen import seen_files


def test_objects_that_are_written_again_are_others(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    for name in ("may/1.csv", "may/2.csv", "june.csv"):
        bucket.put(name, b"fare\n1\n")
    words, folder = ["gs://b/may/*.csv"], str(tmp_path)
    first = seen_files(bucket, words, folder)
    assert first == seen_files(bucket, ["gs://b/may/2.csv", "gs://b/may/[13].csv"], folder)
    bucket.put("june.csv", b"fare\n2\n")
    assert first == seen_files(bucket, words, folder)
    bucket.put("may/2.csv", b"fare\n1\n")
    assert first != seen_files(bucket, words, folder)


def test_files_that_are_written_again_are_others(tmp_path: Path) -> None:
    bucket, path = MemoryBucket(), tmp_path / "may.csv"
    path.write_bytes(b"fare\n1\n")
    first = seen_files(bucket, ["*.csv"], str(tmp_path))
    assert first == seen_files(bucket, [str(path)], "/")
    path.write_bytes(b"fare\n20\n")
    assert first != seen_files(bucket, ["*.csv"], str(tmp_path))


def test_of_tables_nobody_can_tell(tmp_path: Path) -> None:
    assert seen_files(MemoryBucket(), ["gs://b/*.csv", "bq:rides.may"], str(tmp_path)) is None
