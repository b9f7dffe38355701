"""google-cloud-storage, unpatched."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from base64 import b64encode
from typing import Any

import pytest

from mlmagic.emulator.launch import Emulator

BIG = os.urandom(3 << 20)


def names(found: Any) -> list[str]:
    return [blob.name for blob in found]


def test_buckets_are_made_listed_and_deleted_when_empty(client: Any, bucket: Any) -> None:
    from google.api_core.exceptions import Conflict, NotFound

    assert client.get_bucket(bucket.name).location == "EUROPE-WEST4"
    assert bucket.name in names(client.list_buckets())
    with pytest.raises(Conflict, match="you already own it"):
        client.create_bucket(bucket.name)
    bucket.blob("a/b").upload_from_string("x")
    with pytest.raises(Conflict, match="is not empty"):
        bucket.delete()
    bucket.blob("a/b").delete()
    bucket.delete()
    with pytest.raises(NotFound):
        client.get_bucket(bucket.name)


@pytest.mark.parametrize("name", ["a.txt", "a b/ü?#%2F&+.txt", "a//b", "/", "../x", "dir/", "x" * 1000, "a:b*[c]"])
def test_an_object_comes_back_as_it_was(bucket: Any, name: str) -> None:
    blob = bucket.blob(name)

    blob.upload_from_string(b"data", content_type="text/x-own")

    found = bucket.get_blob(name)
    assert found.download_as_bytes() == bucket.blob(name).download_as_bytes() == b"data"
    assert (found.content_type, found.size, found.generation) == ("text/x-own", 4, blob.generation)
    assert found.md5_hash == b64encode(hashlib.md5(b"data").digest()).decode()  # noqa: S324


def test_a_file_is_the_object(bucket: Any, emulator: Emulator) -> None:
    bucket.blob("model/saved_model.pb").upload_from_string("x")

    assert (emulator.buckets / bucket.name / "model" / "saved_model.pb").read_text() == "x"


@pytest.mark.parametrize("chunk", [None, 256 << 10, 1 << 20])
def test_large_objects_come_in_chunks_and_in_ranges(bucket: Any, chunk: int | None) -> None:
    blob = bucket.blob("big", chunk_size=chunk)

    blob.upload_from_file(io.BytesIO(BIG), checksum="crc32c")

    assert blob.size == len(BIG)
    assert bucket.blob("big", chunk_size=chunk).download_as_bytes() == BIG
    assert bucket.blob("big").download_as_bytes(start=5, end=1000) == BIG[5:1001]
    assert bucket.blob("big").download_as_bytes(start=len(BIG) - 3) == BIG[-3:]


def test_streams_are_written_and_read(bucket: Any) -> None:
    with bucket.blob("big").open("wb", chunk_size=256 << 10) as file:
        file.write(BIG)
    with bucket.blob("big").open("rb", chunk_size=256 << 10) as file:
        file.seek(100)
        assert file.read(50) == BIG[100:150]
    with bucket.blob("empty").open("wb") as file:
        pass
    assert bucket.blob("empty").download_as_bytes() == b""


def test_lists_have_prefixes_delimiters_offsets_globs_and_pages(client: Any, bucket: Any) -> None:
    for name in ("a/1", "a/b/2", "a/", "c", "d.txt", "e/f.txt"):
        bucket.blob(name).upload_from_string(name)

    assert names(client.list_blobs(bucket, page_size=2)) == ["a/", "a/1", "a/b/2", "c", "d.txt", "e/f.txt"]
    top = client.list_blobs(bucket, delimiter="/")
    assert (names(top), top.prefixes) == (["c", "d.txt"], {"a/", "e/"})
    below = client.list_blobs(bucket, prefix="a/", delimiter="/", include_trailing_delimiter=True)
    assert (names(below), below.prefixes) == (["a/", "a/1"], {"a/b/"})
    assert names(client.list_blobs(bucket, start_offset="a/1", end_offset="d")) == ["a/1", "a/b/2", "c"]
    assert names(client.list_blobs(bucket, match_glob="**.txt")) == ["d.txt", "e/f.txt"]
    assert names(client.list_blobs(bucket, match_glob="*.{txt,md}")) == ["d.txt"]


def test_pages_with_prefixes_name_each_once(client: Any, bucket: Any) -> None:
    for name in ("a/1", "a/2", "b", "c/1", "c/2", "d"):
        bucket.blob(name).upload_from_string(name)

    pages = [(names(page), page.prefixes) for page in client.list_blobs(bucket, delimiter="/", page_size=1).pages]
    assert pages == [([], ("a/",)), (["b"], ()), ([], ("c/",)), (["d"], ())]


def test_objects_are_copied_rewritten_renamed_and_composed(client: Any, bucket: Any) -> None:
    first, second = bucket.blob("1"), bucket.blob("2")
    first.upload_from_string("one", content_type="text/plain")
    bucket.copy_blob(first, bucket, "2")
    bucket.rename_blob(bucket.blob("2"), "moved")
    bucket.move_blob(bucket.blob("moved"), "3")
    second.rewrite(bucket.blob("3"))
    whole = bucket.blob("whole")
    whole.compose([first, second])

    assert names(client.list_blobs(bucket)) == ["1", "2", "3", "whole"]
    assert (whole.download_as_text(), whole.component_count, whole.md5_hash) == ("oneone", 2, None)
    assert bucket.get_blob("2").content_type == "text/plain"


def test_metadata_is_patched_key_by_key(bucket: Any) -> None:
    blob = bucket.blob("a")
    blob.metadata = {"x": "1", "y": "2"}
    blob.upload_from_string("a")
    blob.metadata = {"x": None, "z": "3"}
    blob.cache_control = "no-store"
    blob.patch()

    found = bucket.get_blob("a")
    assert (found.metadata, found.cache_control) == ({"y": "2", "z": "3"}, "no-store")
    assert (found.metageneration, found.generation) == (2, blob.generation)


def test_a_batch_does_many_at_once(client: Any, bucket: Any) -> None:
    for name in "abc":
        bucket.blob(name).upload_from_string(name)

    with client.batch():
        bucket.blob("a").delete()
        bucket.blob("b").delete()

    assert names(client.list_blobs(bucket)) == ["c"]


def test_what_is_packed_comes_unpacked_or_raw(bucket: Any) -> None:
    blob = bucket.blob("a.txt")
    blob.content_encoding = "gzip"
    blob.upload_from_string(gzip.compress(b"text"), content_type="text/plain")

    assert bucket.blob("a.txt").download_as_bytes() == b"text"
    assert bucket.blob("a.txt").download_as_bytes(raw_download=True) == gzip.compress(b"text")


def test_what_is_missing_is_not_found(client: Any, bucket: Any) -> None:
    from google.api_core.exceptions import NotFound

    assert not bucket.blob("a").exists()
    assert not client.bucket("no-such-bucket").exists()
    with pytest.raises(NotFound, match=f"No such object: {bucket.name}/a"):
        bucket.blob("a").download_as_bytes()
    with pytest.raises(NotFound, match="The specified bucket does not exist"):
        client.bucket("no-such-bucket").blob("a").upload_from_string("x")


def test_a_checksum_that_is_wrong_keeps_the_object_out(bucket: Any) -> None:
    from google.api_core.exceptions import BadRequest

    blob = bucket.blob("a")
    blob.md5_hash = "AAAAAAAAAAAAAAAAAAAAAA=="
    with pytest.raises(BadRequest, match=r"Provided MD5 hash .* doesn't match calculated"):
        blob.upload_from_string("x", checksum=None)

    assert not bucket.blob("a").exists()
