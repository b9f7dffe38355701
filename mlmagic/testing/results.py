"""The exam of what jobs leave: metrics and versions, the same ones wherever a program ran.

    class TestResultsOfMyBackend(ResultConformance):
        @pytest.fixture
        def workspace(self, tmp_path):
            return open_workspace(Workspace(tmp_path / ".mlmagic"))

        @pytest.fixture
        def backend(self, workspace):
            return MyBackend(workspace)

It is for backends that run programs under the runtime contract and keep what these leave in a workspace; the memory
backend does neither. The programs need Python alone: they write event files and models as bytes.
"""

# ruff: noqa: D102, S101 - these are tests: their names say what they are about, and they assert

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from mlmagic.backends.base import Backend
from mlmagic.runtime.event_writer import EventWriter
from mlmagic.runtime.scalars import curves
from mlmagic.spec.job import JobState
from mlmagic.testing.driving import FOREVER, run, submit, wait_for, wait_for_text
from mlmagic.workspace.database import Database
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

EXPORT = """
import os, pathlib
folder = pathlib.Path(os.environ["AIP_MODEL_DIR"])
(folder / "variables").mkdir(parents=True, exist_ok=True)
(folder / "saved_model.pb").write_bytes(b"graph")
(folder / "variables" / "variables.index").write_bytes(b"")
"""
"""Leaves what has the files of a SavedModel; without TensorFlow nobody reads its signature."""

_FILES = {"saved_model.pb": b"graph", "variables/variables.index": b""}
SCALARS = {
    "train": [{"epoch_loss": 0.75}, {"epoch_loss": 0.5}, {"epoch_loss": 0.25}],
    "validation": [{"epoch_loss": 1.5}, {"epoch_loss": 1.0}],
    ".": [{"rmse": 2.5}],
}
"""By their run; of each, what it reports at the steps 0, 1, ..."""
_METRICS = {"loss": 0.25, "val_loss": 1.0, "rmse": 2.5}


class ResultConformance:
    """Curves, final metrics, and the versions that jobs make of their models."""

    @pytest.fixture
    def models(self, workspace: Workspace) -> ModelStore:
        return ModelStore(Database(workspace))

    @pytest.fixture
    def report(self, tmp_path: Path) -> str:
        """A program's lines that write the scalars as event files."""
        return reporting(tmp_path / "events", SCALARS)

    @pytest.fixture
    def python(self, tmp_path: Path) -> str:
        """A Python that has its own modules alone."""
        script = tmp_path / "python"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
        script.chmod(0o700)
        return str(script)

    def test_a_job_has_the_curves_that_its_program_wrote(
        self, backend: Backend, workspace: Workspace, report: str
    ) -> None:
        record = run(backend, report)
        found = curves(workspace.job(record.id).tensorboard_dir)
        assert {name: [(step, value) for step, _, value in points] for name, points in found.items()} == {
            "loss": [(0, 0.75), (1, 0.5), (2, 0.25)],
            "val_loss": [(0, 1.5), (1, 1.0)],
            "rmse": [(0, 2.5)],
        }
        assert (record.state, dict(record.metrics)) == (JobState.SUCCEEDED, _METRICS)

    def test_a_job_that_failed_has_its_metrics_and_makes_no_version(
        self, backend: Backend, models: ModelStore, report: str, python: str
    ) -> None:
        record = run(backend, f"{report}{EXPORT}raise SystemExit(3)\n", model="taxi", python=python)
        assert (record.state, record.model_version, dict(record.metrics)) == (JobState.FAILED, None, _METRICS)
        assert models.versions("taxi") == []

    def test_a_job_that_was_cancelled_has_no_metrics(self, backend: Backend, report: str) -> None:
        job_id = submit(backend, report + FOREVER).id
        wait_for_text(backend, job_id, "begun")
        backend.cancel(job_id)
        record = wait_for(backend, job_id)
        assert (record.state, dict(record.metrics)) == (JobState.CANCELLED, {})

    def test_a_job_that_is_stopped_early_has_its_metrics_and_makes_no_version(
        self, backend: Backend, models: ModelStore, report: str, python: str
    ) -> None:
        job_id = submit(backend, report + EXPORT + FOREVER, model="taxi", python=python).id
        wait_for_text(backend, job_id, "begun")
        backend.stop(job_id, "it is not getting better")
        record = wait_for(backend, job_id)
        assert (record.state, record.model_version, dict(record.metrics)) == (JobState.SUCCEEDED, None, _METRICS)
        assert models.versions("taxi") == []

    def test_an_export_becomes_a_version(self, backend: Backend, models: ModelStore, report: str, python: str) -> None:
        record = run(backend, report + EXPORT, model="taxi", python=python)
        (version,) = models.versions("taxi")
        assert (record.state, record.model_version, str(version)) == (JobState.SUCCEEDED, "taxi@1", "taxi@1")
        assert (version.origin.job_id, version.origin.package_digest) == (record.id, record.spec.package.digest)
        assert dict(version.origin.metrics) == dict(record.metrics) == _METRICS
        assert (version.origin.artifact, version.origin.framework, version.signature) == (
            "savedmodel",
            "tensorflow",
            None,
        )
        assert _files(models.path(version)) == _FILES

    def test_versions_are_counted_and_the_first_is_the_default_unless_told_otherwise(
        self, backend: Backend, models: ModelStore, python: str
    ) -> None:
        first, second = (run(backend, EXPORT, model="taxi", python=python) for _ in range(2))
        assert (first.model_version, second.model_version) == ("taxi@1", "taxi@2")
        assert dict(models.get("taxi").aliases) == {"default": 1}
        assert _last_line(backend, first.id).startswith("mlmagic: taxi@1 is the default version")
        told = "mlmagic: taxi@2 · default is taxi@1 · %models set-default taxi@2"
        assert _last_line(backend, second.id).startswith(told)
        run(backend, EXPORT, model="taxi", python=python, set_default=True)
        assert dict(models.get("taxi").aliases) == {"default": 3}

    def test_who_leaves_nothing_has_no_metrics_and_makes_no_version(
        self, backend: Backend, workspace: Workspace, models: ModelStore
    ) -> None:
        record = run(backend, "print('loss: 0.5')\n", model="taxi")
        assert (record.state, record.model_version) == (JobState.SUCCEEDED, None)
        assert record.message == "no model was written to AIP_MODEL_DIR, so no version was made"
        assert models.versions("taxi") == []
        assert (dict(record.metrics), curves(workspace.job(record.id).tensorboard_dir)) == ({}, {})

    def test_a_version_is_of_the_attempt_that_succeeded(
        self, backend: Backend, models: ModelStore, python: str, tmp_path: Path
    ) -> None:
        mark = tmp_path / "mark"
        first = f"mark = pathlib.Path({str(mark)!r})\nif not mark.exists():\n    mark.touch()\n"
        first += "    (folder / 'old').touch()\n    raise SystemExit(1)\n"
        record = run(backend, EXPORT + first, model="taxi", python=python, max_retries=1)
        assert (record.attempt, record.model_version) == (2, "taxi@1")
        assert _files(models.path(models.versions("taxi")[0])) == _FILES


def reporting(folder: Path, scalars: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Return a program's lines that write scalars to its log folder: those of each run, step by step.

    Args:
        folder: where the event files are made first; it is not there yet.
        scalars: by run, a folder below the log folder, the values by tag of the steps 0, 1, ...
    """
    for run_name, steps in scalars.items():
        writer = EventWriter(folder / run_name, time=1000.0)
        for step, values in enumerate(steps):
            writer.write(values, step=step, time=1000.0 + step)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*tfevents*")}
    return (
        "import os, pathlib\n"
        f"for name, data in {files!r}.items():\n"
        "    path = pathlib.Path(os.environ['AIP_TENSORBOARD_LOG_DIR'], name)\n"
        "    path.parent.mkdir(parents=True, exist_ok=True)\n"
        "    path.write_bytes(data)\n"
    )


def _last_line(backend: Backend, job_id: str) -> str:
    return backend.logs(job_id, offset=-1000).text.splitlines()[-1]


def _files(root: Path) -> dict[str, bytes]:
    """Return what a version has from its job."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != "origin.json"}
