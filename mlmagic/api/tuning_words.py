"""The words of a tuning call: what is asked for, read into the vocabulary of Vertex AI's StudySpec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from mlmagic.errors import UsageError, nearest
from mlmagic.panels.numbers import lower_is_better
from mlmagic.spec.study import Algorithm, EarlyStopping, Goal, MeasurementSelection, StoppingRule

E = TypeVar("E", bound=StrEnum)

GOALS: Mapping[str, Goal] = MappingProxyType({goal.value.lower(): goal for goal in Goal})
ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {"bayesian": Algorithm.BAYESIAN, "grid": Algorithm.GRID, "random": Algorithm.RANDOM}
)
RULES: Mapping[str, StoppingRule] = MappingProxyType(
    {"median": StoppingRule.MEDIAN, "decay-curve": StoppingRule.DECAY_CURVE}
)
SELECTIONS: Mapping[str, MeasurementSelection] = MappingProxyType(
    {"last": MeasurementSelection.LAST, "best": MeasurementSelection.BEST}
)


def guess_goal(metric: str) -> Goal | None:
    """Return which way a metric of that name is better; None where the name does not say it for sure."""
    is_lower = lower_is_better(metric)
    return None if is_lower is None else Goal.MINIMIZE if is_lower else Goal.MAXIMIZE


def read_goal(goal: object, metric: object) -> Goal:
    """Return the goal that is given, or the one that the metric's name tells.

    Raises:
        UsageError: there is no such goal, or it is neither given nor sure.
    """
    if goal is not None:
        return read_word(goal, GOALS, "goal")
    if not isinstance(metric, str) or not metric:
        return Goal.MINIMIZE  # what is wrong with the metric is told where it is read
    guessed = guess_goal(metric)
    if guessed is None:
        raise UsageError(
            f"is {metric} better when it is high, or when it is low? Its name does not tell: "
            "give goal, maximize or minimize."
        )
    return guessed


def read_metric(metric: object) -> str:
    """Check a metric's name, which is a tag of what the program reports."""
    if metric is None:
        raise UsageError("metric is missing: name what the trials report, such as val_loss.")
    if not isinstance(metric, str) or not metric:
        raise UsageError(f"metric must be a name, such as 'val_loss', not {type(metric).__name__} {metric!r:.60}.")
    if re.search(r"\s|[\x00-\x1f]", metric):
        raise UsageError(f"metric {metric!r} has blanks in it; Vertex AI takes none.")
    return metric


def read_algorithm(algorithm: object) -> Algorithm:
    """Return the algorithm of a word: ours or Vertex AI's; of None the default."""
    return Algorithm.BAYESIAN if algorithm is None else read_word(algorithm, ALGORITHMS, "algorithm")


def read_selection(selection: object) -> MeasurementSelection:
    """Return the selection of a word: ours or Vertex AI's; of None the default."""
    return MeasurementSelection.LAST if selection is None else read_word(selection, SELECTIONS, "selection")


def read_early_stopping(rule: object) -> EarlyStopping | None:
    """Return the rule of a word; None of None, and of `none`, which says no to what a file says."""
    if rule is None or isinstance(rule, EarlyStopping):
        return rule
    if isinstance(rule, str) and rule.lower() == "none":
        return None
    return EarlyStopping(rule=read_word(rule, RULES, "early_stopping", more=("none",)))


def read_word(word: object, known: Mapping[str, E], what: str, *, more: tuple[str, ...] = ()) -> E:
    """Return what a word stands for; Vertex AI's own words, in any case, are taken too.

    Raises:
        UsageError: it stands for nothing.
    """
    if isinstance(word, str):
        text = word.strip().lower().replace("_", "-")
        for name, member in known.items():
            if text in {name, member.value.lower().replace("_", "-")}:
                return member
    names = [*known, *more]
    told = nearest(str(word), names, limit=1) or f"It is one of {', '.join(names)}."
    raise UsageError(f"{what} cannot be {word!r:.60}. {told}")
