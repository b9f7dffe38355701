"""Files that jobs write below the buckets are objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlmagic.emulator.launch import Emulator


@pytest.fixture
def folder(bucket: Any, emulator: Emulator) -> Path:
    return emulator.buckets / bucket.name


def test_a_file_has_all_that_an_object_has(bucket: Any, folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "metrics.json").write_text('{"a": 1}')

    blob = bucket.get_blob("out/metrics.json")
    assert (blob.content_type, blob.size, blob.metageneration) == ("application/json", 8, 1)
    assert blob.generation == bucket.get_blob("out/metrics.json").generation > 10**15
    assert json.loads(blob.download_as_bytes(checksum="md5")) == {"a": 1}


def test_a_file_that_changes_is_another_generation(bucket: Any, folder: Path) -> None:
    blob = bucket.blob("log")
    blob.metadata = {"by": "client"}
    blob.upload_from_string("1")
    with (folder / "log").open("a") as file:
        file.write("2")

    found = bucket.get_blob("log")
    assert found.generation != blob.generation
    assert (found.download_as_text(), found.metadata) == ("12", None)


def test_a_job_that_was_first_keeps_its_file(bucket: Any, folder: Path) -> None:
    from google.api_core.exceptions import PreconditionFailed

    (folder / "lock").write_text("job")
    with pytest.raises(PreconditionFailed):
        bucket.blob("lock").upload_from_string("client", if_generation_match=0)
    bucket.blob("lock").upload_from_string("client", if_generation_match=bucket.get_blob("lock").generation)

    assert (folder / "lock").read_text() == "client"


def test_folders_that_deletion_empties_go_and_others_stay(bucket: Any, folder: Path) -> None:
    (folder / "a" / "empty").mkdir(parents=True)
    bucket.blob("b/c/d").upload_from_string("x")
    bucket.blob("b/c/d").delete()

    assert not (folder / "b").exists()
    assert (folder / "a" / "empty").exists()
    bucket.delete()
    assert not folder.exists()


def test_a_folder_that_a_job_makes_is_a_bucket(client: Any, emulator: Emulator) -> None:
    (emulator.buckets / "made-by-a-job").mkdir()
    (emulator.buckets / "made-by-a-job" / "a").write_text("x")

    assert client.get_bucket("made-by-a-job").location == emulator.region.upper()
    assert [blob.name for blob in client.list_blobs("made-by-a-job")] == ["a"]
