"""What a study knows when it begins of what earlier ones found.

It is read once, and kept in its folder: the others may change, or be deleted, before it is started again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlmagic.errors import MlmagicError
from mlmagic.spec import codec
from mlmagic.spec.noun import Noun
from mlmagic.spec.study import Study, StudySpec
from mlmagic.tuning.suggester import Values
from mlmagic.workspace.files import explained, write_atomic
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.studies import read_study


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTrial(Noun):
    """What a trial of an earlier study has reached."""

    parameters: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTrials(Noun):
    """`earlier.json`."""

    trials: tuple[EarlierTrial, ...] = ()
    remarks: tuple[str, ...] = ()
    """Of studies that could not be learned from."""


def take_up_earlier(folder: JobFolder, spec: StudySpec) -> EarlierTrials:
    """Return what earlier studies found, as it was when this one began.

    Raises:
        WorkspaceError: it cannot be kept.
    """
    if not spec.warm_start:
        return EarlierTrials()
    with explained(f"read {folder.earlier_trials}"):
        try:
            return codec.loads(EarlierTrials, folder.earlier_trials.read_bytes())
        except FileNotFoundError:
            found = _gather(folder, spec)
            write_atomic(folder.earlier_trials, codec.dumps(found))
    return found


def known_values(spec: StudySpec, earlier: EarlierTrials) -> Sequence[tuple[Values, float]]:
    """Return earlier trials as a suggester takes them."""
    return [(values_of(spec, trial.parameters), trial.value) for trial in earlier.trials]


def values_of(spec: StudySpec, parameters: Mapping[str, str]) -> Values:
    """Return the values that texts stand for; those of parameters that the study does not have, as they are."""
    known = {parameter.name: parameter for parameter in spec.parameters}
    values: dict[str, float | str] = {}
    for name, text in parameters.items():
        try:
            values[name] = known[name].value(text) if name in known else text
        except ValueError:
            # What was a category is a number now: this lies outside of the space.
            values[name] = text
    return values


def _gather(folder: JobFolder, spec: StudySpec) -> EarlierTrials:
    trials: list[EarlierTrial] = []
    remarks: list[str] = []
    for study_id in spec.warm_start:
        try:
            study = read_study(folder.workspace, study_id)
        except MlmagicError as error:
            remarks.append(f"nothing is learned from {study_id}: {error.message}")
            continue
        if (study.spec.metric, study.spec.goal) != (spec.metric, spec.goal):
            sought = f"{study.spec.goal} {study.spec.metric}"
            remarks.append(f"nothing is learned from {study_id}: it was to {sought}, not {spec.goal} {spec.metric}")
            continue
        trials += _results(study)
    return EarlierTrials(trials=tuple(trials), remarks=tuple(remarks))


def _results(study: Study) -> list[EarlierTrial]:
    return [
        EarlierTrial(parameters=trial.parameters, value=trial.final.value)
        for trial in study.trials
        if trial.final is not None
    ]
