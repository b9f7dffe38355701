"""What is told about a study: its trials with their jobs and curves, what mattered, how long it will still take."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.noun import Noun
from mlmagic.spec.report import JobDescription, Progress
from mlmagic.spec.study import Measurement, Promoted, Study, StudySpec, Trial

IMPORTANCE_TRIALS = 8
"""Of fewer trials with a result it cannot be told which parameters mattered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRun(Noun):
    """How the job of a trial is."""

    number: int
    """Of the trial."""
    state: JobState | None = None
    """None where the job is not made yet, or was deleted."""
    elapsed_seconds: float | None = None
    """Since its program began, or that it took; None before."""
    progress: Progress | None = None
    """While it runs."""
    curve: tuple[Measurement, ...] = ()
    """What it reported of the metric, in its order; of many a part, with the first and the last."""

    @property
    def last(self) -> Measurement | None:
        """What it reported last."""
        return self.curve[-1] if self.curve else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport(Noun):
    """All that is known about one study."""

    study: Study
    job: JobDescription
    """Of the tuning job itself."""
    reference: str
    """What the study can be called in a command: its name while it is the newest study of that name, else its id."""
    runs: tuple[TrialRun, ...] = ()
    """Of the trials, by number."""
    importance: Mapping[str, float] = field(default_factory=dict)
    """How much of the differences between trials each parameter explains, which sums to 1; empty while too few are."""
    eta_seconds: float | None = None
    """How long it will still take, where that can be told."""
    promoted: Promoted | None = None
    """Of a study that has ended: the newest job that trains with its parameters, or why there is none that was to."""

    @property
    def spec(self) -> StudySpec:
        """What it searches."""
        return self.study.spec

    @property
    def record(self) -> JobRecord:
        """The record of the tuning job."""
        return self.job.record

    def run(self, trial: Trial) -> TrialRun:
        """Return how the job of a trial is; of one that is not known, nothing but the number."""
        at = bisect_left(self.runs, trial.number, key=_number)
        is_known = at < len(self.runs) and self.runs[at].number == trial.number
        return self.runs[at] if is_known else TrialRun(number=trial.number)

    def trial_reference(self, trial: Trial) -> str:
        """Return what the job of a trial can be called in a command: `flights/7`."""
        return f"{self.reference}/{trial.number}"


def _number(run: TrialRun) -> int:
    return run.number
