"""What the Jupyter server calls: where the extension is, and what it does when it is loaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell the server which module has the hook that loads the extension."""
    return [{"module": "mlmagic.server"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Choose the workspace and pass it on, and put the REST API in place.

    Kernels inherit the server's environment. Otherwise a kernel would look for a workspace from the folder of its
    notebook, and each folder would have its own.
    """
    from mlmagic.server.board_notice import tell_kernels
    from mlmagic.workspace.discovery import find_workspace, nearer_workspace_warning

    root = Path(server.root_dir).absolute()
    if warning := nearer_workspace_warning(os.environ, root):
        server.log.warning("mlmagic | %s", warning)
    workspace = find_workspace(os.environ, root)
    os.environ["MLMAGIC_HOME"] = str(workspace.root)
    server.log.info("mlmagic | the workspace is %s", workspace.root)
    tell_kernels(server.base_url, str(workspace.root))
    _mount(server)


def _mount(server: ServerApp) -> None:
    """Put the handlers in place. Kernels have their workspace even where the panels cannot be had."""
    try:
        from mlmagic.server.routing import load, rules
    except ImportError as error:
        server.log.warning("mlmagic | there are no panels: %s", error)
        return
    loaded = load()
    for problem in loaded.missing:
        server.log.warning("mlmagic | %s", problem)
    handlers = list(rules(loaded.routes, server.base_url))
    server.web_app.add_handlers(".*$", handlers)  # type: ignore[no-untyped-call]
