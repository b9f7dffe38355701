"""Packages as files of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlmagic.errors import UsageError
from mlmagic.source.export import write_package


def test_files_are_written_and_may_be_written_again(build, tmp_path: Path) -> None:
    package, folder = build("print(1)"), tmp_path / "a" / "b"
    paths = write_package(package, folder)
    assert {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths} == package.files
    (folder / "trainer" / "__pycache__").mkdir()
    (folder / "trainer" / "__pycache__" / "task.pyc").write_bytes(b"\0")
    assert write_package(package, folder) == paths


def test_a_folder_with_other_files_is_refused(build, tmp_path: Path) -> None:
    write_package(build("print(1)"), tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError) as caught:
        write_package(build("print(2)"), tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} is not empty: notes.txt, trainer/model.py would be mixed up with the package.\n"
        "Give --export a new path, or empty the folder."
    )
    assert (tmp_path / "trainer" / "model.py").read_text().endswith("print(1)\n")


def test_many_other_files_are_counted(build, tmp_path: Path) -> None:
    for name in "abcde":
        (tmp_path / name).write_text("")
    with pytest.raises(UsageError, match="is not empty: a, b, c and 2 more would be mixed up"):
        write_package(build("print(1)"), tmp_path)


def test_a_file_is_no_folder(build, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file; a package is written to a folder"):
        write_package(build("print(1)"), tmp_path / "file")
    with pytest.raises(UsageError, match=r"the package cannot be written to .*/file/below: Not a directory"):
        write_package(build("print(1)"), tmp_path / "file" / "below")
