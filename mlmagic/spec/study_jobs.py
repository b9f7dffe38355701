"""The jobs that a study submits: its trials, and the training job that follows it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from mlmagic.spec.job import JobKind, JobRecord, JobSpec
from mlmagic.spec.study import Promotion, Trial


def trial_spec(study: JobRecord, trial: Trial) -> JobSpec:
    """Return what a trial asks for: the study's package and circumstances, and its own parameters behind the arguments.

    A version of the model is made by none.
    """
    return dataclasses.replace(
        study.spec,
        kind=JobKind.TRAINING,
        study=None,
        parent=study.id,
        trial=trial.number,
        model=None,
        set_default=False,
        args=(*study.spec.args, *trial_flags(trial.parameters)),
        flags={**study.spec.flags, **_flags(trial.parameters)},
        invocation=None,
        rerun_of=None,
        placement=None,
    )


def promotion_spec(study: JobRecord, trial: Trial, promotion: Promotion) -> JobSpec:
    """Return the training job that repeats a trial in full. Of arguments that come twice, programs take the last."""
    return dataclasses.replace(
        study.spec,
        kind=JobKind.TRAINING,
        study=None,
        from_study=study.id,
        model=promotion.model,
        set_default=promotion.set_default,
        args=(*study.spec.args, *trial_flags(trial.parameters), *trial_flags(all_rows(study.spec)), *promotion.args),
        flags={
            **study.spec.flags,
            **_flags(trial.parameters),
            **all_rows(study.spec),
            **_flags(_given(promotion.args)),
        },
        timeout_seconds=None,
        rerun_of=None,
        environment=None,
        placement=None,
    )


def trial_flags(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the words that a trial with these parameters gets, as Vertex AI writes them."""
    return tuple(f"--{name}={text}" for name, text in parameters.items())


def all_rows(study: JobSpec) -> dict[str, str]:
    """Return the flag that lets a dataset's trainer see all rows, if the trials saw a sample of them."""
    sees_sample = study.dataset is not None and any(word.partition("=")[0] == "--sample" for word in study.args)
    is_tuned = study.study is not None and any(one.name == "sample" for one in study.study.parameters)
    return {"sample": "1"} if sees_sample and not is_tuned else {}


def _given(args: Sequence[str]) -> dict[str, str]:
    """Return what flags are set to by `--epochs=20` or `--epochs 20`; one that stands alone tells no value."""
    values = {}
    for word, following in itertools.zip_longest(args, args[1:], fillvalue="--"):
        name, equals, text = word.removeprefix("--").partition("=")
        if word.startswith("--") and (equals or not following.startswith("--")):
            values[name] = text if equals else following
    return values


def _flags(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): text for name, text in parameters.items()}
