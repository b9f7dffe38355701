"""Tutorial 5, run from top to bottom as a reader runs it."""

from __future__ import annotations

import ast

import pandas as pd
import pytest
from support.tutorials import Run, run_tutorial

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_tutorial("05-a-submission.ipynb", tmp_path_factory.mktemp("tutorial"), warm=True)


def test_no_cell_fails(run: Run) -> None:
    assert run.failed == set()


def test_the_submission_has_the_rows_of_the_test_in_their_order(run: Run) -> None:
    folder = run.workspace.parent
    asked, answered = pd.read_csv(folder / "test.csv"), pd.read_csv(folder / "submission.csv")
    assert list(answered.columns) == ["id", "air_time"]
    assert answered["id"].tolist() == asked["id"].tolist()


def test_each_submission_is_better_than_what_was_before(run: Run) -> None:
    scores = ast.literal_eval(run.text("rescore"))
    assert scores["mean by destination"] > scores["first submission"] > scores["second submission"]
