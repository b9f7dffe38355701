"""Whether the modules that a process has imported are still the ones that a new process would import."""

from __future__ import annotations

import os
from collections.abc import Sequence


class ImportPath:
    """The folders that modules come from, as they were when they were imported."""

    def __init__(self, path: Sequence[str]) -> None:
        self._times = {folder: _modified(folder) for folder in path}

    def change(self) -> str | None:
        """Return a folder in which something was installed or removed since; None if there is none."""
        return next((folder for folder, time in self._times.items() if _modified(folder) != time), None)


def _modified(folder: str) -> int | None:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 - runs before each fork
    except OSError:
        return None
