from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.queued import Jobs

from mlmagic.runtime.program import ColdLauncher
from mlmagic.runtime.supervisor import Supervisor
from mlmagic.runtime.watch import Watch
from mlmagic.spec.job import JobRecord
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(open_workspace(Workspace(tmp_path / ".mlmagic")))


@pytest.fixture
def supervise() -> Callable[..., JobRecord]:
    """Run one attempt of a job in this process."""

    def run(folder: JobFolder, *, grace: float = 10.0) -> JobRecord:
        with Watch() as watch:
            Supervisor(folder, watch, launcher=ColdLauncher(), environment=os.environ, grace=grace).run()
        return JobStore(Database(folder.workspace)).get(folder.id)

    return run
