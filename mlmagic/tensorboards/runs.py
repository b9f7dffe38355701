"""Which runs a board has now, and the folder of links by which TensorBoard finds them under their names.

TensorBoard looks through the folder every few seconds: trials that begin come in by themselves, jobs that are deleted
go.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlmagic.errors import NotFoundError
from mlmagic.spec.board import BoardSource, BoardSpec
from mlmagic.spec.study import Goal, Study, Trial
from mlmagic.workspace.files import make_folder
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import read_study


def runs_of(spec: BoardSpec) -> dict[str, Path]:
    """Return where the logs of each run are. A job that was deleted has none.

    Raises:
        WorkspaceError: a study's file cannot be read.
    """
    workspace = Workspace(Path(spec.workspace))
    found: dict[str, Path] = {}
    for source in spec.sources:
        found |= _runs_of_source(workspace, source)
    return found


def _runs_of_source(workspace: Workspace, source: BoardSource) -> dict[str, Path]:
    if source.folder is not None:
        return {source.name: Path(source.folder)}
    if source.job is None:
        return {}
    if not source.is_study:
        return _run(workspace, source.name, source.job)
    found: dict[str, Path] = {}
    for trial in _trials(workspace, source.job, source.best):
        found |= _run(workspace, f"{source.name}/{trial.number}", trial.job)
    return found


def _run(workspace: Workspace, name: str, job: str) -> dict[str, Path]:
    folder = workspace.job(job)
    return {name: folder.tensorboard_dir} if folder.root.is_dir() else {}


def _trials(workspace: Workspace, study_id: str, best: int | None) -> tuple[Trial, ...]:
    try:
        study = read_study(workspace, study_id)
    except NotFoundError:
        return ()
    return study.trials if best is None else best_trials(study, best)


def best_trials(study: Study, count: int) -> tuple[Trial, ...]:
    """Return so many trials at most, those with the best results first; the earlier of equals before the later."""
    sign = -1.0 if study.spec.goal is Goal.MAXIMIZE else 1.0
    measured = [
        (sign * trial.final.value, trial.number, trial)
        for trial in study.trials
        if trial.final is not None and not math.isnan(trial.final.value)
    ]
    return tuple(trial for _, _, trial in sorted(measured, key=lambda entry: entry[:2])[:count])


def link_runs(root: Path, runs: Mapping[str, Path]) -> None:
    """Let the folder have these links and no others; those that are right stay untouched.

    Raises:
        OSError: the folder cannot be written.
    """
    make_folder(root)
    wanted = {root / name: path for name, path in runs.items()}
    for link in list(_links(root)):
        if link not in wanted or link.readlink() != wanted[link]:
            link.unlink()
    for link, path in wanted.items():
        if not link.is_symlink():
            make_folder(link.parent)
            link.symlink_to(path, target_is_directory=True)


def _links(folder: Path) -> Iterator[Path]:
    # By hand: whatever is behind a link belongs to a job.
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry.path)
            elif entry.is_dir(follow_symlinks=False):
                yield from _links(Path(entry.path))
