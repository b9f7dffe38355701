"""Generations: what must be there, or must not, before anything is done."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core.exceptions import NotFound, PreconditionFailed

SAID = "At least one of the pre-conditions you specified did not hold"


def test_an_object_that_must_be_new_is_written_once(bucket: Any) -> None:
    bucket.blob("a").upload_from_string("1", if_generation_match=0)
    with pytest.raises(PreconditionFailed, match=SAID):
        bucket.blob("a").upload_from_string("2", if_generation_match=0)
    with pytest.raises(PreconditionFailed, match=SAID):
        bucket.blob("a").upload_from_file(io.BytesIO(b"2" * (9 << 20)), if_generation_match=0)

    assert bucket.blob("a").download_as_bytes() == b"1"


def test_of_many_at_once_one_is_the_first(bucket: Any) -> None:
    def write(text: str) -> str | None:
        try:
            bucket.blob("lock").upload_from_string(text, if_generation_match=0)
        except PreconditionFailed:
            return None
        return text

    with ThreadPoolExecutor(8) as threads:
        written = [text for text in threads.map(write, map(str, range(24))) if text is not None]

    assert written == [bucket.blob("lock").download_as_text()]


def test_a_generation_that_has_changed_stops_what_comes_late(bucket: Any) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string("1")
    old = blob.generation
    blob.upload_from_string("2", if_generation_match=old)

    assert blob.generation > old
    for late in (blob.upload_from_string, lambda _, **wanted: blob.delete(**wanted)):
        with pytest.raises(PreconditionFailed, match=SAID):
            late("3", if_generation_match=old)
    with pytest.raises(NotFound):
        bucket.blob("a", generation=old).download_as_bytes()


def test_a_metageneration_counts_patches(bucket: Any) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string("1")
    blob.metadata = {"a": "b"}
    blob.patch(if_metageneration_match=1)
    with pytest.raises(PreconditionFailed, match=SAID):
        blob.patch(if_metageneration_match=1)

    assert bucket.get_blob("a").metageneration == 2


def test_copies_and_compositions_keep_them(bucket: Any) -> None:
    for name in "ab":
        bucket.blob(name).upload_from_string(name)
    with pytest.raises(PreconditionFailed, match=SAID):
        bucket.copy_blob(bucket.blob("a"), bucket, "b", if_generation_match=0)
    with pytest.raises(PreconditionFailed, match=SAID):
        bucket.blob("c").compose([bucket.blob("a")], if_source_generation_match=[5])

    assert bucket.blob("b").download_as_text() == "b"
    assert not bucket.blob("c").exists()


def test_reads_with_a_generation_that_is_the_same_are_not_sent_again(bucket: Any) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string("1")

    with pytest.raises(Exception, match="304"):
        blob.download_as_bytes(if_generation_not_match=blob.generation)
