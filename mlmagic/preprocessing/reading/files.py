"""Files by pattern, on this machine or wherever Beam's file systems reach."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from mlmagic.errors import MissingDependencyError, UsageError, nearest
from mlmagic.preprocessing.reading.credentials import check_credentials

_WHOLE = 16 << 20
"""Files up to this size are digested whole."""
_SAMPLES, _SAMPLE = 16, 1 << 18
_MARKERS = {"_SUCCESS"}
"""Empty files that Hadoop and Spark leave beside their output."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that matches a pattern."""

    path: str
    size: int


def find_files(patterns: Sequence[str]) -> list[Found]:
    """Return the files that match any of the patterns, each once, in the order of the patterns and then of their names.

    Raises:
        UsageError: patterns that match nothing, and files that cannot be read; all of them.
    """
    problems: list[str] = []
    found: dict[str, Found] = {}
    for pattern in patterns:
        matches = _match(pattern, problems)
        found.update((file.path, file) for file in sorted(matches, key=lambda file: file.path))
    files = [file for file in found.values() if file.size or os.path.basename(file.path) not in _MARKERS]  # noqa: PTH119
    problems += [problem for file in files if (problem := _problem(file))]
    if problems:
        raise UsageError("The input cannot be read.", problems=problems)
    if not files:
        raise UsageError("There is no input.", hint="Name files with --input, such as --input 'rides-*.csv'.")
    return files


@contextmanager
def open_file(path: str) -> Iterator[BinaryIO]:
    """Open the file as it is stored, compressed or not. What fails while it is read names it.

    Raises:
        UsageError: it cannot be opened or read.
    """
    if "://" not in path:
        try:
            with open(path, "rb") as own:  # noqa: PTH123 - one form of path for all systems
                yield own
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {_told(error)}") from error
        return
    # Only where it is needed: it takes longer to load than most files to read.
    from apache_beam.io.filesystem import BeamIOError, CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            yield cast("BinaryIO", file)
    except (OSError, BeamIOError) as error:
        raise UsageError(f"{path} cannot be read: {_told(error)}") from error


def read_range(path: str, start: int, length: int) -> bytes:
    """Return the bytes there, fewer at the end of the file."""
    with open_file(path) as file:
        return read_at(file, start, length)


def read_at(file: BinaryIO, start: int, length: int) -> bytes:
    """Return the bytes there, fewer at the end of the file."""
    file.seek(start)
    parts = []
    while length > 0 and (part := file.read(length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def digest(path: str, size: int) -> str:
    """Return a digest of the content; of a large file, of its size and of blocks spread evenly over it."""
    hashed = hashlib.sha256()
    with open_file(path) as file:
        if size <= _WHOLE:
            hashed.update(read_at(file, 0, size))
            return f"sha256:{hashed.hexdigest()}"
        hashed.update(str(size).encode())
        for index in range(_SAMPLES):
            hashed.update(read_at(file, (size - _SAMPLE) * index // (_SAMPLES - 1), _SAMPLE))
    return f"sampled-sha256:{hashed.hexdigest()}"


def _match(pattern: str, problems: list[str]) -> list[Found]:
    if "://" not in pattern and os.path.isfile(pattern):  # noqa: PTH113 - as below
        return [Found(pattern.removeprefix("./"), os.path.getsize(pattern))]  # noqa: PTH202
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    try:
        if FileSystems.get_filesystem(pattern).scheme() == "gs":
            check_credentials(pattern)
        # A file may be called `a[1].csv`.
        if any(sign in pattern for sign in "*?[") and FileSystems.exists(pattern):
            return [Found(pattern, FileSystems.get_filesystem(pattern).size(pattern))]
        # Beam finds nothing by a pattern that names no folder.
        metadata = FileSystems.match([pattern if "/" in pattern else f"./{pattern}"])[0].metadata_list
    except ValueError as error:
        raise _no_file_system(pattern) from error
    except (OSError, BeamIOError) as error:
        problems.append(f"{pattern}: {_told(error)}")
        return []
    if not metadata:
        problems.append(f"{pattern}: no such file. {_neighbours(pattern)}".rstrip())
    return [Found(item.path.removeprefix("./"), item.size_in_bytes) for item in metadata]


def _neighbours(pattern: str) -> str:
    folder, name = os.path.split(pattern)
    try:
        names = os.listdir(folder or ".")  # noqa: PTH208 - a pattern may be of another file system, and then there is none
    except OSError:
        return "" if "://" in pattern else f"There is no folder {folder}."
    return nearest(name, names) or (
        f"The folder has {', '.join(sorted(names)[:5])}." if names else "The folder is empty."
    )


def _problem(file: Found) -> str | None:
    try:
        mode = os.stat(file.path).st_mode  # noqa: PTH116
    except OSError:
        mode = None  # of another file system
    if mode is not None and stat.S_ISDIR(mode):
        return f"{file.path}: is a folder; its files are {file.path.rstrip('/')}/*"
    if mode is not None and not stat.S_ISREG(mode):
        return f"{file.path}: is not a file"
    if mode is not None and not os.access(file.path, os.R_OK):
        return f"{file.path}: there is no permission to read it"
    return f"{file.path}: is empty" if not file.size else None


def _no_file_system(pattern: str) -> Exception:
    scheme = pattern.split("://", 1)[0]
    if scheme == "gs":
        return MissingDependencyError(
            f"{pattern} is in Cloud Storage, and Beam's support for it is not installed.",
            hint="Install it with: pip install 'apache-beam[gcp]'",
        )
    return UsageError(f"{pattern}: there is no file system for {scheme}://")


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__
