"""The store on disk: killed at any step, short of room."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.disks import fill, small_disk
from support.killing import run_killed_at_each_step

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.storage.digests import digest_of
from mlmagic.emulator.storage.preconditions import Preconditions
from mlmagic.emulator.storage.store import ObjectStore, StoredObject
from mlmagic.emulator.storage.uploads import Sink

ANY = Preconditions()


def put(store: ObjectStore, name: str, data: bytes, wanted: Preconditions = ANY) -> StoredObject:
    content = store.temporary()
    content.write_bytes(data)
    properties = {"metadata": {"data": data.decode()}}
    return store.commit("b", name, content, digest_of(content), properties=properties, wanted=wanted)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    (tmp_path / "buckets" / "b").mkdir(parents=True)
    return ObjectStore(tmp_path)


def test_a_kill_at_any_step_leaves_the_old_object_or_the_new(store: ObjectStore, tmp_path: Path) -> None:
    old = put(store, "a/b", b"old")
    seen = set()

    for _ in run_killed_at_each_step(lambda: put(ObjectStore(tmp_path), "a/b", b"new")):
        found = ObjectStore(tmp_path).get("b", "a/b")
        data = found.path.read_bytes()
        seen.add(data)
        assert found.known.properties == {"metadata": {"data": data.decode()}}
        assert found.known.md5 == digest_of(found.path).md5
        assert (found.known.generation == old.known.generation) == (data == b"old")

    assert seen == {b"old", b"new"}


def test_a_kill_at_any_step_makes_a_new_object_once(store: ObjectStore, tmp_path: Path) -> None:
    new = Preconditions(generation_match=0)

    for _ in run_killed_at_each_step(lambda: put(ObjectStore(tmp_path), "lock", b"x", new)):
        again = ObjectStore(tmp_path)
        found = again.find("b", "lock")
        if found is None:
            continue
        assert found.known.properties == {"metadata": {"data": "x"}}
        with pytest.raises(ApiError, match="pre-conditions"):
            put(again, "lock", b"y", new)
        again.delete("b", "lock", ANY)


def test_generations_grow_also_after_deletion(store: ObjectStore) -> None:
    generations = [put(store, "a", b"1").known.generation for _ in range(5)]
    store.delete("b", "a", ANY)
    generations.append(put(store, "a", b"1").known.generation)

    assert generations == sorted(set(generations))


def test_a_full_disk_refuses_and_leaves_nothing_half(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        (disk / "buckets" / "b").mkdir(parents=True)
        store = ObjectStore(disk)
        put(store, "a", b"old")
        fill(disk / "filler")
        sink = Sink(store.temporary())
        sink.write(bytes(1 << 20))
        with pytest.raises(ApiError, match="The disk of mlmagic's emulator is full") as refused:
            sink.close()
        store.close()

        assert refused.value.code == 507
        (disk / "filler").unlink()
        assert ObjectStore(disk).get("b", "a").path.read_bytes() == b"old"
