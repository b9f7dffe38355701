"""Reading a folder of source files whole, within limits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mlmagic.errors import PackageError

MAX_BYTES = 256 * 2**20
MAX_FILES = 5000
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})


def read_folder(folder: Path, *, suffix: str = "") -> dict[str, bytes]:
    """Return the content of all files by path within the folder, without caches, hidden files and virtual environments.

    Args:
        folder: where to begin.
        suffix: only files that end so.

    Raises:
        PackageError: it is too large, a link leads out of it, or a file cannot be read.
    """
    root = folder.resolve()
    paths: list[Path] = []
    size = 0
    for path in _files(root):
        if not path.name.endswith(suffix):
            continue
        _check_inside(path, root)
        if not path.is_file():  # a pipe, or a link to nothing
            continue
        paths.append(path)
        size += path.stat().st_size
        check_size(folder, len(paths), size)  # before anything is read
    return {path.relative_to(root).as_posix(): read_file(path, root) for path in paths}


def check_size(folder: Path, files: int, size: int) -> None:
    """Refuse what is too large for a package.

    Raises:
        PackageError: it has too many files or bytes.
    """
    if size > MAX_BYTES or files > MAX_FILES:
        raise PackageError(
            f"{folder} is too large for a trainer package: it has more than {MAX_FILES} files or "
            f"{MAX_BYTES // 2**20} MB.",
            hint="Keep data outside of the package, and give its path to the program as a flag.",
        )


def read_file(path: Path, root: Path) -> bytes:
    """Return the content of a file below `root`.

    Raises:
        PackageError: it is a link that leads out, or cannot be read.
    """
    _check_inside(path, root)
    try:
        return path.read_bytes()
    except OSError as error:
        raise PackageError(f"{path} cannot be read: {error.strerror}.") from error


def _files(root: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _is_skipped(Path(place, name)))
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in links:
            _check_inside(Path(place, name), root)
        yield from (
            Path(place, name) for name in sorted(names) if not name.startswith(".") and not name.endswith(".pyc")
        )


def _is_skipped(folder: Path) -> bool:
    name = folder.name
    return (
        name in _SKIPPED
        or name.startswith(".")
        or name.endswith((".egg-info", ".dist-info"))
        or (folder / "pyvenv.cfg").exists()
    )


def _check_inside(path: Path, root: Path) -> None:
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        raise PackageError(
            f"{path} is a link to {path.resolve()}, outside of the package.",
            hint="Copy the file into the package, or take the link away.",
        )
