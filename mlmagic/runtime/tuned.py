"""How a study ended, or should end: its best trial, or why too many of its trials failed."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mlmagic.errors import MlmagicError
from mlmagic.runtime.ending import Ending
from mlmagic.spec.job import JobError, JobState
from mlmagic.spec.names import trial_job_id
from mlmagic.spec.study import Algorithm, ParameterKind, Promoted, Study, StudySpec, Trial, TrialState
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.studies import read_promoted, read_study

if TYPE_CHECKING:
    from mlmagic.workspace.layout import JobFolder

CUT_OFF = "cancelled with its study"
"""The reason of a trial that nobody can blame for what became of it."""
FIRST_TRIALS = 3
"""If so many trials failed, and none did better, the package does not work."""
FEW_TRIALS = 5
"""So many failed trials may be bad luck."""


def read_tuned(folder: JobFolder) -> Ending:
    """Return how a study's job ends whose program has come to its end.

    Raises:
        WorkspaceError: its files cannot be read.
    """
    study = read_study(folder.workspace, folder.id)
    why, hint = too_many_failed(study), _hint(study)
    if why is None and (why := _ended_too_early(study)) is not None:
        if _is_cancelled(folder):
            return Ending(state=JobState.CANCELLED, exit_code=0, message="cancelled")
        hint = f"`%tune resume {study.id}` makes those that are left."
    return tuned(study, why=why, hint=hint, remarks=_promoted(folder))


def tuned(study: Study, *, why: str | None = None, hint: str | None = None, remarks: Sequence[str] = ()) -> Ending:
    """Return how a study ended, given its trials.

    Args:
        study: as far as it came.
        why: why it failed, if it did in spite of what its trials found.
        hint: what to do then; by default where to look.
        remarks: what else to say where it succeeded.
    """
    best = study.best
    if why is None and best is not None and best.final is not None:
        return Ending(
            state=JobState.SUCCEEDED,
            exit_code=0,
            metrics={study.spec.metric: best.final.value, "best_trial": best.number, **_counts(study)},
            message=" · ".join([summary(study), *remarks]),
        )
    error = JobError(
        message=why or "none of its trials succeeded",
        details="\n".join(_reasons(study.trials)) or None,
        hint=hint or _hint(study),
    )
    return Ending(state=JobState.FAILED, exit_code=0, error=error, metrics=dict(_counts(study)), message=error.message)


def too_many_failed(study: Study) -> str | None:
    """Return why so many failed trials end the study; None where they do not.

    Those count that it made itself, and that ended by themselves.
    """
    ended = [trial for trial in own_trials(study) if trial.state.is_final and trial.reason != CUT_OFF]
    failed = [trial for trial in ended if trial.state is TrialState.INFEASIBLE]
    limit = study.spec.max_failed
    if limit:
        return f"{_of(failed, ended)} failed, and --max-failed is {limit}" if len(failed) >= limit else None
    if FIRST_TRIALS <= len(failed) == len(ended) < study.spec.trials and study.best is None:
        return f"its first {len(failed)} trials failed"
    if len(failed) >= FEW_TRIALS and 2 * len(failed) > len(ended):
        return f"{_of(failed, ended)} failed"
    return None


def _ended_too_early(study: Study) -> str | None:
    """Return what to say of a study whose program ended before all trials were made; None where they were.

    Of a grid, there may be fewer than were asked for.
    """
    if not study.trials:
        return "it has no trials"
    own = own_trials(study)
    made = [trial for trial in own if trial.state.is_final and trial.reason != CUT_OFF]
    is_searched = study.spec.algorithm is Algorithm.GRID and len(made) == len(own)
    if len(made) >= study.spec.trials or is_searched:
        return None
    return f"it ended before all its trials were made: {len(made)} of {study.spec.trials}"


def _is_cancelled(folder: JobFolder) -> bool:
    """Say whether its program ended because it was to: it may know so before its supervisor does."""
    with contextlib.suppress(MlmagicError):
        return JobStore(Database(folder.workspace)).get(folder.id).state is JobState.CANCELLING
    return False


def own_trials(study: Study) -> tuple[Trial, ...]:
    """Return the trials that the study made itself: not those of the one that it goes on with."""
    return tuple(trial for trial in study.trials if trial.job == trial_job_id(study.id, trial.number))


def summary(study: Study) -> str:
    """Return `24 trials · best val_loss 0.1234 (trial 17: lr=0.01 units=64) · 1 failed`."""
    counts = study.counts
    failed, made = counts.get(TrialState.INFEASIBLE, 0), len(study.trials)
    parts = ["1 trial" if made == 1 else f"{made} trials"]
    if (best := study.best) is not None and best.final is not None:
        told = told_parameters(study.spec, best)
        parts.append(f"best {study.spec.metric} {best.final.value:.6g} (trial {best.number}: {told})")
    if failed:
        parts.append(f"{failed} failed")
    return " · ".join(parts)


def began_text(spec: StudySpec, trial: Trial) -> str:
    """Return `trial 3: lr=0.01 units=64`."""
    return f"trial {trial.number}: {told_parameters(spec, trial)}"


def ended_text(study: Study, trial: Trial) -> str:
    """Return `trial 3 succeeded: val_loss 0.1234 at step 10, the best so far`, or why it failed."""
    if trial.state is TrialState.INFEASIBLE or trial.final is None:
        return f"trial {trial.number} failed: {trial.reason}"
    reached = f"{study.spec.metric} {trial.final.value:.6g} at step {trial.final.step}"
    how = f"stopped early, {trial.reason}" if trial.is_stopped_early else "succeeded"
    best = study.best
    is_best = best is not None and best.number == trial.number
    return f"trial {trial.number} {how}: {reached}{', the best so far' if is_best else ''}"


def hypertune_lines(metric: str) -> tuple[str, ...]:
    """Return what a program has to have so that Vertex AI knows its metric."""
    return (
        "A study on Vertex AI reads what cloudml-hypertune reports. Lines to add to the program, once:",
        "    import hypertune",
        "    reporter = hypertune.HyperTune()",
        "and for each epoch:",
        "    reporter.report_hyperparameter_tuning_metric(",
        f"        hyperparameter_metric_tag={metric!r}, metric_value=value, global_step=epoch)",
    )


def promoted_text(promoted: Promoted) -> str:
    """Return `taxi-20260102-030405-ab12 trains taxi with the best parameters`, or why no job does."""
    if promoted.job is not None:
        return f"{promoted.job} trains {promoted.model} with the best parameters"
    return f"the best trial could not be promoted: {promoted.reason}"


def told_parameters(spec: StudySpec, trial: Trial) -> str:
    """Return `lr=0.01 units=64`, with long numbers cut short, in the order of the search space."""
    order = [parameter.name for parameter in spec.parameters]
    known = [name for name in order if name in trial.parameters]
    return " ".join(f"{name}={_short(spec, name, trial.parameters[name])}" for name in known)


def _promoted(folder: JobFolder) -> list[str]:
    """Return which job trains the best parameters, or why none does, where that was asked for."""
    promoted = read_promoted(folder)
    return [] if promoted is None else [promoted_text(promoted)]


def _short(spec: StudySpec, name: str, text: str) -> str:
    if spec.parameter(name).kind is ParameterKind.CATEGORICAL or len(text) <= 8:
        return text
    return format(float(text), ".4g") if "." in text or "e" in text else text


def _counts(study: Study) -> dict[str, float]:
    return {"trials": len(study.trials), "trials_failed": study.counts.get(TrialState.INFEASIBLE, 0)}


def _of(failed: Sequence[Trial], ended: Sequence[Trial]) -> str:
    return f"{len(failed)} of {len(ended)} trials"


def _reasons(trials: Iterable[Trial]) -> list[str]:
    """Return each reason once, with the trials that it is of."""
    failed = [trial for trial in trials if trial.state is TrialState.INFEASIBLE]
    common = Counter(trial.reason or "unknown" for trial in failed)
    lines = []
    for reason, _ in common.most_common(5):
        numbers = [str(trial.number) for trial in failed if (trial.reason or "unknown") == reason]
        shown = ", ".join(numbers[:5]) + (" …" if len(numbers) > 5 else "")
        lines.append(f"  - {'trial' if len(numbers) == 1 else 'trials'} {shown}: {reason}")
    return lines


def _hint(study: Study) -> str | None:
    failed = [trial for trial in study.trials if trial.state is TrialState.INFEASIBLE]
    return f"`%jobs logs {failed[0].job}` shows what the first of them printed." if failed else None
