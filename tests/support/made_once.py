"""What takes long to make, made once for all tests and all the processes that run them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of that name, which the first to ask for it fills."""
    shared = tmp_path_factory.getbasetemp()
    # With xdist each process has a folder of its own in the one of the run.
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = folder.with_suffix(".making")
            making.mkdir()
            make(making)
            making.rename(folder)
    return folder
