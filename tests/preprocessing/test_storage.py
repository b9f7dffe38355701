"""Files of the output."""

from __future__ import annotations

from pathlib import Path

import pytest
from apache_beam.io.filesystem import BeamIOError
from support.disks import fill, small_disk

from mlmagic.preprocessing.storage import read_texts, write_text


def test_a_text_is_written_whole(tmp_path: Path) -> None:
    path = str(tmp_path / "schema.json")
    write_text(path, "{}")
    assert read_texts(f"{path}*") == {path: "{}"}


def test_what_cannot_get_its_name_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "schema.json" / "folder").mkdir(parents=True)
    with pytest.raises(BeamIOError):
        write_text(str(tmp_path / "schema.json"), "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["schema.json"]


def test_a_full_disk_is_left_without_half_a_text(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        fill(disk / "full")
        with pytest.raises(OSError, match="No space left"):
            write_text(str(disk / "schema.json"), 5000 * "{}")
        assert [path.name for path in disk.iterdir()] == ["full"]
