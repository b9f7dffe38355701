"""What a study that goes on with another one begins with: that one's trials, copied into its own file."""

from __future__ import annotations

from mlmagic.errors import NotFoundError
from mlmagic.runtime.tuned import CUT_OFF
from mlmagic.spec import codec
from mlmagic.spec.study import StudySpec, Trial, TrialState
from mlmagic.workspace.files import explained, write_atomic
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.studies import read_study


def take_up_trials(folder: JobFolder, spec: StudySpec) -> None:
    """Copy the trials of the study that this one goes on with into its file, unless it has one.

    Raises:
        NotFoundError: that study was deleted.
        WorkspaceError: its files cannot be read, or this one's not written.
    """
    if spec.resumes is None or folder.trials.exists():
        return
    try:
        earlier = read_study(folder.workspace, spec.resumes)
    except NotFoundError as error:
        raise NotFoundError(f"the study that it goes on with, {spec.resumes}, is gone: {error.message}") from error
    lines = [codec.dumps(trial, indent=None) + "\n" for trial in earlier.trials if _counts(trial)]
    with explained(f"write {folder.trials}"):
        write_atomic(folder.trials, "".join(lines))


def _counts(trial: Trial) -> bool:
    return trial.state is TrialState.SUCCEEDED or (trial.state is TrialState.INFEASIBLE and trial.reason != CUT_OFF)
