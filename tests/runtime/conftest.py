from __future__ import annotations

from pathlib import Path

import pytest
from support.queued import Jobs

from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(open_workspace(Workspace(tmp_path / ".mlmagic")))
