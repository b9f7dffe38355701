"""Whether a version is better than another by as much as is asked for, before it becomes the default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.errors import NotBetterError, UsageError, nearest
from mlmagic.evaluation.directions import is_lower_better
from mlmagic.panels.numbers import column
from mlmagic.spec.model import ModelVersion

if TYPE_CHECKING:
    from mlmagic.api.evaluation import Evaluation
    from mlmagic.session import Session

_MINIMUM = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(%?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """By how much a version is better than the one that it is to take the place of."""

    candidate: str
    current: str
    metric: str
    value: float
    before: float
    low: float
    high: float
    """The 95 % interval of the improvement, which is above 0 where the candidate is better."""
    evaluation: Evaluation

    @property
    def amount(self) -> float:
        """How much better the candidate is; below 0 it is worse."""
        return self.before - self.value if is_lower_better(self.metric) else self.value - self.before

    @property
    def may_be_chance(self) -> bool:
        """On other rows of the same kind it might as well be no better."""
        return self.low <= 0

    def __str__(self) -> str:
        evaluation = self.evaluation
        where = f"{evaluation.split} of {evaluation.data}" if evaluation.split else evaluation.data
        value, before, amount, low, high = column([self.value, self.before, abs(self.amount), self.low, self.high])
        part = f" ({abs(self.amount / self.before):.1%})" if self.before else ""
        word = "worse" if self.amount < 0 else "better"
        return (
            f"{self.metric} of {self.candidate} is {value}, of {self.current} {before}: {word} by {amount}{part} on "
            f"the {evaluation.rows:,} rows of {where}; its improvement is between {low} and {high} "
            "(95 %)."
        )


def check_improvement(
    session: Session,
    candidate: ModelVersion,
    current: ModelVersion,
    *,
    minimum: str | float,
    metric: str | None = None,
    data: Any = None,
    split: str | None = None,
) -> Improvement:
    """Return how much better `candidate` is than `current`, if that is enough.

    Args:
        session: whose models these are.
        candidate: the version that is to become the default.
        current: the version that is.
        minimum: how much better it must be: a part of the current version's metric such as `1%`, or a number in the
            metric's own unit. With 0 it must not be worse.
        metric: such as `rmse`; by default the first that `evaluate` tells.
        data: see `mlmagic.evaluate`.
        split: see `mlmagic.evaluate`.

    Raises:
        NotBetterError: it is not; tells both numbers, the interval and what can be done.
        UsageError: the arguments do not fit, or the metric is not one of these versions.
    """
    from mlmagic.api.evaluation import evaluate

    least, is_part = read_minimum(minimum)
    evaluation = evaluate(str(current), str(candidate), data=data, split=split, session=session)
    found = _improvement(evaluation, metric)
    unanswered = evaluation.versions[1].without_answer
    needed = least * abs(found.before) if is_part else least
    if unanswered or found.amount < needed:
        problems = [f"{candidate} has no answer for {unanswered:,} rows: it returned NaN."] if unanswered else []
        where = f"--data {evaluation.data} --split {evaluation.split}" if evaluation.split else "$df"
        raise NotBetterError(
            f"{candidate} is not better than {current} by {minimum}. {found}",
            problems=problems,
            hint=f"Look closer: %models evaluate {current} {candidate} {where}. "
            f"Set it all the same: %models set-default {candidate}",
        )
    return found


def read_minimum(minimum: str | float) -> tuple[float, bool]:
    """Return the least improvement, and whether it is a part of the metric."""
    if isinstance(minimum, int | float) and not isinstance(minimum, bool) and 0 <= minimum < float("inf"):
        return float(minimum), False
    match = _MINIMUM.fullmatch(minimum.strip()) if isinstance(minimum, str) else None
    if match is None:
        raise UsageError(
            f"min-improvement {minimum!r} is a part such as 1%, or a number in the metric's own unit such as 0.05; "
            "neither is below 0."
        )
    return (float(match[1]) / 100, True) if match[2] else (float(match[1]), False)


def _improvement(evaluation: Evaluation, name: str | None) -> Improvement:
    current, candidate = evaluation.versions
    comparable = {each.name: each for each in candidate.differences if is_lower_better(each.name) is not None}
    name = name or next(iter(comparable), None)
    if name not in comparable:
        near = nearest(str(name), comparable)
        told = f"there is no metric {name!r}. {near}".rstrip() if name else "they have no metric in common."
        raise UsageError(
            f"{candidate.version} cannot be compared with {current.version}: {told}",
            hint=f"Metrics: {', '.join(comparable)}." if comparable else None,
        )
    difference = comparable[name]
    values = {each.version: each.metric(name) for each in (current, candidate)}
    before, value = ((found.value if found else None) or 0.0 for found in values.values())
    sides = (-difference.high, -difference.low) if is_lower_better(name) else (difference.low, difference.high)
    return Improvement(
        candidate=candidate.version,
        current=current.version,
        metric=name,
        value=value,
        before=before,
        low=sides[0],
        high=sides[1],
        evaluation=evaluation,
    )
