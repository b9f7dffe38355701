from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlmagic.runtime.artifact import find_artifact, other_files, stray_links


def make(root: Path, name: str, age: int = 0) -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"")
    os.utime(file, ns=(10**18 - age * 10**9,) * 2)
    return file


@pytest.mark.parametrize("where", [".", "1", "export/exporter/1700000000"])
def test_a_saved_model_wherever_it_was_put(tmp_path: Path, where: str) -> None:
    make(tmp_path, f"{where}/saved_model.pb")
    artifact = find_artifact(tmp_path)
    assert artifact is not None
    assert (artifact.path, artifact.folder) == (tmp_path / where, tmp_path / where)
    assert (artifact.kind, artifact.path_in_version, artifact.others) == ("savedmodel", ".", 0)


def test_a_keras_file_takes_its_folder_along(tmp_path: Path) -> None:
    make(tmp_path, "best/model.keras")
    artifact = find_artifact(tmp_path)
    assert artifact is not None
    assert (artifact.folder, artifact.path_in_version) == (tmp_path / "best", "model.keras")


def test_the_newest_of_several(tmp_path: Path) -> None:
    for name, age in (("9", 5), ("10", 1), ("2", 3)):
        make(tmp_path, f"{name}/saved_model.pb", age)
    make(tmp_path, "model.keras")
    artifact = find_artifact(tmp_path)
    assert artifact is not None
    assert (artifact.path.name, artifact.others) == ("10", 3)


def test_of_the_same_age_the_highest_number(tmp_path: Path) -> None:
    for name in ("9", "10", "best"):
        make(tmp_path, f"{name}/saved_model.pb")
    artifact = find_artifact(tmp_path)
    assert artifact is not None
    assert artifact.path.name == "10"


def test_what_is_no_model(tmp_path: Path) -> None:
    make(tmp_path, "temp-1700000000/saved_model.pb")
    make(tmp_path, "a.h5")
    make(tmp_path, "sub/b.pkl")
    assert find_artifact(tmp_path) is None
    assert other_files(tmp_path, limit=2)[0] == "a.h5"
    assert find_artifact(tmp_path / "missing") is None


def test_a_link_to_nothing_is_no_model(tmp_path: Path) -> None:
    make(tmp_path, "model.keras", age=9)
    (tmp_path / "last.keras").symlink_to("nowhere")
    artifact = find_artifact(tmp_path)
    assert artifact is not None
    assert artifact.path.name == "model.keras"


def test_links_stay_inside_or_are_told(tmp_path: Path) -> None:
    make(tmp_path, "model/saved_model.pb")
    make(tmp_path, "model/assets/words.txt")
    (tmp_path / "model" / "words").symlink_to(tmp_path / "model" / "assets" / "words.txt")
    artifact = find_artifact(tmp_path)
    assert artifact is not None
    assert stray_links(artifact.folder) == []
    assert (tmp_path / "model" / "words").readlink() == Path("assets/words.txt")
    (tmp_path / "model" / "variables").symlink_to("../elsewhere")
    assert stray_links(artifact.folder) == ["variables"]
