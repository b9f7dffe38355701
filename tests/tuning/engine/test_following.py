"""What follows a study: another that goes on with it or learns from it, and the training job of its best trial."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from support.disks import small_disk
from support.studies import PROGRAM, REPORTS, misfits, study_spec, submit_study

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.filters.parser import parse
from mlmagic.spec import codec
from mlmagic.spec.job import JobKind, JobRecord, JobState
from mlmagic.spec.study import Algorithm, EarlyStopping, Goal, Promoted, Promotion, StoppingRule, Study, TrialState
from mlmagic.testing.backends import read_log, wait_for
from mlmagic.tuning.taking_up import EarlierTrials, known_values
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import open_trials, read_promoted, read_study

RunStudy = Callable[..., tuple[JobRecord, Study]]


def test_a_study_that_goes_on_with_another(backend: LocalBackend, workspace: Workspace, run_study: RunStudy) -> None:
    _, old = run_study(study=study_spec(trials=3))
    record, study = run_study(study=study_spec(trials=2, resumes=old.id))
    assert study.trials[:3] == old.trials
    assert [trial.job for trial in study.trials[3:]] == [f"{study.id}-4", f"{study.id}-5"]
    assert study.trials[3].seen == "1-3"
    assert misfits(workspace, study.id) == {}
    assert record.metrics["trials"] == 5
    assert "goes on: 3 trials have ended" in read_log(backend, record.id)
    assert backend.resolve("flights/2") == backend.resolve(f"{study.id}-2") == f"{old.id}-2"


def test_it_is_the_same_as_if_there_had_been_more_trials(run_study: RunStudy) -> None:
    _, whole = run_study(study=study_spec(trials=5))
    _, half = run_study(study=study_spec(trials=3))
    _, resumed = run_study(study=study_spec(trials=2, resumes=half.id))
    assert [trial.parameters for trial in resumed.trials] == [trial.parameters for trial in whole.trials]


def test_early_stopping_knows_the_curves_of_the_study_before(run_study: RunStudy) -> None:
    _, old = run_study(PROGRAM + "report(5, 4, 3, 2, 1)\n", study=study_spec(trials=5, algorithm=Algorithm.RANDOM))
    rule = EarlyStopping(rule=StoppingRule.MEDIAN)
    spec = study_spec(trials=1, early_stopping=rule, resumes=old.id, algorithm=Algorithm.RANDOM)
    _, study = run_study(PROGRAM + "report(9, 9, 9)\ntime.sleep(600)\n", study=spec)
    assert study.trials[-1].is_stopped_early


def test_what_was_cut_off_is_tried_anew(backend: LocalBackend, workspace: Workspace, run_study: RunStudy) -> None:
    source = PROGRAM + "report(value) if trial != 2 else time.sleep(600)\n"
    old = submit_study(backend, source, study=study_spec(trials=3)).id
    wait_for(backend, old, JobState.RUNNING)
    wait_for_trial(backend, f"{old}-2")
    backend.cancel(old)
    wait_for(backend, old)
    assert read_study(workspace, old).trials[1].state is TrialState.INFEASIBLE
    _, study = run_study(study=study_spec(trials=1, resumes=old))
    assert [(trial.number, trial.job) for trial in study.trials] == [(1, f"{old}-1"), (2, f"{study.id}-2")]
    assert study.trials[1].parameters == read_study(workspace, old).trials[1].parameters


def wait_for_trial(backend: LocalBackend, job_id: str) -> None:
    from support.agents import until

    until(lambda: any(row.id == job_id for row in backend.list(trials=True, states={JobState.RUNNING})))


def test_a_study_that_learns_from_others(backend: LocalBackend, workspace: Workspace, run_study: RunStudy) -> None:
    _, old = run_study(study=study_spec(trials=3))
    _, other = run_study(study=study_spec(trials=1, goal=Goal.MAXIMIZE))
    warm = (old.id, other.id, "gone-20260131-123015-0a1b")
    record, study = run_study(study=study_spec(trials=2, warm_start=warm))
    kept = codec.loads(EarlierTrials, workspace.job(study.id).earlier_trials.read_bytes())
    assert [one.parameters for one in kept.trials] == [trial.parameters for trial in old.trials]
    assert misfits(workspace, study.id, known_values(study.spec, kept)) == {}
    assert (len(study.trials), record.metrics["trials"]) == (2, 2)
    log = read_log(backend, record.id)
    assert f"nothing is learned from {other.id}: it was to MAXIMIZE loss, not MINIMIZE loss" in log
    assert "nothing is learned from gone-20260131-123015-0a1b: " in log


def test_the_best_trial_is_promoted(backend: LocalBackend, workspace: Workspace, run_study: RunStudy) -> None:
    promotion = Promotion(args=("--epochs", "20", "--units=9"), model="delays", set_default=True)
    source = REPORTS.replace('os.environ["CLOUD_ML_TRIAL_ID"]', 'os.environ.get("CLOUD_ML_TRIAL_ID", 0)')
    record, study = run_study(source, study=study_spec(trials=2, promotion=promotion), args=("--epochs=1",))
    (row,) = backend.list(where=parse(f"fromStudy={study.id}"))
    made = wait_for(backend, row.id)
    best = study.best
    assert best is not None
    tuned = [f"--{name}={text}" for name, text in best.parameters.items()]
    assert made.spec.args == ("--epochs=1", *tuned, *promotion.args)
    assert made.spec.flags == {**best.parameters, "epochs": "20", "units": "9"}
    assert (made.spec.kind, made.spec.model, made.spec.set_default) == (JobKind.TRAINING, "delays", True)
    assert (made.state, made.spec.study, made.spec.parent) == (JobState.SUCCEEDED, None, None)
    told = f"{row.id} trains delays with the best parameters"
    assert told in read_log(backend, record.id)
    assert record.message is not None
    assert record.message.endswith(f" · {told}")
    assert read_promoted(workspace.job(study.id)) == Promoted(model="delays", job=row.id)


def test_a_promotion_that_cannot_be_is_no_failure_of_the_study(
    backend: LocalBackend, run_study: RunStudy, tmp_path: Path
) -> None:
    folder = tmp_path / "soon-gone"
    folder.mkdir()
    source = REPORTS + f"import shutil\nos.chdir('/')\nshutil.rmtree({str(folder)!r})\n"
    spec = study_spec(trials=1, promotion=Promotion(model="delays"))
    record, _ = run_study(source, study=spec, working_directory=str(folder))
    assert record.state is JobState.SUCCEEDED
    told = "the best trial could not be promoted: job 'flights' cannot run"
    assert told in read_log(backend, record.id)
    assert record.message is not None
    assert told in record.message
    assert backend.list(where=parse("fromStudy:*")) == []


def test_a_study_of_a_workspace_that_was_copied_goes_on_there(
    run_study: RunStudy, workspace: Workspace, tmp_path: Path
) -> None:
    _, old = run_study(study=study_spec(trials=2))
    copy = Workspace(tmp_path / "copy" / ".mlmagic")
    shutil.copytree(workspace.root, copy.root)
    there = LocalBackend(copy)
    assert read_study(copy, old.id) == old
    resumed = submit_study(there, study=study_spec(trials=1, resumes=old.id)).id
    assert wait_for(there, resumed).state is JobState.SUCCEEDED
    assert there.resolve("flights/1") == f"{old.id}-1"
    assert len(read_study(copy, resumed).trials) == 3


FILLS_THE_DISK = """
report(value)
if trial == 3:
    with open(PATH, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            time.sleep(1)
"""


def test_a_full_disk_ends_a_study_and_its_file_is_whole(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=8) as disk:
        workspace = open_workspace(Workspace(disk / ".mlmagic"))
        backend = LocalBackend(workspace)
        source = PROGRAM + FILLS_THE_DISK.replace("PATH", repr(str(disk / "full")))
        record = wait_for(backend, submit_study(backend, source, study=study_spec(trials=9)).id)
        assert record.state is JobState.FAILED
        assert record.error is not None
        assert "disk is full" in record.error.message
        known = read_study(workspace, record.id)
        assert [trial.number for trial in known.trials][:2] == [1, 2]
        (disk / "full").unlink()
        with open_trials(workspace.job(record.id)):
            assert read_study(workspace, record.id) == known
