from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from support.studies import study_spec, trial

from mlmagic.spec import codec
from mlmagic.spec.board import BoardSource, BoardSpec
from mlmagic.spec.job import JobKind, JobSpec, PackageReference
from mlmagic.spec.study import Goal, Measurement, Study, TrialState
from mlmagic.tensorboards.runs import best_trials, link_runs, runs_of
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import open_trials

STUDY = "flights-20260131-123015-0a1b"


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / ".mlmagic")


def board(workspace, *sources):
    return BoardSpec(sources=sources, workspace=str(workspace.root))


def write_study(workspace, **values):
    """Write a study, and trials with these results; None for one that still runs."""
    folder = workspace.job(STUDY)
    folder.root.mkdir(parents=True)
    package = PackageReference(digest="0")
    spec = JobSpec(display_name="flights", kind=JobKind.TUNING, package=package, study=study_spec())
    folder.spec.write_text(codec.dumps(spec))
    with open_trials(folder) as log:
        for name, value in values.items():
            number = int(name.removeprefix("t"))
            final = None if value is None else Measurement(step=1, value=value)
            state = TrialState.ACTIVE if value is None else TrialState.SUCCEEDED
            log.write(trial(number, STUDY, final=final, state=state))
            workspace.job(f"{STUDY}-{number}").root.mkdir()


def test_a_study_means_its_trials_and_best_those_with_the_best_results(workspace):
    write_study(workspace, t1=0.5, t2=0.25, t3=None, t10=0.125)
    source = BoardSource(name="flights", job=STUDY, is_study=True)
    runs = runs_of(board(workspace, source))
    assert list(runs) == ["flights/1", "flights/2", "flights/3", "flights/10"]
    assert runs["flights/10"] == workspace.job(f"{STUDY}-10").tensorboard_dir
    assert list(runs_of(board(workspace, dataclasses.replace(source, best=2)))) == ["flights/10", "flights/2"]


def test_what_was_deleted_has_no_runs(workspace):
    write_study(workspace, t1=0.5, t2=0.25)
    sources = (BoardSource(name="flights", job=STUDY, is_study=True), BoardSource(name="taxi", job=f"{STUDY}-2"))
    shutil.rmtree(workspace.job(f"{STUDY}-1").root)
    assert list(runs_of(board(workspace, *sources))) == ["flights/2", "taxi"]
    shutil.rmtree(workspace.jobs)
    assert runs_of(board(workspace, *sources)) == {}


def test_a_folder_need_not_be_there_yet(workspace, tmp_path):
    source = BoardSource(name="logs", folder=str(tmp_path / "logs"))
    assert runs_of(board(workspace, source)) == {"logs": tmp_path / "logs"}


def test_the_best_of_equals_is_the_earlier_and_nan_is_none_of_them():
    values = {1: 0.5, 2: float("nan"), 3: 0.75, 4: 0.75}
    trials = tuple(trial(number, final=Measurement(step=1, value=value)) for number, value in values.items())
    study = Study(id=STUDY, spec=study_spec(goal=Goal.MAXIMIZE), trials=trials)
    assert [one.number for one in best_trials(study, 9)] == [3, 4, 1]


def test_links_are_made_moved_and_removed_and_what_is_behind_them_stays(tmp_path):
    logs = tmp_path / "logs"
    (logs / "deep").mkdir(parents=True)
    (logs / "link").symlink_to("elsewhere")
    root = tmp_path / "runs"
    link_runs(root, {"flights/1": logs, "flights/2": logs, "taxi": logs})
    link_runs(root, {"flights/2": logs / "deep", "taxi": logs})
    links = {str(path.relative_to(root)): path.readlink() for path in [root / "flights/2", root / "taxi"]}
    assert links == {"flights/2": logs / "deep", "taxi": logs}
    assert not (root / "flights/1").is_symlink()
    assert (logs / "link").readlink() == Path("elsewhere")
