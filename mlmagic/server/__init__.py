"""The Jupyter server extension: one workspace for the server and all the kernels that it starts."""

from __future__ import annotations

from mlmagic.server.extension import _jupyter_server_extension_points, _load_jupyter_server_extension

__all__ = ["_jupyter_server_extension_points", "_load_jupyter_server_extension"]
