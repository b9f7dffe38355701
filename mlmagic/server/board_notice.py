"""What the server tells the kernels that it starts: that it passes requests on to boards, and under which address."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from importlib.util import find_spec

from mlmagic.errors import MissingDependencyError
from mlmagic.spec.board_viewer import SERVER, server_notice

_PROXY = "jupyter_server_proxy"


def tell_kernels(base_url: str, workspace: str, environ: MutableMapping[str, str] = os.environ) -> None:
    """Set the variable that kernels inherit; a server that cannot pass requests on tells nothing."""
    environ.pop(SERVER, None)
    if has_proxy():
        environ[SERVER] = server_notice(os.getpid(), base_url, workspace)


def has_proxy() -> bool:
    """Say whether what passes requests on is installed."""
    return find_spec(_PROXY) is not None


def no_proxy() -> MissingDependencyError:
    """Return the error for a board that cannot be shown."""
    return MissingDependencyError(
        "jupyter-server-proxy, by which a Jupyter server shows a TensorBoard, is not installed where this one runs.",
        hint="Install it there, and start the server again: pip install 'mlmagic[lab]'",
    )
