from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.agents import Agents

from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(Workspace(tmp_path / ".mlmagic"))


@pytest.fixture
def agents(workspace: Workspace) -> Iterator[Agents]:
    found = Agents(workspace)
    yield found
    found.end()
