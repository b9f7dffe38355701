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


def test_the_space_is_real(tmp_path: Path) -> None:
    Reserve(tmp_path / "exit.reserve").take()
    assert (tmp_path / "exit.reserve").stat().st_blocks * 512 >= RESERVE_BYTES


@pytest.mark.parametrize("can_allocate", [True, False])
def test_where_there_is_no_room_nothing_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_allocate: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if can_allocate:
        monkeypatch.setattr(reserve.os, "posix_fallocate", refuse)
    else:
        monkeypatch.delattr(reserve.os, "posix_fallocate")
        monkeypatch.setattr(reserve, "write_new", refuse)
    Reserve(tmp_path / "exit.reserve").take()
    assert os.listdir(tmp_path) == []  # noqa: PTH208
