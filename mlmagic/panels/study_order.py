"""Which trials a study's page shows, and in which order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlmagic.errors import UsageError, nearest
from mlmagic.filters.predicate import Scalar
from mlmagic.filters.sort import SortKey, parse_keys, ranked
from mlmagic.panels.study_words import trial_state_text, trial_value
from mlmagic.spec.study import Goal, StudySpec, Trial
from mlmagic.spec.study_report import StudyReport, TrialRun

SHOWN = 20
"""So many trials are shown unless more are asked for."""

_NUMBER, _STATE, _SECONDS = _OWN = ("number", "state", "seconds")
_METRICS, _FLAGS = "metrics.", "flags."


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOrder:
    """What a page shows of a study's trials."""

    sort_by: Sequence[SortKey] = ()
    """None: those that go on, then the best first, then those that failed."""
    limit: int | None = SHOWN
    """How many at most; None for all."""

    def of(self, report: StudyReport) -> list[Trial]:
        """Return the trials that are shown, in their order."""
        found = sorted_trials(report, self.sort_by) if self.sort_by else ordered(report)
        return found[: self.limit]


def parse_trial_sort(text: str, spec: StudySpec) -> tuple[SortKey, ...]:
    """Read how trials are sorted: by `number`, `state`, `seconds`, the metric, parameters; `~` for the highest first.

    `metrics.NAME` and `flags.NAME`, as of jobs, mean the metric and a parameter whatever they are called.

    Raises:
        UsageError: it names keys that there are not; all are listed.
    """
    names = [parameter.name for parameter in spec.parameters]
    # Of two that are called the same, the one further down is meant.
    short = {name: f"{_FLAGS}{name}" for name in names}
    short |= {spec.metric: f"{_METRICS}{spec.metric}", **{name: name for name in _OWN}}
    long = {key: key for key in (f"{_METRICS}{spec.metric}", *(f"{_FLAGS}{name}" for name in names))}

    def spelled(name: str) -> str:
        if (key := long.get(name) or short.get(name)) is not None:
            return key
        told = nearest(name, [*short]) or f"Keys: {', '.join([*_OWN, spec.metric, *names])}."
        raise UsageError(f"there is no key {name!r}.", hint=told)

    return parse_keys(text, "trials", spelled)


def ordered(report: StudyReport) -> list[Trial]:
    """Return those that go on, then the best first, then those that failed; equals by number."""
    sign = -1.0 if report.spec.goal is Goal.MAXIMIZE else 1.0

    def place(trial: Trial) -> tuple[int, float, int]:
        if not trial.state.is_final:
            return 0, 0.0, trial.number
        value = math.nan if trial.final is None else trial.final.value
        return (2, 0.0, trial.number) if math.isnan(value) else (1, sign * value, trial.number)

    return sorted(report.study.trials, key=place)


def sorted_trials(report: StudyReport, keys: Sequence[SortKey]) -> list[Trial]:
    """Return the trials by these keys, equals by number; what has no value comes last in both directions."""

    def place(trial: Trial) -> tuple[Any, ...]:
        run = report.run(trial)
        return tuple(part for key in keys for part in ranked(_values(key.key, trial, run), key.is_descending))

    return sorted(report.study.trials, key=place)


def _values(key: str, trial: Trial, run: TrialRun) -> list[Scalar]:
    if key == _NUMBER:
        return [trial.number]
    if key == _STATE:
        return [trial_state_text(trial, run)]
    if key == _SECONDS:
        return [] if run.elapsed_seconds is None else [run.elapsed_seconds]
    if key.startswith(_METRICS):
        value = trial_value(trial, run)
        return [] if value is None or math.isnan(value) else [value]
    name = key.removeprefix(_FLAGS)
    return [trial.parameters[name]] if name in trial.parameters else []
