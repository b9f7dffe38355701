"""A job's model, fetched from a bucket in memory."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.bucket import START, MemoryBucket

from mlmagic.backends.google import objects
from mlmagic.backends.google.outputs import fetch_model, find_model
from mlmagic.backends.google.remote import RemoteRecord
from mlmagic.errors import WorkspaceError
from mlmagic.runtime.inspection import Interrupted
from mlmagic.workspace.layout import JobFolder

SENT = datetime(2026, 1, 31, tzinfo=UTC)
REMOTE = RemoteRecord(attempt=1, project="p", region="r", sent_time=SENT, output="gs://b/j")


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    made = JobFolder(tmp_path / "jobs" / "taxi-20260131-123015-0a1b")
    made.model_dir.mkdir(parents=True)
    return made


@pytest.fixture
def bucket() -> MemoryBucket:
    made = MemoryBucket()
    made.put("j/model/1/saved_model.pb", b"graph")
    made.put("j/model/1/variables/variables.index", b"0123456789")
    return made


def fetch(bucket: MemoryBucket, folder: JobFolder, go_on: object = lambda: None) -> None:
    fetch_model(bucket, folder, find_model(bucket, folder, REMOTE), go_on)  # type: ignore[arg-type]


def test_files_are_as_old_as_their_objects(bucket: MemoryBucket, folder: JobFolder) -> None:
    fetch(bucket, folder)
    file = folder.model_dir / "1" / "saved_model.pb"
    assert (file.read_bytes(), file.stat().st_mtime) == (b"graph", START.timestamp() + 1)
    assert sorted(path.name for path in folder.output.iterdir()) == ["model"]
    assert str(find_model(bucket, folder, REMOTE)) == "2 files, 15 B"


def test_what_is_here_already_is_not_fetched_again(bucket: MemoryBucket, folder: JobFolder) -> None:
    fetch(bucket, folder)
    (folder.model_dir / "1" / "saved_model.pb").write_bytes(b"grape")
    bucket.read.clear()
    fetch(bucket, folder)
    assert bucket.read == [("j/model/1/saved_model.pb", 0, 5)]


def test_it_can_be_interrupted_within_a_file(
    bucket: MemoryBucket, folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PIECE_BYTES", 4)

    def go_on() -> None:
        if len(bucket.read) == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        fetch(bucket, folder, go_on)
    assert [path.name for path in folder.output.rglob("*") if path.is_file()] == ["saved_model.pb"]


def test_a_disk_without_room_is_told(bucket: MemoryBucket, folder: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=(64 << 20) + 9))
    with pytest.raises(WorkspaceError, match=r"the model has 15 B, and the disk has room for 9 B\.\nFree some space"):
        fetch(bucket, folder)
    assert bucket.read == []


def test_bytes_that_change_on_their_way_are_refused(bucket: MemoryBucket, folder: JobFolder) -> None:
    model = find_model(bucket, folder, REMOTE)
    bucket.objects["j/model/1/saved_model.pb"] = b"grape"
    with pytest.raises(WorkspaceError, match=r"saved_model.pb did not arrive as it was sent"):
        fetch_model(bucket, folder, model, lambda: None)
    assert [path.name for path in folder.output.rglob("*") if path.is_file()] == []
