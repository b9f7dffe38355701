from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlmagic.runtime import reserve
from mlmagic.runtime.reserve import RESERVE_BYTES, Reserve


def test_it_is_taken_and_given_back(tmp_path: Path) -> None:
    kept = Reserve(tmp_path / "exit.reserve")
    kept.take()
    status = (tmp_path / "exit.reserve").stat()
    assert (status.st_size, status.st_mode & 0o777) == (RESERVE_BYTES, 0o600)
    kept.give_back()
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_where_there_is_no_room_nothing_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(path: Path, data: bytes) -> None:
        path.write_bytes(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reserve, "write_new", half)
    Reserve(tmp_path / "exit.reserve").take()
    assert os.listdir(tmp_path) == []  # noqa: PTH208
