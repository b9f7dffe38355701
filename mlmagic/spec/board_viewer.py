"""Who looks at the outputs of this process, as its environment tells."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from mlmagic.spec.board import BoardViewer, FrontEnd

SERVER = "MLMAGIC_SERVER"
"""What a Jupyter server with mlmagic's extension tells its kernels: `{"pid": …, "baseUrl": …, "workspace": …}`."""
_PARENT = "JPY_PARENT_PID"
# Of each the variables that it alone sets.
_SIGNS = (
    (FrontEnd.COLAB, ("COLAB_RELEASE_TAG", "COLAB_BACKEND_VERSION", "COLAB_JUPYTER_IP")),
    (FrontEnd.KAGGLE, ("KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_URL_BASE")),
    (FrontEnd.VS_CODE, ("VSCODE_PID", "VSCODE_CWD", "VSCODE_ESM_ENTRYPOINT", "VSCODE_AMD_ENTRYPOINT")),
)


def viewer_of(environ: Mapping[str, str], workspace: str, *, is_in_vs_code: bool = False) -> BoardViewer:
    """Return who looks at what this process shows.

    A server counts only if it started this very process and works on the same workspace: a terminal, and what is
    started in it, inherits the variable, too.
    """
    base_url = _base_url(environ, workspace)
    if is_in_vs_code:
        return BoardViewer(front_end=FrontEnd.VS_CODE, base_url=base_url)
    if base_url is not None:
        return BoardViewer(base_url=base_url)
    for front_end, names in _SIGNS:
        if any(environ.get(name) for name in names):
            return BoardViewer(front_end=front_end)
    return BoardViewer()


def server_notice(pid: int, base_url: str, workspace: str) -> str:
    """Return what a server tells its kernels, as the text of the variable."""
    return json.dumps({"pid": pid, "baseUrl": base_url, "workspace": workspace})


def _base_url(environ: Mapping[str, str], workspace: str) -> str | None:
    try:
        told = json.loads(environ.get(SERVER, ""))
        pid, base_url, its_workspace = str(told["pid"]), told["baseUrl"], told["workspace"]
    except (ValueError, TypeError, KeyError):
        return None
    if pid != environ.get(_PARENT) or not isinstance(base_url, str) or not isinstance(its_workspace, str):
        return None
    return base_url if os.path.realpath(its_workspace) == os.path.realpath(workspace) else None
