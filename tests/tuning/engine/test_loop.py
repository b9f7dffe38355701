"""The loop in this process, from where an earlier attempt may have been killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from support.queued import Jobs
from support.studies import PROGRAM, study_spec, trial

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.filters.parser import parse
from mlmagic.runtime.watch import Watch
from mlmagic.spec.job import JobKind, JobSpec, JobState, PackageReference
from mlmagic.spec.study import Measurement, Promotion, Study, StudySpec, Trial, TrialState
from mlmagic.testing.backends import COLD, make_package, wait_for, wait_for_text
from mlmagic.tuning.main import run_study
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.processes import ProcessIdentity
from mlmagic.workspace.studies import open_trials, read_study

WAITS = PROGRAM + "report(value)\nprint('begun', flush=True)\ntime.sleep(600)\n"


@pytest.fixture
def jobs(workspace: Workspace) -> Jobs:
    return Jobs(workspace)


@pytest.fixture
def make(jobs: Jobs, backend: LocalBackend) -> Iterator[Callable[..., JobFolder]]:
    """Make a study that this process runs, with the trials that its file tells; it has ended when the test has."""
    made: list[str] = []

    def make_study(source: str, spec: StudySpec, *trials: Callable[[str], Trial]) -> JobFolder:
        folder = jobs.make(source, kind=JobKind.TUNING, study=spec)
        jobs.store.claim(folder.id, ProcessIdentity.current())
        made.append(folder.id)
        now = datetime.now(UTC)
        jobs.store.advance(folder.id, expect={JobState.PENDING}, to=JobState.RUNNING, now=now, start_time=now)
        with open_trials(folder) as log:
            for one in trials:
                log.write(one(folder.id))
        return folder

    yield make_study
    for study_id in made:
        jobs.store.advance(study_id, expect=set(JobState), to=JobState.SUCCEEDED, now=datetime.now(UTC))


def run(jobs: Jobs, folder: JobFolder) -> Study:
    with Watch() as watch:
        run_study(folder, watch)
    return read_study(jobs.workspace, folder.id)


def submit_trial(backend: LocalBackend, folder: JobFolder, source: str) -> str:
    package = make_package(source)
    reference = PackageReference(digest=package.digest, cold_reason=COLD)
    spec = JobSpec(display_name="taxi", package=reference, parent=folder.id, trial=1, args=("--lr=1", "--units=1"))
    return backend.submit(spec, package).id


def test_a_stop_that_was_noted_but_not_made(backend: LocalBackend, jobs: Jobs, make: Callable[..., JobFolder]) -> None:
    stopping = lambda study_id: trial(1, study_id, state=TrialState.STOPPING, reason="it is slow")  # noqa: E731
    folder = make(WAITS, study_spec(trials=1), stopping)
    wait_for_text(backend, submit_trial(backend, folder, WAITS), "begun")
    (stopped,) = run(jobs, folder).trials
    assert (stopped.state, stopped.is_stopped_early, stopped.reason) == (TrialState.SUCCEEDED, True, "it is slow")
    assert backend.get(stopped.job).message == "stopped early: it is slow"


def test_a_trial_that_was_noted_but_not_submitted(jobs: Jobs, make: Callable[..., JobFolder]) -> None:
    requested = lambda study_id: trial(1, study_id, state=TrialState.REQUESTED)  # noqa: E731
    study = run(jobs, make(PROGRAM + "report(value)\n", study_spec(trials=1), requested))
    assert [(one.number, one.state) for one in study.trials] == [(1, TrialState.SUCCEEDED)]
    assert len(jobs.store.list(parent=study.id)) == 1


def test_a_trial_whose_job_is_gone_is_infeasible(jobs: Jobs, make: Callable[..., JobFolder]) -> None:
    study = run(jobs, make("", study_spec(trials=1), lambda study_id: trial(1, study_id)))
    assert [(one.state, one.reason) for one in study.trials] == [(TrialState.INFEASIBLE, "its job was deleted")]


def test_too_many_failures_are_noticed_by_the_next_attempt_too(jobs: Jobs, make: Callable[..., JobFolder]) -> None:
    failed = [
        lambda study_id, number=number: trial(number, study_id, state=TrialState.INFEASIBLE, reason="it is NaN")
        for number in (1, 2)
    ]
    study = run(jobs, make("", study_spec(trials=9, max_failed=2), *failed))
    assert len(study.trials) == 2


def test_a_study_that_was_cancelled_unheard_gets_no_more_trials(
    jobs: Jobs, make: Callable[..., JobFolder], workspace: Workspace
) -> None:
    folder = make(WAITS, study_spec(trials=9))
    jobs.store.advance(folder.id, expect={JobState.RUNNING}, to=JobState.CANCELLING, now=datetime.now(UTC))
    with Watch() as watch:
        run_study(folder, watch)
    assert [one.reason for one in read_study(workspace, folder.id).trials] == ["cancelled with its study"]
    assert jobs.store.list(parent=folder.id) == []


def test_the_best_trial_is_promoted_once(
    backend: LocalBackend, make: Callable[..., JobFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    def good(study_id: str) -> Trial:
        return trial(1, study_id, state=TrialState.SUCCEEDED, final=Measurement(step=1, value=1.0))

    folder = make("print(1)\n", study_spec(trials=1, promotion=Promotion(model="delays")), good)
    with Watch() as watch:
        run_study(folder, watch)
        run_study(folder, watch)
    (made,) = backend.list(where=parse(f"fromStudy={folder.id}"))
    told = [line for line in capsys.readouterr().out.splitlines() if "delays" in line]
    assert told[0] == f"{made.id} trains delays with the parameters of trial 1"
    assert told[1] == f"{made.id} trains delays with the parameters of its best trial"
    assert wait_for(backend, made.id).state is JobState.SUCCEEDED
