"""Magics: what is typed in a notebook, one module each, over `mlmagic.api`."""

from __future__ import annotations

from typing import Any

# Where IPython keeps what magics belong to; so the state is the shell's, not this module's.
_KEY = "mlmagic"


def load_ipython_extension(shell: Any) -> None:
    """Bring the magics to a shell; once is enough, and twice does no harm."""
    from mlmagic.magics.extension import Extension

    registry = shell.magics_manager.registry
    if _KEY not in registry:
        extension = Extension(shell)
        extension.start()
        registry[_KEY] = extension


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics and the hooks out of a shell."""
    extension = shell.magics_manager.registry.pop(_KEY, None)
    if extension is not None:
        extension.stop()
