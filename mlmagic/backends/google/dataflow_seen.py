"""Files that a pipeline is to read, as they are now: told by another digest once one of them was written again."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.dataflow_inputs import is_remote, local_matches
from mlmagic.workspace.files import explained

_SCHEME = "gs://"
_BEFORE_PATTERN = re.compile(r"[^\[*?]*")


def seen_files(client: GoogleClient, words: Sequence[str], folder: str) -> str | None:
    """Return a digest of what the files are called and when they were written, which reads none of them.

    It is None where that cannot be told, as of a table.

    Args:
        client: lists objects, of whatever bucket.
        words: addresses, paths and patterns.
        folder: where relative paths start.

    Raises:
        BackendError, NotFoundError: Google refused, or did not answer.
        WorkspaceError: a file cannot be looked at.
    """
    if any(is_remote(word) and not word.startswith(_SCHEME) for word in words):
        return None
    found = [_objects(client, word) if is_remote(word) else _files(word, folder) for word in words]
    lines = sorted({line for each in found for line in each})
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def _objects(client: GoogleClient, word: str) -> list[str]:
    before = _BEFORE_PATTERN.match(word)
    listed = client.storage.list_objects(word if before is None else before[0])
    # A star goes past slashes here, as Beam's does not: one file too many is no harm.
    matching = [each for each in listed if fnmatch.fnmatchcase(f"{_SCHEME}{each.bucket}/{each.name}", word)]
    return [f"{_SCHEME}{each.bucket}/{each.name} {each.generation}" for each in matching]


def _files(word: str, folder: str) -> list[str]:
    lines = []
    for path in map(os.path.abspath, local_matches(word, folder)):
        with explained(f"look at {path}"):
            found = Path(path).stat()
        # With the time of the last change to anything, which nobody can set.
        lines.append(f"{path} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}")
    return lines
