"""The tutorial on many jobs, run from top to bottom as a reader runs it, with warm starts."""

from __future__ import annotations

import pytest
from support.tutorials import Run, run_tutorial

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_tutorial("07-many-jobs.ipynb", tmp_path_factory.mktemp("tutorial"), warm=True)


def test_no_cell_fails(run: Run) -> None:
    assert run.failed == set()


def test_jobs_queue_and_all_of_them_end(run: Run) -> None:
    assert "QUEUED" in run.text("queue")
    assert run.text("watch").count("SUCCEEDED") >= 11


def test_the_comparison_has_flags_and_metrics_and_marks_the_best(run: Run) -> None:
    shown = run.text("side-by-side")
    assert all(word in shown for word in ("learning_rate", "units", "val_loss", "\N{BLACK STAR}"))


def test_the_difference_is_in_the_flags_alone(run: Run) -> None:
    assert "The code and the settings are the same." in run.text("difference")


def test_the_killed_job_went_on_from_its_checkpoint(run: Run) -> None:
    epochs = [line for line in run.text("patient-log").splitlines() if line.startswith("Epoch")]
    assert "attempt 2 of 3 (attempt 1: ended by SIGKILL)" in run.text("patient-log")
    assert epochs.count("Epoch 1/12") == 1
    assert epochs[-1] == "Epoch 12/12"


def test_two_processes_train_together(run: Run) -> None:
    shown = run.text("together-log")
    assert all(line in shown for line in ("chief-0 | Epoch 2/2", "worker-0 | Epoch 2/2"))


def test_only_what_was_to_be_kept_is_left(run: Run) -> None:
    names = [job.display_name for job in run.session.backend().list()]
    assert (names.count("delays"), names.count("patient")) == (3, 2)
