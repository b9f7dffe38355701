"""Making a version of the model that a program wrote."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.runtime.artifact import Artifact, find_artifact, other_files, stray_links
from mlmagic.runtime.ending import Ending, failed
from mlmagic.runtime.examples import with_examples
from mlmagic.runtime.inspection import Inspection, inspect_model
from mlmagic.runtime.job_metrics import job_metrics
from mlmagic.runtime.labels import with_labels
from mlmagic.runtime.trained_on import TrainedOn, read_trained_on
from mlmagic.spec.job import JobSpec, JobState
from mlmagic.spec.model import ModelOrigin, Signature

if TYPE_CHECKING:
    from mlmagic.workspace.datasets import DatasetStore
    from mlmagic.workspace.models import ModelStore

Waiter = Callable[[subprocess.Popen[bytes], float], int | None]


def register_model(
    job_id: str,
    spec: JobSpec,
    model_dir: Path,
    *,
    package_dir: Path,
    tensorboard_dir: Path,
    models: ModelStore,
    datasets: DatasetStore,
    environment: Mapping[str, str],
    wait: Waiter,
    now: Callable[[], datetime],
) -> Ending:
    """Make a version of what lies below `model_dir`, and return how the job ends with that.

    Raises:
        Interrupted: `wait` raised it; no version was made.
    """
    if spec.model is None:
        return Ending(state=JobState.SUCCEEDED, exit_code=0)
    artifact = find_artifact(model_dir)
    if artifact is None:
        return Ending(state=JobState.SUCCEEDED, exit_code=0, message=_nothing_found(model_dir))
    if links := stray_links(artifact.folder):
        return _refused(f"{', '.join(links)} leads out of it by a link", artifact, "Write the file itself. ")
    inspection = inspect_model(artifact.path, python=spec.python, environment=environment, wait=wait)
    if inspection.refused is not None:
        return _refused(inspection.refused, artifact)
    trained = read_trained_on(spec, package_dir, datasets)
    metrics = job_metrics(tensorboard_dir)
    version = models.register(
        spec.model,
        artifact.folder,
        origin=_origin(job_id, spec, artifact, inspection, metrics),
        signature=_told(inspection, trained, artifact),
        statistics=trained.statistics,
        set_default=spec.set_default,
        now=now(),
    )
    default = models.get(spec.model).aliases.get("default")
    remarks = [*_remarks(artifact, inspection, model_dir), *trained.remarks]
    said = [version_line(spec.model, version.number, default), *remarks]
    return Ending(
        state=JobState.SUCCEEDED,
        exit_code=0,
        model_version=str(version),
        metrics=metrics,
        message=" · ".join(said),
    )


def _told(inspection: Inspection, trained: TrainedOn, artifact: Artifact) -> Signature | None:
    """Return the signature with all that is known about it."""
    marked = trained.mark(inspection.signature)
    return with_labels(with_examples(marked, trained.statistics), artifact.path)


def _refused(why: str, artifact: Artifact, advice: str = "") -> Ending:
    return failed(
        f"the program succeeded, but its model cannot become a version: {why}",
        exit_code=0,
        hint=f"{advice}The model is still in {artifact.path}.",
    )


def _origin(
    job_id: str, spec: JobSpec, artifact: Artifact, inspection: Inspection, metrics: Mapping[str, float]
) -> ModelOrigin:
    return ModelOrigin(
        job_id=job_id,
        package_digest=spec.package.digest,
        dataset=spec.dataset,
        study=spec.from_study,
        metrics=metrics,
        framework="tensorflow" if artifact.kind == "savedmodel" else "keras",
        framework_version=inspection.framework_version,
        artifact=artifact.kind,
        artifact_path=artifact.path_in_version,
    )


def version_line(model: str, number: int, default: int | None) -> str:
    """Return what a job says last that has made a version."""
    if default in {number, None}:
        return f"{model}@{number} is the default version"
    return f"{model}@{number} · default is {model}@{default} · %models set-default {model}@{number}"


def _remarks(artifact: Artifact, inspection: Inspection, model_dir: Path) -> list[str]:
    remarks = []
    if artifact.others:
        chosen = artifact.path.relative_to(model_dir)
        remarks.append(f"AIP_MODEL_DIR has {artifact.others + 1} models, taken is the newest: {chosen}")
    if inspection.missing:
        remarks.append(f"its signature is unknown, since the job's Python has no {inspection.missing}")
    return remarks


def _nothing_found(model_dir: Path) -> str:
    if files := other_files(model_dir):
        found = ", ".join(files)
        return f"AIP_MODEL_DIR has neither a SavedModel nor a .keras file, so no version was made (it has {found})"
    return "no model was written to AIP_MODEL_DIR, so no version was made"
