"""Documents: kept, changed by many at once, there after a kill."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlmagic.emulator.documents import DocumentStore
from mlmagic.emulator.errors import ApiError

NAME = "projects/p/locations/r/models/5"


@pytest.fixture
def store(tmp_path: Path) -> DocumentStore:
    return DocumentStore(tmp_path / "state.db")


def test_documents_are_listed_by_kind_and_parent_the_newest_first(store: DocumentStore) -> None:
    for number in (1, 2):
        store.put(f"projects/p/locations/r/models/{number}", "model", {"n": number})
    store.put("projects/p/locations/other/models/3", "model", {"n": 3})

    assert store.list("model", "projects/p/locations/r") == [{"n": 2}, {"n": 1}]
    assert len(store.list("model")) == 3
    assert store.list("job") == []


def test_a_name_is_given_once_and_missed_when_gone(store: DocumentStore) -> None:
    store.put(NAME, "model", {})
    with pytest.raises(ApiError, match="already exists") as taken:
        store.put(NAME, "model", {})
    store.delete(NAME)
    with pytest.raises(ApiError, match="was not found") as missing:
        store.get(NAME)

    assert (taken.value.code, missing.value.code) == (409, 404)
    assert store.find(NAME) is None


def test_changes_at_once_are_all_kept(store: DocumentStore) -> None:
    store.put(NAME, "model", {"count": 0})

    with ThreadPoolExecutor(8) as threads:
        for _ in range(200):
            threads.submit(store.update, NAME, lambda document: {"count": document["count"] + 1})

    assert store.get(NAME) == {"count": 200}


def test_a_change_that_raises_changes_nothing(store: DocumentStore) -> None:
    store.put(NAME, "model", {"count": 0})

    with pytest.raises(ZeroDivisionError):
        store.update(NAME, lambda document: {"count": 1 // document["count"]})

    assert store.get(NAME) == {"count": 0}


def test_what_was_written_outlives_a_kill(tmp_path: Path) -> None:
    if (pid := os.fork()) == 0:
        store = DocumentStore(tmp_path / "state.db")
        store.put(NAME, "model", {"id": store.next_id()})
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)

    store = DocumentStore(tmp_path / "state.db")

    assert int(store.next_id()) > int(store.get(NAME)["id"]) > 10**18
    assert (tmp_path / "state.db").stat().st_mode & 0o777 == 0o600
