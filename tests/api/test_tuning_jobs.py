"""A study from a function to a promoted job, with processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlmagic.api.jobs import job, jobs
from mlmagic.api.tuning import tune
from mlmagic.session import Session
from mlmagic.spec.job import UNFINISHED, JobState
from mlmagic.spec.study import TrialState

SOURCE = """
def train(units: int = 8, epochs: int = 2):
    if units == 64:
        raise ValueError("too many")
    return {"val_loss": (units - 20) ** 2 / epochs}
"""


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Session]:
    """A session whose jobs are processes."""
    session = Session(environ={}, start=tmp_path)
    yield session
    backend = session.backend()
    for summary in backend.list(states=UNFINISHED):
        backend.cancel(summary.id)
    session.close()


def test_a_grid_is_searched_and_its_best_point_promoted(local: Session) -> None:
    study = tune(
        "flights",
        source=SOURCE,
        metric="val_loss",
        space="units=8;16;32;64",
        algorithm="grid",
        parallel=2,
        args=["--epochs=4"],
        promote=True,
        promote_args=["--epochs=1"],
        session=local,
    )
    assert study.wait().metrics["val_loss"] == 4
    assert [trial.state for trial in study.trials] == [TrialState.SUCCEEDED] * 3 + [TrialState.INFEASIBLE]
    assert "ValueError: too many" in study.trials[3].reason
    assert study.best_trial.parameters == {"units": "16"}
    assert [row.trial for row in jobs(f"parent={study.id}", sort_by="trial", session=local)] == [1, 2, 3, 4]
    promoted = job("flights", session=local).wait()
    assert (promoted.spec.from_study, promoted.spec.flags) == (study.id, {"units": "16", "epochs": "1"})
    assert promoted.metrics["val_loss"] == 16


def test_a_study_goes_on_with_more_trials(local: Session) -> None:
    first = tune(
        "flights", source=SOURCE, metric="val_loss", space="units=8..32", trials=2, algorithm="random", session=local
    )
    first.wait()
    more = first.resume(1)
    assert more.wait().state is JobState.SUCCEEDED
    assert [(trial.number, trial.job) for trial in more.trials] == [
        (1, f"{first.id}-1"),
        (2, f"{first.id}-2"),
        (3, f"{more.id}-3"),
    ]
    assert job("flights/1", session=local).id == f"{first.id}-1"
