"""Jobs as the sampler sees them: processes in the shape of a fork server, supervisors and replicas, told what to do."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.puppets import Job, Puppet, start_puppet

from mlmagic.backends.local.sampling.sampler import Sampler
from mlmagic.workspace.layout import Workspace


@pytest.fixture
def puppet() -> Iterator[Callable[[], Puppet]]:
    """Start a process that does what it is told; it ends with the test, and those that it forked with it."""
    started: list[subprocess.Popen[str]] = []

    def start() -> Puppet:
        started.append(start_puppet())
        return Puppet(started[-1])

    yield start
    for process in started:
        process.communicate()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / ".mlmagic")


@pytest.fixture
def job(workspace: Workspace, puppet: Callable[[], Puppet]) -> Callable[..., Job]:
    """Make a job, by default with a fork server of its own."""
    made: list[Job] = []

    def make(server: Puppet | None = None) -> Job:
        folder = workspace.job(f"taxi-20260131-120000-{len(made):04x}")
        folder.root.mkdir(parents=True)
        made.append(Job(folder, (server or puppet()).fork("session=True")))
        return made[-1]

    return make


@pytest.fixture
def sampler(workspace: Workspace) -> Iterator[Sampler]:
    sampler = Sampler(workspace)
    yield sampler
    sampler.close()
