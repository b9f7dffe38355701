"""Tutorial 1, run from top to bottom as a reader runs it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from support.tutorials import Run, last_column, run_tutorial

# What the reader sees rounded, and the tests want exactly.
ASKED = "import json; print(json.dumps({'errors': errors, 'predictions': predictions['delay'].tolist()}))"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("tutorial")
    return run_tutorial("01-from-a-cell-to-a-prediction.ipynb", folder, last_cell=ASKED)


def asked(run: Run) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run.text("asked"))
    return answer


def test_only_the_cells_that_should_fail_do(run: Run) -> None:
    assert run.failed == {"live", "fail"}


def test_the_plot_is_a_picture(run: Run) -> None:
    assert any("image/png" in output.get("data", {}) for output in run.cells["plot"].outputs)


def test_the_dry_run_shows_what_the_cell_needs_and_nothing_else(run: Run) -> None:
    shown = run.text("dry-run")
    assert all(part in shown for part in ("trainer/model.py", "def split(", "def read_flights(", "--quantile"))
    assert "matplotlib" not in shown
    assert "typical-delay" not in run.text("jobs"), "nothing was started"


def test_a_live_object_is_refused_with_its_name_and_type(run: Run) -> None:
    assert run.error("live") == "LiveObjectError"
    assert "flights" in run.text("live")
    assert "DataFrame" in run.text("live")


def test_the_job_is_followed_to_its_end(run: Run) -> None:
    assert "SUCCEEDED" in run.text("wait")
    assert "Epoch 2/2" in run.text("logs")
    assert "sched_minutes" in run.text("describe")


def test_predictions_are_finite_and_beat_every_guess(run: Run) -> None:
    *guesses, first, second = asked(run)["errors"].values()
    assert all(map(math.isfinite, asked(run)["predictions"]))
    assert max(first, second) < min(guesses)


def test_flights_that_never_took_place_and_gaps_get_answers_too(run: Run) -> None:
    on_time, late = last_column(run.text("json"))
    assert on_time + 30 < late
    assert len(last_column(run.text("gaps"))) == 3
    assert all(map(math.isfinite, last_column(run.text("gaps"))))


def test_two_versions_are_kept_and_the_second_was_made_the_default(run: Run) -> None:
    models = run.session.models
    assert [version.number for version in models.versions("flights")] == [1, 2]
    assert models.get("flights").aliases["default"] == 2


def test_every_job_left_its_record(run: Run) -> None:
    jobs = run.session.backend().list()
    assert [(job.display_name, job.state.value) for job in jobs] == [
        ("typical-delay", "FAILED"),
        ("flights", "SUCCEEDED"),
        ("flights", "SUCCEEDED"),
    ]


def test_the_failure_points_at_the_cell_and_line(run: Run) -> None:
    number = run.cells["fail"].execution_count
    assert run.error("fail") == "JobFailed"
    assert f"Cell [{number}], line 4" in run.text("fail")
    assert "KeyError: 'arrival_delay'" in run.text("fail")
