"""When a trial is not worth going on with: Vertex AI's median and decay curve rules."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from mlmagic.spec.study import EarlyStopping, Goal, Measurement, StoppingRule
from mlmagic.tuning.decay import expected_end

# Fewer trials that ended are no crowd to be compared with.
_MIN_OTHERS = 5

# A first measurement alone may be as bad as any first one.
_MIN_MEASUREMENTS = 2

# A curve needs some more to be carried on.
_MIN_CURVE = 4

# Below this chance of becoming the best a trial is not gone on with.
_CHANCE = 0.05

# Beyond this, values are equally bad: the sums and squares of larger ones may be infinite.
_MOST = 1e100

_Curve = list[tuple[float, float]]
"""Steps or seconds, and values of which less is better."""


def should_stop(
    rule: EarlyStopping, goal: Goal, measurements: Sequence[Measurement], others: Sequence[Sequence[Measurement]]
) -> str | None:
    """Say why a trial should be stopped, in a line; None if it should go on.

    Args:
        rule: the study's.
        goal: the study's.
        measurements: what the trial has reported so far.
        others: what each trial that has ended reported.
    """
    curve = _curve(rule, goal, measurements)
    crowd = [one for one in (_curve(rule, goal, other) for other in others) if one]
    if len(curve) < _MIN_MEASUREMENTS or curve[-1][0] <= 0 or len(crowd) < _MIN_OTHERS:
        return None
    sign = _sign(goal)
    after = f"{curve[-1][0]:.4g} s" if rule.use_elapsed_duration else f"step {curve[-1][0]:.10g}"
    if rule.rule is StoppingRule.MEDIAN:
        return _below_median(curve, crowd, sign, after)
    return _hardly_best(curve, crowd, sign, after)


def _below_median(curve: _Curve, crowd: Sequence[_Curve], sign: float, after: str) -> str | None:
    last = curve[-1][0]
    reached = [[value for place, value in other if place <= last] for other in crowd]
    averages = [statistics.fmean(values) for values in reached if values]
    if len(averages) < _MIN_OTHERS:
        return None
    best, median = min(value for _, value in curve), statistics.median(averages)
    if best <= median:
        return None
    return (
        f"its best after {after}, {sign * best:.4g}, is worse than {sign * median:.4g}, "
        f"the median of the averages of {len(averages)} trials up to there"
    )


def _hardly_best(curve: _Curve, crowd: Sequence[_Curve], sign: float, after: str) -> str | None:
    """Carry the curve on; how far such guesses are off is told by the trials whose end is known."""
    last = curve[-1][0]
    longer = [
        other for other in crowd if other[-1][0] > last and sum(place <= last for place, _ in other) >= _MIN_CURVE
    ]
    if len(curve) < _MIN_CURVE or len(longer) < _MIN_OTHERS:
        return None
    end = statistics.median(other[-1][0] for other in longer)
    errors = []
    for other in longer:
        seen = [point for point in other if point[0] <= last]
        errors.append(min(value for _, value in other) - expected_end(seen, other[-1][0]))
    expected = expected_end(curve, end) + statistics.fmean(errors)
    best = min(value for other in crowd for _, value in other)
    # Few errors tell little of how large they may be: none is taken to be smaller than the spread of some others.
    deviation = statistics.stdev(errors) * math.sqrt(1 + 1 / len(errors)) + 1e-12
    chance = statistics.NormalDist(expected, deviation).cdf(best)
    if chance >= _CHANCE:
        return None
    return (
        f"after {after} it is expected to reach {sign * expected:.4g}, "
        f"with a chance of {100 * chance:.1f} % to beat {sign * best:.4g}"
    )


def _sign(goal: Goal) -> float:
    return -1.0 if goal is Goal.MAXIMIZE else 1.0


def _curve(rule: EarlyStopping, goal: Goal, measurements: Sequence[Measurement]) -> _Curve:
    return sorted(
        (
            one.elapsed_seconds if rule.use_elapsed_duration else float(one.step),
            min(_MOST, max(-_MOST, _sign(goal) * one.value)),
        )
        for one in measurements
        if math.isfinite(one.value)
    )
