"""What a list of jobs says of studies and of their trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlmagic.errors import NotFoundError, WorkspaceError
from mlmagic.panels.numbers import number
from mlmagic.panels.study_words import parameters_text
from mlmagic.spec.job import JobKind, JobSummary
from mlmagic.spec.study import Study, Trial

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend
    from mlmagic.workspace.layout import Workspace


def study_notes(backend: Backend, workspace: Workspace, summaries: Sequence[JobSummary]) -> dict[str, str]:
    """Return by a study's id how far it is, and by a trial's its parameters and its result."""
    notes: dict[str, str] = {}
    for summary in summaries:
        if summary.kind is JobKind.TUNING and (study := _read(backend, workspace, summary.id)) is not None:
            notes[summary.id] = progress_text(study)
    for parent in {summary.parent for summary in summaries if summary.parent is not None}:
        if (study := _read(backend, workspace, parent)) is not None:
            notes |= {trial.job: trial_text(study, trial) for trial in study.trials}
    return notes


def progress_text(study: Study) -> str:
    """Return `7/24 trials · best 0.123`."""
    total = study.total
    done = sum(trial.state.is_final for trial in study.trials)
    best = study.best
    told = [f"{done}/{total} trial{'s' * (total != 1)}"]
    return " · ".join([*told, *([f"best {number(best.final.value)}"] if best and best.final else [])])


def trial_text(study: Study, trial: Trial) -> str:
    """Return `val_loss 0.123 · lr=0.01 units=64`."""
    told = " ".join(parameters_text(study.spec, trial))
    return told if trial.final is None else f"{study.spec.metric} {number(trial.final.value)} · {told}"


def _read(backend: Backend, workspace: Workspace, study_id: str) -> Study | None:
    from mlmagic.workspace.studies import read_trials

    try:
        spec = backend.get(study_id).spec.study
        return None if spec is None else Study(id=study_id, spec=spec, trials=read_trials(workspace.job(study_id)))
    except (NotFoundError, WorkspaceError):
        return None  # the list is worth more than what it says of one study
