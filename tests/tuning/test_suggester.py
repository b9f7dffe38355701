"""What all suggesters keep to, and what grid and random search do."""

import random
import subprocess
import sys
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.search_spaces import BATCH, COUNTABLE, EVERYTHING, LR, MOMENTUM, OPTIMIZER, spaces, study_of

from mlmagic.errors import MissingDependencyError, UsageError
from mlmagic.spec.study import Algorithm, Parameter
from mlmagic.tuning.space import Space
from mlmagic.tuning.suggester import Suggester, Values, make_suggester

ALL = [Algorithm.BAYESIAN, Algorithm.GRID, Algorithm.RANDOM]
FREE = [Algorithm.BAYESIAN, Algorithm.RANDOM]


def _value(values: Values) -> float | None:
    """A value that points have; some are infeasible."""
    numbers = random.Random(repr(sorted(values.items())))  # noqa: S311 - nothing secret
    return None if numbers.random() < 0.2 else numbers.random()


def _search(suggester: Suggester, trials: int) -> dict[int, Values]:
    found: dict[int, Values] = {}
    for number in range(1, trials + 1):
        if (values := suggester.suggest(number)) is not None:
            found[number] = values
            suggester.finished(number, values, _value(values))
    return found


@pytest.mark.parametrize("algorithm", FREE)
@given(spaces(), st.integers(0, 2**40))
@settings(max_examples=15, deadline=None)
def test_suggestions_are_points_of_the_space(
    algorithm: Algorithm, parameters: tuple[Parameter, ...], seed: int
) -> None:
    space = Space(parameters)
    found = _search(make_suggester(study_of(*parameters, algorithm=algorithm, seed=seed)), 9)
    assert all(space.places(values) is not None for values in found.values())
    keys = {space.key(values) for values in found.values()}
    assert len(keys) == min(9, space.count or 9)


@pytest.mark.parametrize("algorithm", FREE)
@given(st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None)
def test_the_order_in_which_trials_are_told_leaves_no_trace(algorithm: Algorithm, numbers: random.Random) -> None:
    first, second = (make_suggester(study_of(*EVERYTHING, algorithm=algorithm)) for _ in range(2))
    found = list(_search(first, 12).items())
    first.started(13, {"lr": 0.01, "units": 32.0, "optimizer": "adam", "batch": 32.0})
    numbers.shuffle(found)
    second.started(13, {"lr": 0.01, "units": 32.0, "optimizer": "adam", "batch": 32.0})
    for number, values in found:
        second.finished(number, values, _value(values))
        second.started(number, values)
    assert first.suggest(14) == second.suggest(14)


@pytest.mark.parametrize("algorithm", ALL)
def test_another_process_suggests_the_same_to_the_last_bit(algorithm: Algorithm) -> None:
    program = (
        "import test_suggester as t; from support.search_spaces import COUNTABLE, EVERYTHING, study_of\n"
        f"algorithm = t.Algorithm('{algorithm}')\n"
        "print(t._search(t.make_suggester(study_of(*t.space_of(algorithm), algorithm=algorithm, seed=7)), 15))"
    )
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path[:0] = {[*sys.path, __file__.rpartition('/')[0]]}\n{program}",
    ]
    there = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    assert there == repr(_search(make_suggester(study_of(*space_of(algorithm), algorithm=algorithm, seed=7)), 15))


def space_of(algorithm: Algorithm) -> tuple[Parameter, ...]:
    return COUNTABLE if algorithm is Algorithm.GRID else EVERYTHING


def test_seed_and_number_change_what_is_suggested() -> None:
    suggesters = [make_suggester(study_of(LR, algorithm=Algorithm.RANDOM, seed=seed)) for seed in (0, 1)]
    assert suggesters[0].suggest(1) != suggesters[1].suggest(1)
    assert suggesters[0].suggest(1) != suggesters[0].suggest(2)


def test_a_grid_goes_through_all_points_and_ends() -> None:
    suggester = make_suggester(study_of(*COUNTABLE, algorithm=Algorithm.GRID))
    found = _search(suggester, 20)
    assert list(found) == list(range(1, 13))
    assert list(found.values()) == list(Space(COUNTABLE).points())


def test_a_grid_leaves_out_what_runs_and_what_failed() -> None:
    suggester = make_suggester(study_of(BATCH, algorithm=Algorithm.GRID))
    suggester.started(1, {"batch": 32.0})
    suggester.finished(2, {"batch": 64.0}, None)
    assert suggester.suggest(3) == {"batch": 128.0}


def test_a_grid_of_dense_numbers_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        make_suggester(study_of(LR, BATCH, OPTIMIZER, MOMENTUM, algorithm=Algorithm.GRID))
    assert str(caught.value) == (
        "A grid search cannot go through all numbers of a range.\n"
        "  - lr is DOUBLE; a list like lr=0.01;0.1 can be gone through\n"
        "  - momentum is DOUBLE; a list like momentum=0.01;0.1 can be gone through"
    )


def test_bayesian_search_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlmagic.tuning.libraries.find_spec", lambda name: name if name == "numpy" else None)
    with pytest.raises(MissingDependencyError) as caught:
        make_suggester(study_of(LR))
    assert str(caught.value) == (
        "Bayesian search needs what is not installed: scipy, threadpoolctl.\n"
        'Install it with `pip install "mlmagic[tune]"`, or search with `--algorithm random`.'
    )
    assert make_suggester(study_of(LR, algorithm=Algorithm.RANDOM)).suggest(1)


@pytest.mark.parametrize("algorithm", FREE)
def test_all_points_come_before_any_comes_again(algorithm: Algorithm) -> None:
    found = _search(make_suggester(study_of(*COUNTABLE, algorithm=algorithm)), 14)
    space = Space(COUNTABLE)
    assert len({space.key(found[number]) for number in range(1, 13)}) == 12
    assert set(found) == set(range(1, 15))


def test_random_points_are_spread_over_the_scale() -> None:
    suggester = make_suggester(study_of(*EVERYTHING, algorithm=Algorithm.RANDOM))
    found: list[Mapping[str, float | str]] = [suggester.suggest(number) or {} for number in range(1, 301)]
    assert 80 < sum(float(values["lr"]) < 1e-3 for values in found) < 120
    assert all(("momentum" in values) == (values["optimizer"] != "adam") for values in found)
