"""What is said of a study that has ended, and when too many failed trials end it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.queued import Jobs
from support.studies import study_spec, trial

from mlmagic.runtime.tuned import CUT_OFF, read_tuned, summary, told_parameters, too_many_failed
from mlmagic.spec import codec
from mlmagic.spec.job import JobKind, JobSpec, JobState, PackageReference
from mlmagic.spec.study import Algorithm, Measurement, Promoted, Study, Trial, TrialState
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.studies import open_trials, write_promoted

STUDY = "flights-20260131-123015-0a1b"


def good(number: int, value: float = 1.0) -> Trial:
    return trial(number, state=TrialState.SUCCEEDED, final=Measurement(step=1, value=value))


def bad(number: int, reason: str = "its loss is NaN at step 1") -> Trial:
    return trial(number, state=TrialState.INFEASIBLE, reason=reason)


def study(*trials: Trial, **fields: object) -> Study:
    return Study(id=STUDY, spec=study_spec(**{"trials": 24, **fields}), trials=trials)


@pytest.mark.parametrize(
    ("trials", "max_failed", "told"),
    [
        ([bad(1), good(2), bad(3)], 2, "2 of 3 trials failed, and --max-failed is 2"),
        ([bad(1), good(2), bad(3)], 3, None),
        ([bad(1), bad(2)], 0, None),
        ([bad(1), bad(2), bad(3)], 0, "its first 3 trials failed"),
        ([bad(1), bad(2), bad(3), bad(4)], 0, "its first 4 trials failed"),
        ([bad(1), bad(2), trial(3)], 0, None),
        ([bad(1), bad(2), bad(3), good(4)], 0, None),
        ([good(1), *map(bad, range(2, 6))], 0, None),
        ([good(1), *map(bad, range(2, 7))], 0, "5 of 6 trials failed"),
        ([*map(good, range(1, 7)), *map(bad, range(7, 13))], 0, None),
        ([bad(number, CUT_OFF) for number in range(1, 4)], 1, None),
        ([trial(1, study_id="old-20260131-123015-0a1b", state=TrialState.INFEASIBLE)], 1, None),
    ],
    ids=[
        *("as many as allowed", "fewer", "two", "the first three", "the first four", "a third one runs"),
        *("the fourth is good", "few", "more than half", "half", "cut off", "of another study"),
    ],
)
def test_too_many_failed(trials: Sequence[Trial], max_failed: int, told: str | None) -> None:
    assert too_many_failed(study(*trials, max_failed=max_failed)) == told


def test_a_summary_names_the_best() -> None:
    trials = [good(1, 0.5), good(2, 0.1234567), bad(3)]
    assert summary(study(*trials)) == "3 trials · best loss 0.123457 (trial 2: lr=0.01 units=8) · 1 failed"
    assert summary(study(trial(1))) == "1 trial"


def test_long_numbers_are_cut_short() -> None:
    one = trial(1, parameters={"units": "64", "lr": "0.00012345678912345"})
    assert told_parameters(study_spec(), one) == "lr=0.0001235 units=64"


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    workspace = open_workspace(Workspace(tmp_path / ".mlmagic"))
    assert Jobs(workspace).store.list() == []
    folder = workspace.job(STUDY)
    folder.root.mkdir(parents=True)
    return folder


def write(folder: JobFolder, *trials: Trial, **fields: object) -> None:
    """Write a study of which all trials were made, unless the fields say something else."""
    asked = study_spec(**{"trials": len(trials), **fields})
    reference = PackageReference(digest="d")
    spec = JobSpec(display_name="flights", kind=JobKind.TUNING, package=reference, study=asked)
    folder.spec.write_text(codec.dumps(spec))
    with open_trials(folder) as log:
        for one in trials:
            log.write(one)


def test_a_study_succeeded_if_one_trial_did(folder: JobFolder) -> None:
    write(folder, bad(1), good(2, 0.25), good(3, 0.5))
    ending = read_tuned(folder)
    assert ending.state is JobState.SUCCEEDED
    assert ending.metrics == {"loss": 0.25, "trials": 3, "trials_failed": 1, "best_trial": 2}
    assert ending.message == "3 trials · best loss 0.25 (trial 2: lr=0.01 units=8) · 1 failed"


@pytest.mark.parametrize(
    ("promoted", "told"),
    [
        (Promoted(model="delays", job="delays-1"), "delays-1 trains delays with the best parameters"),
        (Promoted(model="delays", reason="no room"), "the best trial could not be promoted: no room"),
    ],
)
def test_what_became_of_its_promotion_is_told(folder: JobFolder, promoted: Promoted, told: str) -> None:
    write(folder, good(1, 0.25))
    write_promoted(folder, promoted)
    assert read_tuned(folder).message == f"1 trial · best loss 0.25 (trial 1: lr=0.01 units=8) · {told}"


def test_a_study_failed_if_none_did(folder: JobFolder) -> None:
    write(folder, bad(1), bad(2, "it did not report loss"))
    error = read_tuned(folder).error
    assert error is not None
    assert error.message == "none of its trials succeeded"
    assert error.details == "  - trial 1: its loss is NaN at step 1\n  - trial 2: it did not report loss"
    assert error.hint == f"`%jobs logs {STUDY}-1` shows what the first of them printed."


def test_equal_reasons_are_told_once(folder: JobFolder) -> None:
    write(folder, *(bad(number) for number in range(1, 8)))
    ending = read_tuned(folder)
    assert ending.error is not None
    assert ending.error.message == "7 of 7 trials failed"
    assert ending.error.details == "  - trials 1, 2, 3, 4, 5 …: its loss is NaN at step 1"
    assert ending.metrics == {"trials": 7, "trials_failed": 7}


@pytest.mark.parametrize(
    ("trials", "made"),
    [
        ([good(1), bad(2)], 2),
        ([good(1), *(bad(number, CUT_OFF) for number in (2, 3, 4))], 1),
        ([good(1), trial(2), trial(3), trial(4)], 1),
        ([trial(1, study_id="old-20260131-123015-0a1b", state=TrialState.SUCCEEDED), good(2)], 1),
    ],
    ids=["two", "cut off", "running", "of another study"],
)
def test_a_study_that_ended_before_its_time(folder: JobFolder, trials: Sequence[Trial], made: int) -> None:
    write(folder, *trials, trials=4)
    ending = read_tuned(folder)
    assert ending.state is JobState.FAILED
    assert ending.error is not None
    assert ending.error.message == f"it ended before all its trials were made: {made} of 4"
    assert ending.error.hint == f"`%tune resume {STUDY}` makes those that are left."


def test_a_study_without_trials(folder: JobFolder) -> None:
    write(folder, trials=4)
    error = read_tuned(folder).error
    assert error is not None
    assert (error.message, error.details) == ("it has no trials", None)


def test_a_grid_may_have_fewer_trials_but_none_that_runs(folder: JobFolder) -> None:
    write(folder, good(1), good(2), trials=4, algorithm=Algorithm.GRID)
    assert read_tuned(folder).state is JobState.SUCCEEDED
    write(folder, trial(3), trials=4, algorithm=Algorithm.GRID)
    assert read_tuned(folder).state is JobState.FAILED


def test_a_study_that_heard_of_its_cancel_first_is_cancelled(tmp_path: Path) -> None:
    jobs = Jobs(open_workspace(Workspace(tmp_path / ".mlmagic")))
    folder = jobs.make("", kind=JobKind.TUNING, study=study_spec(trials=4))
    assert read_tuned(folder).state is JobState.FAILED
    jobs.store.advance(folder.id, expect={JobState.QUEUED}, to=JobState.CANCELLING, now=datetime.now(UTC))
    assert read_tuned(folder).state is JobState.CANCELLED
