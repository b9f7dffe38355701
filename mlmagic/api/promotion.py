"""From a study to what follows it: a training job with the best parameters, or a study with more trials."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlmagic.api.arguments import ArgumentCheck, read_name, read_whole_number
from mlmagic.api.budgets import read_budget
from mlmagic.api.job import Job
from mlmagic.api.rerun import Changes, run_again
from mlmagic.api.selection import Reference, session_of
from mlmagic.api.study import StudyJob, check_has_ended, find_study, find_trial
from mlmagic.api.tuning_arguments import read_trials
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.spec.study import Promotion, Study, Trial, TrialState
from mlmagic.spec.study_jobs import all_rows, trial_flags

if TYPE_CHECKING:
    from mlmagic.session import Session


def promote(
    study: Reference,
    *,
    args: Sequence[str | float] = (),
    trial: int | None = None,
    model: str | None = None,
    set_default: bool = False,
    timeout: float | str | None = None,
    scale_tier: str | None = None,
    machine_type: str | None = None,
    accelerator: str | None = None,
    replicas: int | str | Mapping[str, int] | None = None,
    cores: float | str | None = None,
    memory: float | str | None = None,
    priority: int | None = None,
    max_retries: int | None = None,
    fresh: bool | None = None,
    labels: Mapping[str, str] | None = None,
    budget: str | None = None,
    yes: bool = False,
    invocation: str | None = None,
    session: Session | None = None,
) -> Job:
    """Train once more with the parameters of a study's best trial, and make a version of the model.

    It is a training job of the study's package, which runs on what the trials ran on, unless another is given here.
    Where trials saw a sample of a dataset's rows (`--sample`), it sees all of them.

    Args:
        study: the study, its id or its name.
        args: arguments of the program, in the place of the trials' own: more epochs, all the data.
        trial: take this one's parameters, not the best one's.
        model: the model that gets the version; by default the one that the study names.
        set_default: let the new version be the model's default.
        timeout: in seconds, or `"90s"`, `"15m"`, `"2h"`; the trials' own does not count.
        scale_tier: such as `"STANDARD_1"`.
        machine_type: of all replicas.
        accelerator: of all replicas, such as `"T4:1"`.
        replicas: counts by role, such as `"worker=2,ps=1"`.
        cores: what one replica takes of this machine.
        memory: the same, such as `"8GB"`.
        priority: a higher one is started first.
        max_retries: how many more attempts there are after one that failed.
        fresh: start programs from nothing, never by a fork.
        labels: added to those of the study.
        budget: of a job in the cloud: `"10h"` of machines, `"20USD"`, `"none"`; by default the workspace's.
        yes: start it in the cloud although it costs money.
        invocation: the line that was typed.
        session: another than this process's.

    Raises:
        NotFoundError: there is no such study or trial, or no trial has succeeded yet.
        UsageError: arguments that do not fit, which are all listed, or that the program does not take.
    """
    found = find_study(session_of(session), study)
    changes = Changes(
        args=args,
        set_default=set_default,
        timeout=timeout,
        scale_tier=scale_tier,
        machine_type=machine_type,
        accelerator=accelerator,
        replicas=replicas,
        cores=cores,
        memory=memory,
        priority=priority,
        max_retries=max_retries,
        fresh=fresh,
        labels=labels,
        budget=budget,
        yes=yes,
        invocation=invocation,
    )
    check = ArgumentCheck()
    if model is not None:
        check.read(read_name, model, "model name")
    if trial is not None:
        check.read(read_whole_number, trial, "trial", 1)
    spec, words = changes.read(dataclasses.replace(found.spec, timeout_seconds=None), check)
    check.finish("promote")
    chosen = found.describe_best().trial if trial is None else _succeeded(found.study, trial)
    promoted = _promoted(spec, found.id, chosen, model)
    job_id = run_again(found.backend, found.id, promoted, words, budget=budget, yes=yes)
    return Job(id=job_id, backend=found.backend)


def _promoted(study: JobSpec, study_id: str, trial: Trial, model: str | None) -> JobSpec:
    """Return the training job that has a trial's parameters."""
    return dataclasses.replace(
        study,
        kind=JobKind.TRAINING,
        args=(*study.args, *trial_flags({**trial.parameters, **all_rows(study)})),
        study=None,
        from_study=study_id,
        rerun_of=None,
        model=model or study.model or study.display_name,
    )


def resume(
    study: Reference,
    trials: int | None = None,
    *,
    parallel: int | None = None,
    max_failed: int | None = None,
    promote: bool = False,
    budget: str | None = None,
    yes: bool = False,
    invocation: str | None = None,
    session: Session | None = None,
) -> StudyJob:
    """Go on with a study that has ended: a new one, with the same program and space, that knows its trials.

    Args:
        study: the study, its id or its name.
        trials: how many more there are to be; by default those that it has not made.
        parallel: how many run at the same time, if another number than before.
        max_failed: so many failed trials end it, if another number than before.
        promote: when the new study has succeeded, train once more with the best parameters, and register the version.
            Where the study was to do that too, it is done in the same way.
        budget: of all new trials in the cloud: `"10h"` of machines, `"20USD"`, `"none"`; by default the workspace's.
        yes: start it in the cloud although it costs money.
        invocation: the line that was typed.
        session: another than this process's.

    Raises:
        NotFoundError: there is no such study.
        UsageError: it goes on, or arguments do not fit.
    """
    found = find_study(session_of(session), study)
    check_has_ended(found)
    spec = found.study_spec
    check = ArgumentCheck()
    more = check.read(read_trials, trials, None, found)
    if parallel is not None:
        check.read(read_whole_number, parallel, "parallel", 1)
    check.read(read_budget, budget)
    if max_failed is not None:
        check.read(read_whole_number, max_failed, "max_failed", 0)
    check.finish("resume")
    resumed = dataclasses.replace(
        spec,
        trials=more or 1,
        parallel=spec.parallel if parallel is None else parallel,
        max_failed=spec.max_failed if max_failed is None else max_failed,
        resumes=found.id,
        promotion=_promotion(found.spec, spec.promotion) if promote else None,
    )
    again = dataclasses.replace(found.spec, study=resumed, rerun_of=None, python=sys.executable, invocation=invocation)
    job_id = run_again(found.backend, found.id, again, budget=budget, yes=yes)
    return StudyJob(id=job_id, backend=found.backend, workspace=found.workspace)


def _promotion(study: JobSpec, known: Promotion | None) -> Promotion:
    return known or Promotion(model=study.model or study.display_name, set_default=study.set_default)


def _succeeded(study: Study, number: int) -> Trial:
    trial = find_trial(study, number)
    if trial.state is not TrialState.SUCCEEDED:
        why = f": {trial.reason}" if trial.reason else ""
        raise UsageError(f"trial {number} of {study.id} is {trial.state}{why}; one that succeeded can be promoted.")
    return trial
