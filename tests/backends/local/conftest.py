from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.testing.backends import wait_for
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(Workspace(tmp_path / ".mlmagic"))


@pytest.fixture
def backend(workspace: Workspace) -> Iterator[LocalBackend]:
    local = LocalBackend(workspace)
    yield local
    for summary in local.list():
        if not summary.state.is_final:
            local.cancel(summary.id)
            wait_for(local, summary.id)
