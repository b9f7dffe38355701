"""What a request to an endpoint has to know: made when the endpoint is started, gone when it is stopped."""

from __future__ import annotations

import contextlib
import os
import secrets

from mlmagic.workspace.files import create_once
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.runtime_folder import RuntimeFolder


def ensure_token(workspace: Workspace, name: str) -> str:
    """Return the endpoint's token. A start after a crash keeps the one that clients and living workers have.

    Raises:
        WorkspaceError: the folder for it cannot be trusted or made.
        OSError: it cannot be read or written.
    """
    path = RuntimeFolder.make(workspace, os.environ).token(name)
    create_once(path, secrets.token_urlsafe(32), sync=False)
    return path.read_text("ascii")


def read_token(workspace: Workspace, name: str) -> str | None:
    """Return the endpoint's token; None if it has none now.

    Raises:
        WorkspaceError: the folder for it cannot be trusted or made.
    """
    try:
        return RuntimeFolder.make(workspace, os.environ).token(name).read_text("ascii")
    except OSError:
        return None


def forget_token(workspace: Workspace, name: str) -> None:
    """Remove the endpoint's token: the next start makes another."""
    with contextlib.suppress(OSError):
        RuntimeFolder.make(workspace, os.environ).token(name).unlink()
