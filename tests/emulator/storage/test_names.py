"""Names of objects and paths of files: there and back, and never out of the bucket."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.storage.names import check_bucket_name, check_object_name, existing, place_for
from mlmagic.emulator.storage.walking import walk

PARTS = st.one_of(
    st.sampled_from(
        ["", ".", "..", "a", "b", "%~", "%=a", "%@a", "%+", "x" * 241, "é" * 300, " ", "a:b", "%2F", "~", "\\"]
    ),
    st.text(st.characters(exclude_characters="\0\r\n/", exclude_categories=["Cs"]), max_size=5),
)
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join).filter(
    lambda name: name not in {"", ".", ".."} and len(name.encode()) <= 1024
)  # fmt: skip


def write(bucket: Path, name: str) -> None:
    path = existing(bucket, name) or place_for(bucket, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name, "utf-8")


@given(names=st.lists(NAMES, max_size=8))
def test_every_name_has_a_file_of_its_own_in_the_bucket(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    bucket = tmp_path_factory.mktemp("bucket")

    for name in names:
        write(bucket, name)

    found = {name: path.read_text("utf-8") for name, path in walk(bucket)}
    assert found == {name: name for name in names}
    for name in names:
        path = existing(bucket, name)
        assert path is not None
        assert path.resolve().is_relative_to(bucket.resolve())
        assert name in {below for below, _ in walk(bucket, name[: len(name) // 2])}


@pytest.mark.parametrize(
    "name", ["a", "models/1/saved_model.pb", "x y/ü.txt", "a:b/job-2026-01-01T00:00:00", "%2e%2e/a"]
)
def test_ordinary_names_are_their_own_paths(tmp_path: Path, name: str) -> None:
    assert place_for(tmp_path, name) == tmp_path / name


def test_a_link_is_neither_an_object_nor_a_way_out(tmp_path: Path) -> None:
    outside, bucket = tmp_path / "outside", tmp_path / "bucket"
    outside.mkdir()
    bucket.mkdir()
    (outside / "secret").write_text("s")
    (bucket / "folder").symlink_to(outside)
    (bucket / "file").symlink_to(outside / "secret")

    assert list(walk(bucket)) == []
    assert existing(bucket, "folder/secret") is existing(bucket, "file") is None
    write(bucket, "folder/secret")
    write(bucket, "file")
    assert (outside / "secret").read_text() == "s"


@pytest.mark.parametrize("name", ["..", ".", "a\nb", "a\0b", "x" * 1025, "\udc80", ".well-known/acme-challenge/x"])
def test_names_that_no_object_may_have_are_refused(name: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_object_name(name)

    assert refused.value.code == 400


@pytest.mark.parametrize("name", ["", "a", "..", "a/b", "UPPER", "-abc", "x" * 64, "a..b", "goog-x"])
def test_names_that_no_bucket_may_have_are_refused(name: str) -> None:
    with pytest.raises(ApiError, match="Invalid bucket name"):
        check_bucket_name(name)
