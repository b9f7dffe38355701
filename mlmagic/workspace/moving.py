"""Moving what a job has made to where versions lie: in one step, or with a copy where that cannot be."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from mlmagic.workspace.files import sync_folder
from mlmagic.workspace.layout import STAGING_PREFIX


def check_movable(made: Path, workspace: Path) -> None:
    """Make sure that a folder is there, and that it is the workspace's own: a user's must not be moved away.

    Raises:
        OSError: it is not; with EXDEV where a copy of it would do.
    """
    if _is_elsewhere(made, workspace):
        raise OSError(errno.EXDEV, "is a link", str(made))
    if not made.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "there is no such folder", str(made))


def _is_elsewhere(made: Path, workspace: Path) -> bool:
    if made.is_symlink() or not made.is_relative_to(workspace):
        return made.is_symlink()
    return not Path(os.path.realpath(made)).is_relative_to(os.path.realpath(workspace))


def move(made: Path, place: Path) -> None:
    """Rename a folder that is complete."""
    made.chmod(0o700)
    made.rename(place)
    sync_folder(place.parent)


@contextlib.contextmanager
def copied(made: Path, parent: Path) -> Iterator[Path]:
    """Lend a copy on the file system of `parent`, to be moved."""
    staged = parent / f"{STAGING_PREFIX}{secrets.token_hex(4)}"
    try:
        shutil.copytree(made, staged, symlinks=True)
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def remove(made: Path) -> None:
    """Remove what has been copied; of a link, the link alone."""
    if made.is_symlink():
        made.unlink()
    else:
        shutil.rmtree(made, ignore_errors=True)


def leave_link(made: Path, place: Path) -> None:
    """Let a job's folder show where what it made has gone."""
    # It may be there already; and a file system without links loses nothing but the convenience.
    with contextlib.suppress(OSError):
        made.symlink_to(os.path.relpath(place, made.parent), target_is_directory=True)


def version_numbers(parent: Path) -> set[int]:
    """Return the numbers that are taken in the folder of a model or dataset, by whatever lies there."""
    return {int(entry) for entry in os.listdir(parent) if re.fullmatch(r"[1-9][0-9]{0,17}", entry)}  # noqa: PTH208


def deleted_numbers(parent: Path) -> set[int]:
    """Return the numbers that versions in the folder of a model or dataset had which were deleted."""
    names = [re.fullmatch(r"([1-9][0-9]{0,17})\.deleted", entry) for entry in os.listdir(parent)]  # noqa: PTH208
    return {int(match[1]) for match in names if match}
