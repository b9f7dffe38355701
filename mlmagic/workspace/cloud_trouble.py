"""Why a backend in the cloud cannot be asked, for all processes of a workspace: written by the one that watches it.

What is told of its jobs meanwhile is what was last heard.
"""

from __future__ import annotations

from contextlib import suppress

from mlmagic.errors import MlmagicError, WorkspaceError
from mlmagic.workspace.files import explained, write_atomic
from mlmagic.workspace.layout import Workspace

_MOST_CHARACTERS = 1_000


def write_trouble(workspace: Workspace, backend: str, error: MlmagicError | None) -> None:
    """Write down why a backend cannot be asked, or with None that it can. On a full disk nothing is said."""
    path = workspace.cloud_trouble(backend)
    with suppress(WorkspaceError), explained(f"write {path}"):
        if error is None:
            path.unlink(missing_ok=True)
        elif (told := sentence(error)) != read_trouble(workspace, backend):
            write_atomic(path, told, sync=False)


def read_trouble(workspace: Workspace, backend: str) -> str | None:
    """Return why a backend could not be asked the last time; None if it could, or nobody did."""
    try:
        told = workspace.cloud_trouble(backend).read_text("utf-8", "replace")
    except OSError:
        return None
    return told[:_MOST_CHARACTERS] or None


def sentence(error: MlmagicError) -> str:
    """Return what is wrong in one line, with what there is to do."""
    told = " ".join([error.message, "; ".join(error.problems)]).strip().rstrip(".")
    whole = f"{told}. {error.hint}" if error.hint else f"{told}."
    return " ".join(whole.split())[:_MOST_CHARACTERS]
