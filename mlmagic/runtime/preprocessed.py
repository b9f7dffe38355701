"""Making a version of the dataset that a program wrote."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from mlmagic.runtime.artifact import other_files, stray_links
from mlmagic.runtime.ending import Ending, failed
from mlmagic.spec.dataset import DatasetOrigin, DatasetVersion
from mlmagic.spec.job import JobSpec, JobState
from mlmagic.spec.statistics import RowCounts

if TYPE_CHECKING:
    from mlmagic.workspace.datasets import DatasetStore
    from mlmagic.workspace.layout import JobFolder


def register_dataset(
    folder: JobFolder, spec: JobSpec, *, datasets: DatasetStore, now: Callable[[], datetime]
) -> Ending:
    """Make a version of the dataset that the job's program wrote, and return how the job ends with that.

    Raises:
        WorkspaceError: what is there is no whole dataset, or the workspace cannot be written.
    """
    made = folder.model_dir
    if spec.dataset is None or not other_files(made, 1):
        message = "no dataset was written to AIP_MODEL_DIR, so no version was made"
        if not any(word.partition("=")[0] in {"--runner", "--output"} for word in spec.args):
            return failed(message, exit_code=0, hint="Nothing is there any more: something else may have removed it.")
        return Ending(state=JobState.SUCCEEDED, exit_code=0, message=message)
    if links := stray_links(made):
        return failed(
            f"the program succeeded, but what it wrote cannot become a version: {', '.join(links)} leads out of it by "
            "a link",
            exit_code=0,
            hint=f"Write the file itself. What the program wrote is still in {made}.",
        )
    cell = folder.cell.read_text(encoding="utf-8") if folder.cell.exists() else None
    origin = DatasetOrigin(job_id=folder.id, package_digest=spec.package.digest, args=spec.args, cell=cell)
    version = datasets.register(spec.dataset, made, origin=origin, now=now())
    return made_version(version, datasets.statistics(version).rows)


def made_version(version: DatasetVersion, rows: RowCounts) -> Ending:
    """Return how the job ends that has made this version."""
    removed = f", {rows.removed:,} removed by clean" if rows.removed else ""
    rejected = f", {rows.rejected_rows:,} rejected" if rows.rejected_rows else ""
    counts = {name: version.schema.rows[name] for name in version.schema.splits}
    splits = " · ".join(f"{name} {count:,}" for name, count in counts.items())
    metrics = {f"rows_{name}": float(count) for name, count in counts.items()}
    return Ending(
        state=JobState.SUCCEEDED,
        exit_code=0,
        dataset_version=str(version),
        metrics={"rows": float(rows.written), "rows_rejected": float(rows.rejected_rows), **metrics},
        message=f"{version}: {rows.written:,} rows ({splits}){removed}{rejected}",
    )
