"""What a container's program is told of its circumstances, as functions of texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlmagic.emulator.container.circumstances import expanded
from mlmagic.emulator.container.paths import local_path, object_path, plain_folder, with_local_paths


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("/gcs/b/x", "/r/buckets/b/x"),
        ("--data=/gcs/b/x", "--data=/r/buckets/b/x"),
        ("cat '/gcs/b/x' \"/gcs/b/y\"", "cat '/r/buckets/b/x' \"/r/buckets/b/y\""),
        ("/home/gcs/b", "/home/gcs/b"),
        ("https://host/gcs/b", "https://host/gcs/b"),
        ("/gcsfuse/b", "/gcsfuse/b"),
        ("gs://b/x", "gs://b/x"),
    ],
)
def test_mounts_are_found_in_texts(text: str, result: str) -> None:
    assert with_local_paths(text, "/r/buckets") == result


def test_an_object_lies_below_its_bucket() -> None:
    assert local_path("gs://b/a//c/", Path("/r")) == Path("/r/b/a/c")
    assert local_path("gs://b", Path("/r")) == Path("/r/b")


def test_an_object_is_found_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "b/a").mkdir(parents=True)
    (tmp_path / "b/a/2026-01-02:03.tar.gz").touch()
    (tmp_path / "b/a/%~..").touch()
    assert object_path("gs://b/a/2026-01-02:03.tar.gz", tmp_path) == tmp_path / "b/a/2026-01-02:03.tar.gz"
    assert object_path("gs://b/a/..", tmp_path) == tmp_path / "b/a/%~.."
    assert object_path("gs://b/none", tmp_path) is None


@pytest.mark.parametrize("uri", ["/b/x", "gs://", "gs:///x", "gs://b/../c", "gs://../x", "gs://b/./c"])
def test_no_address_leads_out_of_the_buckets(uri: str) -> None:
    with pytest.raises(ValueError, match="is no address of Cloud Storage, such as gs://bucket/name"):
        local_path(uri, Path("/r"))


def test_a_folder_with_a_plain_name_needs_no_other(tmp_path: Path) -> None:
    assert plain_folder(Path("/r/buckets")) == "/r/buckets"
    link = Path(plain_folder(tmp_path / "with space"))
    assert link.readlink() == tmp_path / "with space"
    link.unlink()
    link.parent.rmdir()


@pytest.mark.parametrize(
    ("text", "result"),
    [("$(A)/x", "1/x"), ("$(B)", "$(B)"), ("$$(A)", "$(A)"), ("$A", "$A"), ("a$$b$(A)$(A)", "a$b11")],
)
def test_references_to_variables_are_expanded(text: str, result: str) -> None:
    assert expanded(text, {"A": "1"}) == result
