"""A study: what a tuning job searches (`StudySpec`), and what its trials have found so far (`Study`).

The words are those of Vertex AI's StudySpec and Trial, which ML Engine's hyperparameters map to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlmagic.spec.names import trial_job_id
from mlmagic.spec.noun import Noun


class Goal(StrEnum):
    """Which way the metric is better."""

    MAXIMIZE = "MAXIMIZE"
    MINIMIZE = "MINIMIZE"

    def is_better(self, value: float, than: float) -> bool:
        """Say whether a value is better than another."""
        return value > than if self is Goal.MAXIMIZE else value < than


class Algorithm(StrEnum):
    """How parameters are chosen."""

    BAYESIAN = "ALGORITHM_UNSPECIFIED"
    """What Vertex AI does if nothing is said."""
    GRID = "GRID_SEARCH"
    RANDOM = "RANDOM_SEARCH"


class Scale(StrEnum):
    """How a number's range is stretched before it is searched; the logarithmic ones need positive bounds."""

    LINEAR = "UNIT_LINEAR_SCALE"
    LOG = "UNIT_LOG_SCALE"
    REVERSE_LOG = "UNIT_REVERSE_LOG_SCALE"
    """Finer towards the upper bound."""


class ParameterKind(StrEnum):
    """What values a parameter has."""

    DOUBLE = "DOUBLE"
    INTEGER = "INTEGER"
    CATEGORICAL = "CATEGORICAL"
    DISCRETE = "DISCRETE"
    """Some numbers, in their order."""


class MeasurementSelection(StrEnum):
    """Which of a trial's measurements counts."""

    LAST = "LAST_MEASUREMENT"
    BEST = "BEST_MEASUREMENT"


class StoppingRule(StrEnum):
    """How trials that are not worth going on with are told."""

    MEDIAN = "MEDIAN"
    """The best so far is worse than the median of the others' averages up to the same step."""
    DECAY_CURVE = "DECAY_CURVE"
    """The curve, carried on, will hardly become the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Noun):
    """A parameter is there only where another one, its parent, has one of these values."""

    parameter: str
    values: tuple[str, ...]
    """As texts, in the form of `Parameter.text`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Noun):
    """What is tuned. `name` is the flag that a trial gets: `--name=value`."""

    name: str
    kind: ParameterKind
    minimum: float | None = None
    """Of DOUBLE and INTEGER, like `maximum`; both ends are allowed values."""
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    """Of CATEGORICAL."""
    numbers: tuple[float, ...] = ()
    """Of DISCRETE, strictly increasing."""
    scale: Scale | None = None
    """None means linear; a CATEGORICAL parameter has none."""
    condition: Condition | None = None

    def text(self, value: float | str) -> str:
        """Return a value as a trial's command line has it: `32`, `0.001`, `relu`."""
        if self.kind is ParameterKind.CATEGORICAL:
            return str(value)
        number = float(value)
        is_whole = self.kind is ParameterKind.INTEGER or (
            self.kind is ParameterKind.DISCRETE and all(one.is_integer() for one in self.numbers)
        )
        return str(round(number)) if is_whole else repr(number)

    def value(self, text: str) -> float | str:
        """Return the value that a text of `text` stands for: a float, or of CATEGORICAL the text itself."""
        return text if self.kind is ParameterKind.CATEGORICAL else float(text)

    def applies(self, others: Mapping[str, str]) -> bool:
        """Say whether the parameter is there, given the texts of those that are."""
        return self.condition is None or others.get(self.condition.parameter) in self.condition.values


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStopping(Noun):
    """Whether trials are stopped that are not worth going on with."""

    rule: StoppingRule
    use_elapsed_duration: bool = False
    """Compare by time, not by steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion(Noun):
    """The training job that follows a study: the best parameters once more, and a version of the model."""

    args: tuple[str, ...] = ()
    """In the place of the trials' own: more epochs, all data."""
    model: str
    set_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted(Noun):
    """What became of the training job that follows a study."""

    model: str
    job: str | None = None
    """Its id."""
    reason: str | None = None
    """Why there is none; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySpec(Noun):
    """What a tuning job searches. Never changes after submission."""

    metric: str
    goal: Goal
    parameters: tuple[Parameter, ...]
    """A parent stands before those that depend on it."""
    algorithm: Algorithm = Algorithm.BAYESIAN
    early_stopping: EarlyStopping | None = None
    selection: MeasurementSelection = MeasurementSelection.LAST
    trials: int = 1
    """How many it makes itself, failed ones too."""
    parallel: int = 1
    max_failed: int = 0
    """This many failed trials end the study; 0 lets mlmagic decide."""
    seed: int = 0
    resumes: str | None = None
    """The id of the study that this one goes on with: its trials are copied, their numbers go on."""
    warm_start: tuple[str, ...] = ()
    """Ids of earlier studies, whose trials are known to the search, and counted nowhere."""
    promotion: Promotion | None = None

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of that name; KeyError if there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)


class TrialState(StrEnum):
    """Vertex AI's."""

    REQUESTED = "REQUESTED"
    """Its parameters are chosen; its job is not made yet."""
    ACTIVE = "ACTIVE"
    STOPPING = "STOPPING"
    SUCCEEDED = "SUCCEEDED"
    INFEASIBLE = "INFEASIBLE"
    """It failed, or reported nothing that counts."""

    @property
    def is_final(self) -> bool:
        """Nothing changes any more."""
        return self in {TrialState.SUCCEEDED, TrialState.INFEASIBLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement(Noun):
    """What a trial reported of the metric."""

    step: int
    value: float
    elapsed_seconds: float = 0.0
    """Since the trial's program began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Noun):
    """A run with chosen parameters: a job with `parent` and `trial`."""

    number: int
    """From 1, as in CLOUD_ML_TRIAL_ID."""
    parameters: Mapping[str, str]
    """Those that apply, as the command line has them."""
    state: TrialState
    job: str
    """The id of its job, which is the study's id and the number: `taxi-20260102-030405-ab12-7`."""
    seen: str = ""
    """The trials whose results were known when its parameters were chosen, as ranges: `1-37,39`."""
    suggest_time: datetime
    end_time: datetime | None = None
    final: Measurement | None = None
    """The one that counts, of a trial that succeeded."""
    reason: str | None = None
    """Why it is INFEASIBLE, or was stopped early; one line."""
    is_stopped_early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Study(Noun):
    """A study as far as it has come."""

    id: str
    """Of the tuning job."""
    spec: StudySpec
    trials: tuple[Trial, ...] = ()
    """By number. Those of the study that it resumes come first, and are known by their jobs' ids."""

    def is_own(self, trial: Trial) -> bool:
        """Say whether it made the trial itself, not the study that it resumes."""
        return trial.job == trial_job_id(self.id, trial.number)

    @property
    def total(self) -> int:
        """How many trials there will be at most, with those of the study that it resumes."""
        return self.spec.trials + sum(not self.is_own(trial) for trial in self.trials)

    @property
    def best(self) -> Trial | None:
        """The trial with the best final measurement, the earlier one of equals; None while there is none."""
        measured = [trial for trial in self.trials if trial.final is not None and not math.isnan(trial.final.value)]
        sign = -1.0 if self.spec.goal is Goal.MAXIMIZE else 1.0
        return min(measured, key=lambda trial: sign * trial.final.value if trial.final else math.inf, default=None)

    @property
    def counts(self) -> Mapping[TrialState, int]:
        """How many trials are in each state; states without any are left out."""
        found = [trial.state for trial in self.trials]
        return {state: found.count(state) for state in TrialState if state in found}
