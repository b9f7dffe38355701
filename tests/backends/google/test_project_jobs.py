"""Jobs of the same project that another workspace has made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlmagic.api.jobs import jobs
from mlmagic.api.training import train
from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.emulator.launch import Emulator
from mlmagic.session import Session
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import run


@pytest.fixture
def session(emulator: Emulator, tmp_path: Path) -> Iterator[Session]:
    """Of another folder than the backend's."""
    (tmp_path / "mine" / ".mlmagic").mkdir(parents=True)
    (tmp_path / "mine" / ".mlmagic" / "emulator").symlink_to(emulator.root)
    made = Session(environ={**os.environ, "MLMAGIC_BACKEND": "emulator"}, start=tmp_path / "mine")
    yield made
    made.close()


def test_jobs_of_others_are_listed_below_ones_own(backend: GoogleBackend, emulator: Emulator, session: Session) -> None:
    theirs = run(backend, "print(1)\n")
    mine = train("mine", source="print(2)", session=session).wait(timeout=300)
    listed = jobs(limit=None, others=True, session=session)
    (project,) = listed.others
    assert ([row.id for row in listed], project.problems) == ([mine.id], ())
    (job,) = [each for each in project.jobs if each.labels["mlmagic-job"] in {theirs.id, mine.id}]
    assert (job.state, job.service, job.labels["mlmagic-job"]) == (JobState.SUCCEEDED, "custom job", theirs.id)
    assert f"Not of this workspace, in project {emulator.project}, {emulator.region} (emulator):" in str(listed)
    assert (job.number in str(listed), "They are listed only" in str(listed)) == (True, True)
    assert jobs("state=FAILED", others=True, session=session).others[0].jobs == ()
    assert jobs(session=session).others == ()


def test_a_list_that_is_refused_is_told_and_the_others_are_there(
    backend: GoogleBackend, session: Session, fault: object
) -> None:
    run(backend, "print(1)\n")
    fault("ListHyperparameterTuningJobs", status=403, message="No such role.", times=99)  # type: ignore[operator]
    (project,) = jobs(others=True, session=session).others
    assert project.jobs
    assert [problem for problem in project.problems if "No such role." in problem] == list(project.problems) != []
