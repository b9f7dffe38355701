"""Jobs once more, with changes."""

from __future__ import annotations

import dataclasses
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.dataset_folders import write_dataset

from mlmagic.api.job import Job
from mlmagic.api.jobs import job
from mlmagic.api.training import train
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.spec.dataset import DatasetOrigin
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import submit, wait_for

NOW = datetime(2026, 1, 31, tzinfo=UTC)
SOURCE = """
def train(epochs: int = 5, rate: float = 0.1, hidden: list[int] = [64], shuffle: bool = True):
    print("trained", epochs, rate, hidden, shuffle)
"""


@pytest.fixture
def ended(session: Session) -> Job:
    """A job of a package that somebody else wrote."""
    record = submit(session.backend(), "print('hello')", name="taxi", args=("--epochs", "5", "--cache"), priority=3)
    wait_for(session.backend(), record.id)
    return job(record.id, session=session)


def test_a_job_runs_once_more_as_it_was(ended: Job) -> None:
    again = ended.rerun(wait=True)
    assert (again.state, again.logs()) == (JobState.SUCCEEDED, "hello\n")
    kept = ("display_name", "package", "args", "priority", "model", "labels", "resources", "origin")
    assert [getattr(again.spec, name) for name in kept] == [getattr(ended.spec, name) for name in kept]
    assert (again.spec.rerun_of, again.spec.python) == (ended.id, sys.executable)
    assert again.backend.package(again.id).digest == ended.spec.package.digest


def test_flags_are_changed_one_by_one(ended: Job) -> None:
    again = ended.rerun(["--epochs", 10, "--no-cache"], invocation="%jobs rerun taxi -- --epochs 10 --no-cache")
    assert again.spec.args == ("--epochs", "10", "--no-cache")
    assert again.spec.flags == {"epochs": "10", "cache": "false"}
    assert again.spec.invocation == "%jobs rerun taxi -- --epochs 10 --no-cache"
    assert again.rerun(wait=True).spec.args == again.spec.args


def test_settings_are_changed(ended: Job) -> None:
    changed = ended.rerun(priority=-1, max_retries=2, timeout="15m", labels={"owner": "ada"}, cores=2, fresh=True).spec
    assert (changed.priority, changed.max_retries, changed.timeout_seconds, changed.fresh) == (-1, 2, 900, True)
    assert (changed.labels, changed.resources.cores) == ({"owner": "ada"}, 2)
    again = ended.rerun(replicas="worker=2", memory="1GB").spec
    assert (again.resources.replicas, again.resources.memory_bytes) == ({"chief": 1, "worker": 2}, 1 << 30)


def test_whether_starts_are_warm_is_as_it_is_set_now(ended: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting, is_warm in (("off", False), ("on", True)):
        monkeypatch.setenv("MLMAGIC_WARM_STARTS", setting)
        ended = ended.rerun()
        assert (ended.spec.warm_starts, ended.spec.fresh) == (is_warm, False)


def test_what_does_not_fit_is_told_together(ended: Job) -> None:
    with pytest.raises(UsageError) as caught:
        ended.rerun("--epochs 10", max_retries=-1, timeout="soon", scale_tier="HUGE")
    problems = "\n".join(caught.value.problems)
    assert "args must be a list of words" in problems
    assert "max_retries -1 must be 0 or more." in problems
    assert "timeout 'soon' is no duration" in problems
    assert "there is no scale tier 'HUGE'" in problems


@pytest.mark.parametrize("state", [JobState.LOST, JobState.FAILED, JobState.CANCELLED])
def test_any_state_will_do(ended: Job, state: JobState) -> None:
    jobs = ended.backend._jobs  # type: ignore[attr-defined]
    jobs[ended.id].record = dataclasses.replace(jobs[ended.id].record, state=state)
    assert ended.rerun(wait=True).state is JobState.SUCCEEDED


def test_unknown_jobs_cannot_be_run_again(session: Session, ended: Job) -> None:
    ended.delete()
    with pytest.raises(NotFoundError, match="there is no job"):
        ended.rerun()


@pytest.fixture
def local(tmp_path: Path, folder: Path) -> Session:
    return Session(environ={"MLMAGIC_HOME": str(tmp_path / ".mlmagic"), "MLMAGIC_WARM_STARTS": "off"}, start=folder)


def test_a_cells_job_runs_again_with_what_its_program_takes(local: Session) -> None:
    first = train("taxi", source=SOURCE, args=["--epochs=2", "--hidden", "8", "4"], session=local).wait()
    again = first.rerun(["--epochs", "3", "--no-shuffle"], wait=True)
    assert "trained 3 0.1 [8, 4] False\n" in again.logs()
    assert again.spec.args == ("--epochs", "3", "--hidden", "8", "4", "--no-shuffle")
    assert again.spec.flags == {"epochs": "3", "rate": "0.1", "hidden": "8 4", "shuffle": "false"}
    assert again.spec.package == first.spec.package
    with pytest.raises(UsageError) as caught:
        again.rerun(["--epoch", "3"])
    assert str(caught.value).startswith(
        "the program does not take --epoch 3. Did you mean --epochs?\nIts flags, after --"
    )
    with pytest.raises(UsageError, match="the program cannot take this value for --epochs: invalid int value: 'many'"):
        again.rerun(["--epochs", "many"])


@pytest.fixture
def trained(session: Session, tmp_path: Path) -> Job:
    """A job that trained on a dataset."""
    session.datasets.register("taxi", write_dataset(tmp_path / "made"), origin=DatasetOrigin(), now=NOW)
    record = submit(session.backend(), "print('hello')", name="taxi", args=("--data", "/w/1"), dataset="taxi@1")
    wait_for(session.backend(), record.id)
    return job(record.id, session=session)


def test_a_rerun_trains_on_the_same_version(trained: Job, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlmagic.session.current_session", lambda: session)
    again = trained.rerun(["--epochs", 3], wait=True)
    assert (again.spec.dataset, again.spec.args) == ("taxi@1", ("--data", "/w/1", "--epochs", "3"))
    with pytest.raises(UsageError) as caught:
        trained.rerun(["--data=/w/2"])
    assert str(caught.value) == (
        "--data cannot be changed: the package has the statistics of taxi@1 in it, and trains on that. "
        "For another version, run the cell again with --data."
    )


def test_a_version_that_was_deleted_is_told_before_it_starts(
    trained: Job, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlmagic.session.current_session", lambda: session)
    session.datasets.delete(session.datasets.resolve("taxi@1"))
    with pytest.raises(NotFoundError, match="there is no dataset 'taxi'"):
        trained.rerun()
