"""The exam of programs once more, with each program forked from a process that has TensorFlow imported."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator

import pytest

from mlmagic.backends.local.agent.link import AgentLink
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.spec.job import JobRecord, JobSpec
from mlmagic.spec.package import TrainerPackage
from mlmagic.testing.backends import ProgramConformance, read_log, run
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace


class WarmBackend(LocalBackend):
    """Forks all programs, those too that could do without TensorFlow."""

    def submit(self, spec: JobSpec, package: TrainerPackage) -> JobRecord:
        warm = dataclasses.replace(spec.package, cold_reason=None)
        return super().submit(dataclasses.replace(spec, package=warm), package)


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmBackend]:
    workspace = open_workspace(Workspace(tmp_path_factory.mktemp("warm") / ".mlmagic"))
    with pytest.MonkeyPatch.context() as patch:
        # TensorFlow is imported once for all tests of this file.
        patch.setenv("MLMAGIC_AGENT_IDLE_SECONDS", "120")
        yield WarmBackend(workspace)
        AgentLink(workspace, os.environ).stop()


class TestWarmPrograms(ProgramConformance):
    @pytest.fixture
    def backend(self, warm: WarmBackend) -> WarmBackend:
        return warm


def test_they_were_warm(warm: WarmBackend) -> None:
    record = run(warm, "import sys\nprint('tensorflow' in sys.modules, 'mlmagic' in sys.modules)\n")
    assert read_log(warm, record.id).startswith("True False\n")
