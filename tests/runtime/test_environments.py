from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mlmagic.errors import WorkspaceError
from mlmagic.runtime.environments import EnvironmentStore
from mlmagic.workspace.runtime_folder import RuntimeFolder


@pytest.fixture
def folder(tmp_path: Path) -> RuntimeFolder:
    found = RuntimeFolder(tmp_path)
    found.environments.mkdir()
    return found


def test_what_was_put_is_got_and_equal_ones_are_kept_once(folder: RuntimeFolder) -> None:
    store = EnvironmentStore(folder)
    environ = {"B": "2", "A": "é", "C": "\udcff", "D": "a\nb"}
    digest = store.put(environ)
    assert store.put(dict(reversed(environ.items()))) == digest
    assert store.get(digest) == environ
    (path,) = folder.environments.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("digest", ["", "0" * 64, "../secret", "A" * 64])
def test_what_is_not_there_is_none(folder: RuntimeFolder, digest: str) -> None:
    (folder.root / "secret.json").write_text("{}")
    assert EnvironmentStore(folder).get(digest) is None


def test_what_was_changed_is_none(folder: RuntimeFolder) -> None:
    store = EnvironmentStore(folder)
    digest = store.put({"A": "1"})
    (folder.environments / f"{digest}.json").write_text('{"A": "2"}')
    assert store.get(digest) is None


def test_those_that_nobody_names_are_removed_once_they_are_old(folder: RuntimeFolder) -> None:
    store = EnvironmentStore(folder)
    young, old, kept = (store.put({"A": name}) for name in ("young", "old", "kept"))
    for digest in (old, kept):
        os.utime(folder.environments / f"{digest}.json", (time.time() - 7200,) * 2)
    store.prune({kept})
    assert [store.get(digest) is None for digest in (young, old, kept)] == [False, True, False]
    store.prune(())
    assert store.get(kept) is not None


def test_a_folder_that_is_gone_is_told(folder: RuntimeFolder) -> None:
    folder.environments.rmdir()
    with pytest.raises(WorkspaceError, match="No such file"):
        EnvironmentStore(folder).put({"A": "1"})
    EnvironmentStore(folder).prune(())
