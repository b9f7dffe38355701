"""The table of backends, resolved when one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from mlmagic.backends.base import Backend
from mlmagic.errors import UsageError, nearest

if TYPE_CHECKING:
    from mlmagic.workspace.layout import Workspace

BACKENDS: Mapping[str, str] = MappingProxyType(
    {
        "local": "mlmagic.backends.local.backend:LocalBackend",
        "google": "mlmagic.backends.google.backend:GoogleBackend",
        "emulator": "mlmagic.backends.google.backend:GoogleBackend",
        "memory": "mlmagic.backends.memory:MemoryBackend",
    }
)
"""Name → `module:Class`; the class takes the workspace, and those in the cloud their name and their settings, too."""

CLOUD = frozenset({"google", "emulator"})
"""Those that are reached over the network."""

IN_MEMORY = frozenset({"memory"})
"""Those whose jobs are in no workspace, and in no list but their own."""


def load_backend(
    name: str,
    workspace: Workspace,
    config: Mapping[str, str] | None = None,
    *,
    tell: Callable[[str], None] | None = None,
) -> Backend:
    """Return the backend of that name, over that workspace.

    Args:
        name: of a backend.
        workspace: where its jobs are.
        config: the settings of one in the cloud.
        tell: to whoever waits for a job to be sent there, what is done meanwhile.

    Raises:
        UsageError: there is none; names those that exist.
    """
    from importlib import import_module

    if name not in BACKENDS:
        raise UsageError(
            f"there is no backend {name!r}. {nearest(name, BACKENDS)}".rstrip(),
            hint=f"Backends: {', '.join(sorted(BACKENDS))}.",
        )
    module, _, attribute = BACKENDS[name].partition(":")
    made = getattr(import_module(module), attribute)
    return cast("Backend", made(workspace, name=name, config=config, tell=tell) if name in CLOUD else made(workspace))
