"""What processes that were killed have left half made or half removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from mlmagic.workspace.layout import DELETED_PREFIX, STAGING_PREFIX, Workspace

_YOUNG_SECONDS = 3600.0
"""A younger one may belong to a process that is still at it."""


def is_leftover(path: Path) -> bool:
    """Say by its name whether a folder is being made or removed."""
    return path.name.startswith((STAGING_PREFIX, DELETED_PREFIX))


def remove_all_leftovers(workspace: Workspace) -> None:
    """Remove what nobody goes on making or removing, jobs and versions; never fails."""
    remove_leftovers(workspace.jobs)
    for kind in (workspace.models, workspace.datasets):
        with contextlib.suppress(OSError):
            for folder in kind.iterdir():
                remove_leftovers(folder)


def remove_leftovers(parent: Path) -> None:
    """Remove what lies half made in one folder; never fails."""
    with contextlib.suppress(OSError):
        # A hundred thousand names take a tenth of the time that as many paths do.
        names = [name for name in os.listdir(parent) if name.startswith(".")]  # noqa: PTH208
        for path in filter(is_leftover, map(parent.joinpath, names)):
            if time.time() - path.lstat().st_mtime > _YOUNG_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
