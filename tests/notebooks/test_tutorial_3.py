"""Tutorial 3, run from top to bottom as a reader runs it."""

from __future__ import annotations

import re

import pytest
from support.tutorials import Run, run_tutorial

import mlmagic
from mlmagic.spec.study import TrialState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("tutorial")
    return run_tutorial("03-the-right-number-of-buckets.ipynb", folder, warm=True, cell_seconds=900)


def test_no_cell_fails(run: Run) -> None:
    assert run.failed == set()


def test_there_are_as_many_trials_as_were_asked_for(run: Run) -> None:
    resumed = mlmagic.study("delay", session=run.session).study
    assert [trial.number for trial in resumed.trials] == list(range(1, 29))
    assert sum(trial.job.startswith(resumed.id) for trial in resumed.trials) == 4
    assert {trial.state for trial in resumed.trials} == {TrialState.SUCCEEDED}


def test_the_best_is_a_good_deal_better_than_the_worst(run: Run) -> None:
    study = mlmagic.study("delay", session=run.session).study
    values = [trial.final.value for trial in study.trials if trial.final]
    assert min(values) < 0.95 * max(values)
    assert study.best is not None
    assert set(study.best.parameters) == {"hour_buckets", "units", "learning_rate", "activation"}


def test_the_charts_are_shown(run: Run) -> None:
    assert any("application/vnd.vegalite.v5+json" in output.get("data", {}) for output in run.cells["plot"].outputs)


def test_the_board_is_reachable_by_who_has_its_address(run: Run) -> None:
    assert re.search(r"http://127\.0\.0\.1:\d+/\S{20,}", run.text("board"))
    assert mlmagic.boards(session=run.session).boards == ()


def test_the_best_is_promoted_with_its_origin(run: Run) -> None:
    (version,) = run.session.models.versions("delay")
    assert version.origin.study is not None
    assert version.origin.study.startswith("delay-")
    assert "prediction" in run.text("predict")
