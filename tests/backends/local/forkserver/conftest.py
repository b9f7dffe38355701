from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fork_pool import LIGHT, Pool
from support.queued import Jobs

from mlmagic.backends.local.forkserver.servers import ForkServers
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.runtime_folder import RuntimeFolder


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    return Jobs(open_workspace(Workspace(tmp_path_factory.mktemp("workspace") / ".mlmagic")))


@pytest.fixture(scope="module")
def pool(jobs: Jobs, own_environment: None) -> Iterator[Pool]:
    """Servers that all tests of a module share, with a light stand-in for TensorFlow, on a machine without GPUs."""
    folder = RuntimeFolder.make(jobs.workspace, os.environ)
    servers = ForkServers(jobs.workspace, folder, preload=LIGHT, devices=Path("/nowhere"))
    yield Pool(jobs, servers)
    servers.close()
