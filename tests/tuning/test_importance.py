"""Which parameters mattered."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from support.search_spaces import BATCH, LR, MOMENTUM, OPTIMIZER, UNITS, study_of

from mlmagic.spec.study import Algorithm, Goal, Measurement, Study, Trial, TrialState
from mlmagic.tuning.importance import importance
from mlmagic.tuning.suggester import Values, make_suggester

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def _study(function: Callable[[Values], float], trials: int, goal: Goal = Goal.MINIMIZE) -> Study:
    spec = study_of(LR, UNITS, OPTIMIZER, BATCH, MOMENTUM, algorithm=Algorithm.RANDOM, goal=goal)
    suggester, made = make_suggester(spec), []
    for number in range(1, trials + 1):
        values = suggester.suggest(number) or {}
        texts = {name: spec.parameter(name).text(value) for name, value in values.items()}
        final = Measurement(step=1, value=function(values))
        made.append(
            Trial(number=number, parameters=texts, state=TrialState.SUCCEEDED, job="s-1", suggest_time=NOW, final=final)
        )
    return Study(id="s", spec=spec, trials=tuple(made))


def _by_lr(values: Values) -> float:
    return (math.log10(float(values["lr"])) + 2.5) ** 2


def test_the_only_one_that_matters_has_all_of_it() -> None:
    shares = importance(_study(_by_lr, 30))
    assert list(shares) == ["lr", "units", "optimizer", "batch", "momentum"]
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["lr"] > 0.95


def test_shares_are_those_of_the_variance() -> None:
    # Variances 1/9 of the optimizer, 1/24 of the units and none of the rest.
    shares = importance(
        _study(lambda values: (values["optimizer"] == "sgd") / 2**0.5 + float(values["units"]) / 240 / 2**0.5, 60)
    )
    assert shares["optimizer"] == pytest.approx(0.73, abs=0.08)
    assert shares["units"] == pytest.approx(0.27, abs=0.08)


def test_a_parameter_that_applies_sometimes() -> None:
    shares = importance(_study(lambda values: float(values.get("momentum", 0.5)), 40, Goal.MAXIMIZE))
    assert shares["momentum"] > 0.6


def test_divergent_trials_are_not_all_that_counts() -> None:
    shares = importance(
        _study(lambda values: 1e9 if values["batch"] == 128.0 and float(values["units"]) > 230 else _by_lr(values), 40)
    )
    assert shares["lr"] > 0.5


@pytest.mark.parametrize("divergent", [1e13, 1e25, 1e38])
@pytest.mark.parametrize("goal", Goal)
def test_one_divergent_trial_hides_nothing(divergent: float, goal: Goal) -> None:
    sign = 1 if goal is Goal.MINIMIZE else -1
    study = _study(lambda values: sign * _by_lr(values), 24, goal)

    def shares(value: float) -> Mapping[str, float]:
        worst = dataclasses.replace(study.trials[7], final=Measurement(step=1, value=sign * value))
        return importance(dataclasses.replace(study, trials=(*study.trials[:7], worst, *study.trials[8:])))

    assert shares(divergent)["lr"] > 0.5
    assert shares(divergent) == pytest.approx(shares(1e4))


def test_nothing_can_be_said_of_few_trials_nor_of_equal_ones() -> None:
    assert importance(_study(_by_lr, 7)) == {}
    assert importance(_study(lambda _: 0.25, 20)) == {}


def test_many_trials_are_thinned_out_and_the_answer_stays() -> None:
    study = _study(_by_lr, 150)
    assert importance(study)["lr"] > 0.95
    assert importance(study) == importance(study)
