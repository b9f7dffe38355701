"""The arguments of a tuning call: the line, a file, and the study that is resumed, read into one StudySpec."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import ArgumentCheck, read_args, read_whole_number
from mlmagic.api.study import StudyJob, check_has_ended, trials_left
from mlmagic.api.tuning_words import read_algorithm, read_early_stopping, read_goal, read_metric, read_selection
from mlmagic.errors import UsageError
from mlmagic.spec.study import (
    Algorithm,
    EarlyStopping,
    Goal,
    MeasurementSelection,
    Parameter,
    Promotion,
    StudySpec,
)

if TYPE_CHECKING:
    from mlmagic.api.study_config import StudyConfig

DEFAULT_TRIALS = 10
"""Where nobody says it."""
MOST_TRIALS = 10_000
_INHERITED = ("metric", "goal", "algorithm", "early_stopping", "selection", "parallel", "max_failed", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyArguments:
    """What a tuning call says of its search, as a user gives it; None where it says nothing."""

    metric: str | None = None
    goal: str | Goal | None = None
    space: str | Mapping[str, Any] | Sequence[Parameter] | None = None
    trials: int | None = None
    parallel: int | None = None
    algorithm: str | Algorithm | None = None
    early_stopping: str | EarlyStopping | None = None
    selection: str | MeasurementSelection | None = None
    max_failed: int | None = None
    seed: int | None = None
    promote: bool = False
    promote_args: Sequence[str | float] = ()
    model: str = ""
    """The one that gets the version of a promotion."""
    set_default: bool = False


def read_study_spec(
    given: StudyArguments,
    file: StudyConfig | None = None,
    resumed: StudyJob | None = None,
    warm: Sequence[StudyJob] = (),
) -> StudySpec:
    """Return what is searched; without parameters where neither the call, nor the file, nor a resumed study names any.

    What the call says wins over the file, and the file over the study that is resumed.

    Raises:
        UsageError: arguments that do not fit; all are listed.
    """
    from mlmagic.api.search_space import read_space

    earlier = None if resumed is None else resumed.study_spec
    told = _filled(_filled(given, file, (*_INHERITED, "trials")), earlier, _INHERITED)
    check = ArgumentCheck()
    parameters = next((source.parameters for source in (file, earlier) if source and source.parameters), None)
    if given.space is not None:
        parameters = check.read(read_space, given.space)
    spec = StudySpec(
        metric=check.read(read_metric, told.metric) or "",
        goal=check.read(read_goal, told.goal, told.metric) or Goal.MINIMIZE,
        parameters=parameters or (),
        algorithm=check.read(read_algorithm, told.algorithm) or Algorithm.BAYESIAN,
        early_stopping=check.read(read_early_stopping, told.early_stopping),
        selection=check.read(read_selection, told.selection) or MeasurementSelection.LAST,
        trials=check.read(read_trials, told.trials, file, resumed) or 1,
        parallel=check.read(_read_count, told.parallel, "parallel", 1) or 1,
        max_failed=check.read(_read_count, told.max_failed, "max_failed", 0) or 0,
        seed=check.read(_read_count, told.seed, "seed", 0) or 0,
        resumes=None if resumed is None else resumed.id,
        warm_start=tuple(study.id for study in warm),
        promotion=check.read(_read_promotion, told),
    )
    for study in warm if resumed is None else (*warm, resumed):
        check.read(_check_same_metric, study, spec)
    if resumed is not None:
        check.read(check_has_ended, resumed)
        check.read(_check_part, parameters or (), resumed)
    if warm and spec.algorithm is not Algorithm.BAYESIAN:
        check.read(_refuse_warm_start, spec.algorithm)
    check.finish("tune")
    return spec


def _filled(given: StudyArguments, source: object, names: Sequence[str]) -> StudyArguments:
    """Return the arguments with what they do not say as `source` has it, which may be None."""
    found: dict[str, Any] = {name: getattr(source, name, None) for name in names if getattr(given, name) is None}
    return dataclasses.replace(given, **found)


def _read_count(number: object, what: str, default: int) -> int:
    """Return a whole number that cannot be less than the default."""
    return default if number is None else read_whole_number(number, what, default)


def read_trials(trials: object, file: StudyConfig | None, resumed: StudyJob | None) -> int:
    """Return how many trials there are to be: as many as are given, or as a resumed study has not made, or a default.

    Raises:
        UsageError: it is no number of trials, or too many; or the resumed study has made all.
    """
    if trials is None and resumed is not None:
        return trials_left(resumed)
    if trials is None:
        # A file for ML Engine or Vertex AI that does not say it means one there.
        return 1 if file is not None and file.parameters else DEFAULT_TRIALS
    number = read_whole_number(trials, "trials", 1)
    if number > MOST_TRIALS:
        raise UsageError(f"trials {number:,} are too many: a study has {MOST_TRIALS:,} at most.")
    return number


def _read_promotion(given: StudyArguments) -> Promotion | None:
    words = read_args(given.promote_args, "promote_args")
    if given.promote:
        return Promotion(args=words, model=given.model, set_default=given.set_default)
    surplus = [name for name, value in (("promote_args", words), ("set_default", given.set_default)) if value]
    if surplus:
        are = "is" if len(surplus) == 1 else "are"
        raise UsageError(
            f"{' and '.join(surplus)} {are} for the training job that follows a study, and there is none without "
            "promote: give that too, promote=True or --promote."
        )
    return None


def _refuse_warm_start(algorithm: Algorithm) -> None:
    raise UsageError(
        f"warm_start is for the Bayesian search, which learns from results, as {algorithm} does not: leave out "
        "warm_start or the algorithm."
    )


def _check_part(parameters: Sequence[Parameter], resumed: StudyJob) -> None:
    if any(parameter not in resumed.study_spec.parameters for parameter in parameters):
        raise another_space(resumed)


def another_space(resumed: StudyJob) -> UsageError:
    """Return the error of a study that is to be resumed with another space than its own."""
    return UsageError(
        f"resume goes on with the space of {resumed.id}, and another one is given: "
        "leave it out, or start a study of its own with warm_start."
    )


def _check_same_metric(study: StudyJob, spec: StudySpec) -> None:
    earlier = study.study_spec
    if spec.metric and (earlier.metric, earlier.goal) != (spec.metric, spec.goal):
        raise UsageError(
            f"{study.id} has another aim, to {earlier.goal.lower()} {earlier.metric}: its results would mislead a "
            f"search that is to {spec.goal.lower()} {spec.metric}."
        )
