"""What a preprocessing job reads: files of this machine are brought into the bucket, addresses stay as they are."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlmagic.backends.google.uploads import Uploader
from mlmagic.errors import UsageError

_MARKERS = frozenset({"_SUCCESS"})
"""Empty files that Hadoop and Spark leave beside their output."""


def is_remote(word: str) -> bool:
    """Say whether an input is not on this machine."""
    return "://" in word or word.startswith("bq:")


def bring_inputs(words: Sequence[str], folder: str | None, uploader: Uploader) -> tuple[list[str], dict[str, str]]:
    """Return what workers read instead, and for each file of this machine's its address → its path.

    Args:
        words: addresses, paths and patterns.
        folder: where relative paths start.
        uploader: brings files into the bucket.

    Raises:
        UsageError: a path or pattern that matches no file any more; all are listed.
        MlmagicError: as of `Uploader.folder`.
    """
    found: dict[str, list[str]] = {word: local_matches(word, folder) for word in words if not is_remote(word)}
    if gone := [word for word, paths in found.items() if not paths]:
        raise UsageError("The input cannot be read.", problems=[f"{word}: no such file" for word in gone])
    addresses = _bring(list(dict.fromkeys(path for paths in found.values() for path in paths)), uploader)
    inputs = [each for word in words for each in ([word] if is_remote(word) else [addresses[p] for p in found[word]])]
    return list(dict.fromkeys(inputs)), {address: path for path, address in addresses.items()}


def local_matches(word: str, folder: str | None) -> list[str]:
    """Return the files of this machine that a path or pattern means."""
    path = os.path.join(folder or ".", word)  # noqa: PTH118 - a pattern
    if Path(path).is_file():
        return [path]
    # As Beam's own patterns: files whose names begin with a dot are among them.
    paths = sorted(glob.glob(path, recursive=True, include_hidden=True))  # noqa: PTH207 - absolute ones too
    return [each for each in paths if Path(each).is_file() and Path(each).name not in _MARKERS]


def _bring(paths: Sequence[str], uploader: Uploader) -> Mapping[str, str]:
    if not paths:
        return {}
    absolute = {path: Path(path).absolute() for path in paths}
    above = Path(os.path.commonpath([path.parent for path in absolute.values()]))
    names = {path: place.relative_to(above).as_posix() for path, place in absolute.items()}
    place = uploader.folder({names[path]: absolute[path] for path in paths}).rstrip("/")
    return {path: f"{place}/{name}" for path, name in names.items()}
