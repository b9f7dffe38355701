"""Files of this machine on their way into a bucket: which, with what bytes, and whether they still have them."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlmagic.errors import ConflictError, UsageError
from mlmagic.workspace.files import explained

_LONGEST_NAME_BYTES = 900
"""Of a file's path in its folder; Cloud Storage has 1024 for it and what we put before it."""
_READ_BYTES = 1 << 20
_MOST_TOLD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file whose bytes are known by their digest, as long as it stays as it was."""

    path: Path
    name: str
    """In the folder that is uploaded, with `/` between its parts."""
    digest: str
    """SHA-256 of its bytes."""
    size: int
    state: tuple[int, int, int, int]

    def check(self) -> None:
        """See that nobody has written the file since its bytes were looked at.

        Raises:
            ConflictError: somebody has, or has removed it.
        """
        try:
            now = _state(self.path.stat())
        except OSError:
            now = None
        if now != self.state:
            raise self.changed()

    def changed(self) -> ConflictError:
        """Return the error of a file that is being written."""
        return ConflictError(
            f"{self.path} changed while it was uploaded.", hint="Run it again when nothing writes to it any more."
        )


def find_files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder and of those below it, by their names in it.

    Raises:
        UsageError: there are none, or something that is no file; all are listed.
    """
    found: dict[str, Path] = {}
    problems: list[str] = []

    def failed(error: OSError) -> None:
        problems.append(f"{error.filename}: {error.strerror}")

    for here, folders, names in os.walk(folder, onerror=failed):
        problems += [f"{Path(here, name)} is a link to a folder" for name in folders if Path(here, name).is_symlink()]
        for name in names:
            path = Path(here, name)
            found[path.relative_to(folder).as_posix()] = path
    if not found and not problems:
        problems.append("there is no file in it")
    if problems:
        raise UsageError(f"the folder {folder} cannot be uploaded:", problems=_some(sorted(problems)))
    return dict(sorted(found.items()))


def look_at(files: Mapping[str, Path]) -> list[LocalFile]:
    """Return the files with the digests of their bytes, each read once, in order of name.

    Args:
        files: name in the bucket's folder → file.

    Raises:
        UsageError: some are no files, or have names that Cloud Storage does not take; all are listed.
        WorkspaceError: one cannot be read.
    """
    problems = [problem for name, path in sorted(files.items()) for problem in (_problem(name, path),) if problem]
    if problems:
        raise UsageError("these cannot be uploaded:", problems=_some(problems))
    return [_look_at(name, path) for name, path in sorted(files.items())]


def digest_of(files: list[LocalFile]) -> str:
    """Return the digest of a folder: another one with each name and each byte."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.digest} {len(file.name.encode())} {file.name}\n".encode())
    return whole.hexdigest()


def _look_at(name: str, path: Path) -> LocalFile:
    whole = hashlib.sha256()
    with explained(f"read {path}"), path.open("rb") as file:
        state = _state(os.fstat(file.fileno()))
        while data := file.read(_READ_BYTES):
            whole.update(data)
    return LocalFile(path=path, name=name, digest=whole.hexdigest(), size=state[0], state=state)


def _state(found: os.stat_result) -> tuple[int, int, int, int]:
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _problem(name: str, path: Path) -> str | None:
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return f"{name!r}: the name is not UTF-8"
    if len(encoded) > _LONGEST_NAME_BYTES:
        return f"{name[:60]!r}…: the name has {len(encoded)} bytes, and {_LONGEST_NAME_BYTES} are the most"
    if any(unicodedata.category(character) == "Cc" for character in name):
        return f"{name!r}: the name has a control character"
    if not name or any(part in {"", ".", ".."} for part in name.split("/")):
        return f"{name!r} cannot be an object's name"
    try:
        kind = path.stat().st_mode
    except OSError as error:
        return f"{path}: {error.strerror}"
    # To open a pipe would wait for who writes to it.
    return None if stat.S_ISREG(kind) else f"{path} is no file"


def _some(problems: list[str]) -> list[str]:
    more = len(problems) - _MOST_TOLD
    return [*problems[:_MOST_TOLD], f"and {more} more"] if more > 0 else problems
