"""Tutorial 6, run from top to bottom as a reader runs it."""

from __future__ import annotations

import re

import pytest
from support.tutorials import Run, run_tutorial

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_tutorial("06-watch-what-comes-in.ipynb", tmp_path_factory.mktemp("tutorial"), warm=True)


def test_no_cell_fails(run: Run) -> None:
    assert run.failed == set()


def test_a_month_like_training_is_no_alert(run: Run) -> None:
    shown = run.text("steady")
    assert "delay@1: 3,000 rows against what delay@1 was trained on (flights@1)" in shown
    assert "✗" not in shown


def test_another_season_is_an_alert_that_is_named(run: Run) -> None:
    assert re.search(r"✗ temp: mean shifted by \+4\d", run.text("alert"))
    assert re.search(r"✗ temp: mean shifted by \+4\d", run.text("drift"))
    assert "✓  carrier" in run.text("alert")


def test_what_came_true_is_joined_as_far_as_it_is_known(run: Run) -> None:
    found = re.compile(r"delay@1 +([\d,]+) +rmse +([\d.]+)")
    (early, low), (late, high) = (found.search(run.text(cell)).groups() for cell in ("early", "truth"))
    assert (early, late) == ("3,000", "2,500")
    assert float(low) < float(high)
    assert "delay@1: the truth is known of 2,500 of 3,000 rows." in run.text("truth")


def test_the_worst_answer_is_explained(run: Run) -> None:
    shown = run.text("explain")
    assert "Why delay@1 predicts so" in shown
    assert all(feature in shown for feature in ("dep_delay", "temp", "carrier"))


def test_the_second_version_is_better_and_takes_over_by_steps(run: Run) -> None:
    assert re.search(r"rmse +✓ -", run.text("evaluate"))
    assert re.search(r"none failed; first delay@[12], last delay@2", run.text("wait"))
    assert "Roll-out of delay@2: came through all steps." in run.text("described")


def test_nothing_is_left_deployed(run: Run) -> None:
    assert run.session.endpoints.list() == []
