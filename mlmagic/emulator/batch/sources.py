"""Which files a batch prediction reads."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

from mlmagic.workspace.files import is_inside


class NoInputError(Exception):
    """The URIs name no file."""


def find_files(buckets: Path, uris: Sequence[str]) -> list[Path]:
    """Return the files that URIs mean, each once, in their order; `*` and `?` do not stand for a slash.

    Raises:
        NoInputError: one of them means no file.
    """
    found: dict[Path, None] = {}
    for uri in uris:
        bucket, _, pattern = uri.removeprefix("gs://").partition("/")
        files = _matching(buckets / bucket, pattern) if is_inside(bucket) and is_inside(pattern) else []
        if not files:
            raise NoInputError(f"No files were found at {uri}.")
        found.update(dict.fromkeys(files))
    return list(found)


def _matching(folder: Path, pattern: str) -> list[Path]:
    places = [folder]
    for part in pattern.split("/"):
        if any(character in part for character in "*?["):
            places = [
                path
                for place in places
                if place.is_dir()
                for path in place.iterdir()
                if fnmatch.fnmatchcase(path.name, part)
            ]
        else:
            places = [place / part for place in places]
    return sorted(place for place in places if place.is_file())
