from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.studies import submit_study

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.spec.job import JobRecord
from mlmagic.spec.study import Study
from mlmagic.testing.backends import wait_for
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import read_study

RunStudy = Callable[..., tuple[JobRecord, Study]]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(Workspace(tmp_path / ".mlmagic"))


@pytest.fixture
def backend(workspace: Workspace) -> Iterator[LocalBackend]:
    local = LocalBackend(workspace)
    yield local
    for summary in local.list(trials=True):
        if not summary.state.is_final:
            local.cancel(summary.id)
            wait_for(local, summary.id)


@pytest.fixture
def run_study(workspace: Workspace, backend: LocalBackend) -> RunStudy:
    """Submit a study, and return its job and itself at the end."""

    def run(*given: Any, **fields: Any) -> tuple[JobRecord, Study]:
        record = wait_for(backend, submit_study(backend, *given, **fields).id)
        return record, read_study(workspace, record.id)

    return run
