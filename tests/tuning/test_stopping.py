"""Which trials are stopped early."""

from collections.abc import Sequence

import pytest

from mlmagic.spec.study import EarlyStopping, Goal, Measurement, StoppingRule
from mlmagic.tuning.stopping import should_stop

MEDIAN = EarlyStopping(rule=StoppingRule.MEDIAN)
DECAY = EarlyStopping(rule=StoppingRule.DECAY_CURVE)


def _curve(*values: float, seconds: float = 1.0, first: int = 1) -> list[Measurement]:
    """Measurements at each step, `seconds` apart."""
    steps = enumerate(values, first)
    return [Measurement(step=step, value=value, elapsed_seconds=seconds * step) for step, value in steps]


def _falling(limit: float, steps: int, height: float = 1.0) -> list[Measurement]:
    return _curve(*(limit + height / step for step in range(1, steps + 1)))


FLAT = [_curve(*[level] * 4) for level in (0.1, 0.2, 0.3, 0.4, 0.5)]
FALLING = [_falling(level, 20) for level in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]


def test_worse_than_the_median_of_the_averages_is_stopped() -> None:
    reason = should_stop(MEDIAN, Goal.MINIMIZE, _curve(0.9, 0.35), FLAT)
    assert (
        reason == "its best after step 2, 0.35, is worse than 0.3, the median of the averages of 5 trials up to there"
    )
    assert should_stop(MEDIAN, Goal.MINIMIZE, _curve(0.3, 0.9), FLAT) is None


def test_more_is_better_if_the_goal_says_so() -> None:
    assert should_stop(MEDIAN, Goal.MAXIMIZE, _curve(0.1, 0.25), FLAT) == (
        "its best after step 2, 0.25, is worse than 0.3, the median of the averages of 5 trials up to there"
    )
    assert should_stop(MEDIAN, Goal.MAXIMIZE, _curve(0.1, 0.35), FLAT) is None


def test_others_count_up_to_the_same_step_only() -> None:
    others = [_curve(1.0, 1.0, 0.0, 0.0)] * 5
    assert should_stop(MEDIAN, Goal.MINIMIZE, _curve(0.9, 0.8), others) is None
    assert should_stop(MEDIAN, Goal.MINIMIZE, _curve(0.9, 0.8, 0.8, 0.8), others) is not None


def test_others_count_up_to_the_same_time_if_the_study_says_so() -> None:
    by_time = EarlyStopping(rule=StoppingRule.MEDIAN, use_elapsed_duration=True)
    slow = _curve(0.9, 0.8, seconds=10)
    others = [_curve(1.0, 1.0, *[0.0] * 18)] * 5
    assert should_stop(MEDIAN, Goal.MINIMIZE, slow, others) is None
    reason = should_stop(by_time, Goal.MINIMIZE, slow, others)
    assert reason == "its best after 20 s, 0.8, is worse than 0.1, the median of the averages of 5 trials up to there"


@pytest.mark.parametrize("rule", [MEDIAN, DECAY], ids=["median", "decay"])
@pytest.mark.parametrize(
    ("measurements", "others"),
    [
        ([], FALLING),
        (_curve(9.0), FALLING),
        (_curve(9.0, float("nan")), FALLING),
        (_curve(9.0, 9.0, 9.0, 9.0, 9.0), FALLING[:4]),
        (_curve(9.0, 9.0, 9.0, 9.0, 9.0), [*FALLING[:4], [], _curve(float("nan"))]),
        (_curve(9.0, 9.0, 9.0, 9.0, 9.0), [_curve(0.1, first=10)] * 6),
        ([Measurement(step=0, value=9.0)] * 5, FALLING),
    ],
    ids=["nothing", "one", "one number", "few others", "few that count", "others later", "no steps"],
)
def test_too_little_to_tell(
    rule: EarlyStopping, measurements: Sequence[Measurement], others: Sequence[Sequence[Measurement]]
) -> None:
    assert should_stop(rule, Goal.MINIMIZE, measurements, others) is None


@pytest.mark.parametrize("rule", [MEDIAN, DECAY], ids=["median", "decay"])
def test_numbers_without_measure_are_bad_and_no_error(rule: EarlyStopping) -> None:
    largest = _curve(*[1.7e308] * 6)
    assert should_stop(rule, Goal.MINIMIZE, largest, FALLING) is not None
    assert should_stop(rule, Goal.MINIMIZE, _falling(0.05, 6), [largest] * 9 + FALLING) is None
    assert should_stop(rule, Goal.MAXIMIZE, largest, [largest] * 9) is None


def test_a_curve_that_leads_nowhere_is_stopped() -> None:
    reason = should_stop(DECAY, Goal.MINIMIZE, _falling(0.9, 6), FALLING)
    assert reason == "after step 6 it is expected to reach 0.95, with a chance of 0.0 % to beat 0.15"
    negative = [
        [Measurement(step=one.step, value=-one.value) for one in curve] for curve in (_falling(0.9, 6), *FALLING)
    ]
    assert should_stop(DECAY, Goal.MAXIMIZE, negative[0], negative[1:]) == (
        "after step 6 it is expected to reach -0.95, with a chance of 0.0 % to beat -0.15"
    )


def test_a_bad_curve_that_leads_to_the_best_goes_on() -> None:
    steep = _falling(-0.1, 6, height=3.0)
    assert min(one.value for one in steep) > 0.35
    assert should_stop(DECAY, Goal.MINIMIZE, steep, FALLING) is None
    assert should_stop(MEDIAN, Goal.MINIMIZE, steep[:2], FALLING) is not None


def test_how_far_guesses_are_off_is_told_by_those_that_ended() -> None:
    surprising = [_curve(*[1.0] * 6, *[level] * 6) for level in (0.0, 0.3, 0.6, 0.9, 0.2, 0.4)]
    assert should_stop(DECAY, Goal.MINIMIZE, _curve(*[1.0] * 6), surprising) is None
    assert should_stop(DECAY, Goal.MINIMIZE, _curve(*[3.0] * 6), surprising) is not None
