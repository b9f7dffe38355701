"""The exams of results and endpoints fail those who should fail, and say why."""

from __future__ import annotations

import dataclasses
import re
from importlib import import_module
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook
from support.kept_endpoints import register

import mlmagic.testing
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.errors import NotFoundError
from mlmagic.serving.endpoints import LocalEndpoints
from mlmagic.spec.endpoint import EndpointRecord
from mlmagic.spec.job import JobRecord
from mlmagic.testing.endpoints import EndpointConformance, new_spec
from mlmagic.testing.results import SCALARS, ResultConformance, reporting
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace


class Forgetful(LocalBackend):
    """Forgets the metrics of jobs."""

    def get(self, job_id: str) -> JobRecord:
        return dataclasses.replace(super().get(job_id), metrics={})


class Silent(LocalEndpoints):
    """Names no endpoint that is near."""

    def get(self, name: str) -> EndpointRecord:
        try:
            return super().get(name)
        except NotFoundError as error:
            raise NotFoundError(error.message) from None


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(Workspace(tmp_path / ".mlmagic"))


def test_a_backend_that_forgets_metrics(workspace: Workspace, tmp_path: Path) -> None:
    report = reporting(tmp_path / "events", SCALARS)
    with pytest.raises(AssertionError, match=r"\{\}"):
        ResultConformance().test_a_job_has_the_curves_that_its_program_wrote(Forgetful(workspace), workspace, report)


def test_endpoints_that_name_nobody(workspace: Workspace) -> None:
    register(workspace, 1)
    silent = Silent(workspace)
    silent._store.create(new_spec(silent, "exam"))
    with pytest.raises(AssertionError, match="Did you mean exam"):
        EndpointConformance().test_an_unknown_endpoint_names_the_nearest(silent, "exam", "get")


def test_whoever_fails_an_exam_sees_both_sides() -> None:
    folder = Path(mlmagic.testing.__file__).parent
    exams = [path.stem for path in folder.glob("*.py") if re.search(r"class \w+Conformance", path.read_text())]
    assert {"backends", "endpoints", "results"} <= set(exams)
    modules = [import_module(f"mlmagic.testing.{name}") for name in exams]
    assert all(isinstance(module.__loader__, AssertionRewritingHook) for module in modules)
