"""Which workspace: `MLMAGIC_HOME`, else the nearest `.mlmagic` upwards, else a new one right here."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from mlmagic.errors import WorkspaceError
from mlmagic.workspace.files import explained, make_folder, write_atomic
from mlmagic.workspace.layout import FOLDER_NAME, Workspace

_CHOOSE_ANOTHER = "Name another folder with the environment variable MLMAGIC_HOME."


def find_workspace(environ: Mapping[str, str], start: Path) -> Workspace:
    """Return the workspace for work that starts in a folder; it may not exist yet.

    Raises:
        WorkspaceError: the one that would be taken may have been put there by another user.
    """
    start = start.absolute()
    found = _named_workspace(environ, start) or _nearest_workspace(start)
    here = start / FOLDER_NAME
    if found is None and os.path.lexists(here) and not _is_trusted(here):
        raise WorkspaceError(
            f"the workspace {here} belongs to another user, who could put programs of theirs in the place of yours.",
            hint=f"If you trust them, say so with the environment variable MLMAGIC_HOME={here}; else name another.",
        )
    return Workspace(found or here)


def nearer_workspace_warning(environ: Mapping[str, str], start: Path) -> str | None:
    """Return the warning that `MLMAGIC_HOME` hides a nearer workspace, or None if it hides none."""
    start = start.absolute()
    named, nearest = _named_workspace(environ, start), _nearest_workspace(start)
    if named is None or nearest is None or os.path.realpath(named) == os.path.realpath(nearest):
        return None
    return (
        f"MLMAGIC_HOME says {named}, so that is the workspace; {nearest} is nearer and is not used. "
        "Unset MLMAGIC_HOME to use it."
    )


def _named_workspace(environ: Mapping[str, str], start: Path) -> Path | None:
    value = environ.get("MLMAGIC_HOME", "")
    return Path(os.path.normpath(start / os.path.expanduser(value))) if value else None  # noqa: PTH111 - tolerates no home


def _nearest_workspace(start: Path) -> Path | None:
    candidates = (folder / FOLDER_NAME for folder in (start, *start.parents))
    # Unlike `Path.exists`, this one takes a folder that may not be searched for one without a workspace.
    return next((path for path in candidates if os.path.exists(path) and _is_trusted(path)), None)  # noqa: PTH110


def _is_trusted(path: Path) -> bool:
    """Say whether nobody but this user, or whoever owns the folder around it, can have put it there."""
    try:
        status, around = path.stat(), path.parent.stat()
    except OSError:
        return True
    return status.st_uid == os.geteuid() or (status.st_uid == around.st_uid and not around.st_mode & stat.S_IWOTH)


def open_workspace(workspace: Workspace) -> Workspace:
    """Make the workspace if it does not exist, see that it can be written, and return it.

    Raises:
        WorkspaceError: it is not a folder, its parent is missing, or it cannot be written.
    """
    root = workspace.root
    if not root.parent.is_dir():
        raise WorkspaceError(
            f"the workspace {root} cannot be made: {root.parent} is not a folder.",
            hint=f"Make that folder first. {_CHOOSE_ANOTHER}",
        )
    if os.path.lexists(root) and not root.is_dir():
        raise WorkspaceError(
            f"the workspace {root} is not a folder.",
            hint=f"Move that file out of the way. {_CHOOSE_ANOTHER}",
        )
    with explained(f"make the workspace {root}"):
        for folder in (root, workspace.jobs, workspace.models):
            make_folder(folder)
    effective = os.access in os.supports_effective_ids
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK, effective_ids=effective):
        raise WorkspaceError(
            f"the workspace {root} cannot be written by this user.",
            hint=f"Make it writable. {_CHOOSE_ANOTHER}",
        )
    with explained(f"write into the workspace {root}"):
        if not workspace.gitignore.exists():
            write_atomic(workspace.gitignore, "*\n")
    return workspace
