"""The loop in this process, from where an earlier attempt may have been killed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.agents import until
from support.queued import Jobs
from support.studies import PROGRAM, study_spec, trial

from mlmagic.api.promotion import promote
from mlmagic.backends.local.agent.link import AgentLink
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.errors import WorkspaceError
from mlmagic.filters.parser import parse
from mlmagic.runtime.watch import Watch
from mlmagic.session import Session
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.study import (
    EarlyStopping,
    Measurement,
    Promoted,
    Promotion,
    StoppingRule,
    Study,
    StudySpec,
    Trial,
    TrialState,
)
from mlmagic.testing.backends import COLD, make_package, wait_for, wait_for_text
from mlmagic.tuning import loop
from mlmagic.tuning.loop import ToldToEnd
from mlmagic.tuning.main import run_study
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.processes import ProcessIdentity
from mlmagic.workspace.studies import open_trials, read_promoted, read_study

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


def good(study_id: str) -> Trial:
    return trial(1, study_id, state=TrialState.SUCCEEDED, final=Measurement(step=1, value=1.0))


def test_the_best_trial_is_promoted_once(
    backend: LocalBackend, make: Callable[..., JobFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make("print(1)\n", study_spec(trials=1, promotion=Promotion(model="delays")), good)
    with Watch() as watch:
        run_study(folder, watch)
        run_study(folder, watch)
    (made,) = backend.list(where=parse(f"fromStudy={folder.id}"))
    told = [line for line in capsys.readouterr().out.splitlines() if "delays" in line]
    assert told == [f"{made.id} trains delays with the best parameters"] * 2
    assert wait_for(backend, made.id).state is JobState.SUCCEEDED


def test_a_promotion_by_hand_does_not_stand_for_it(
    backend: LocalBackend, make: Callable[..., JobFolder], workspace: Workspace
) -> None:
    promotion = Promotion(model="delays")
    folder = make("print(1)\n", study_spec(trials=1, promotion=promotion), good)
    with contextlib.closing(Session(environ={}, start=workspace.root.parent)) as session:
        manual = promote(folder.id, session=session)
        rerun = manual.rerun()
    with Watch() as watch:
        run_study(folder, watch)
    found = {row.id for row in backend.list(where=parse(f"fromStudy={folder.id}"))}
    (made,) = found - {manual.id, rerun.id}
    assert backend.get(made).spec.rerun_of == f"{folder.id}-1"
    assert read_promoted(folder) == Promoted(model="delays", job=made)


class Killed(BaseException):
    """Stands in for SIGKILL: nothing in the loop catches it."""


@pytest.mark.parametrize("error", [Killed(), WorkspaceError("the database is locked.")], ids=["killed", "locked"])
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", ["LocalBackend.list", "LocalBackend.submit", "loop.write_promoted"])
def test_cut_short_anywhere_it_promotes_once(
    backend: LocalBackend,
    make: Callable[..., JobFolder],
    monkeypatch: pytest.MonkeyPatch,
    *,
    name: str,
    is_after: bool,
    error: BaseException,
) -> None:
    folder = make("print(1)\n", study_spec(trials=1, promotion=Promotion(model="delays")), good)
    owner: Any = LocalBackend if name.startswith("LocalBackend") else loop
    function = name.partition(".")[2]
    with monkeypatch.context() as patch:
        patch.setattr(loop, "PATIENCE", (0.0, 0.0))
        patch.setattr(owner, function, failing_once(getattr(owner, function), error, is_after=is_after))
        with contextlib.suppress(Killed), Watch() as watch:
            run_study(folder, watch)
    if isinstance(error, Killed):
        with Watch() as watch:
            run_study(folder, watch)
    (made,) = backend.list(where=parse(f"fromStudy={folder.id}"))
    assert read_promoted(folder) == Promoted(model="delays", job=made.id)


def failing_once(function: Callable[..., Any], error: BaseException, *, is_after: bool) -> Callable[..., Any]:
    """Return the function, of which the first call fails before or after it has done its work."""
    errors = [error]

    def call(*args: Any, **kwargs: Any) -> Any:
        if errors and not is_after:
            raise errors.pop()
        result = function(*args, **kwargs)
        if errors:
            raise errors.pop()
        return result

    return call


def test_a_promotion_that_no_agent_could_start_is_made_again(
    backend: LocalBackend, make: Callable[..., JobFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make("print(1)\n", study_spec(trials=1, promotion=Promotion(model="delays")), good)
    monkeypatch.setattr(loop, "PATIENCE", (0.0,))
    error = WorkspaceError("the disk is full.")
    monkeypatch.setattr(AgentLink, "wake", failing_once(AgentLink.wake, error, is_after=False))
    with Watch() as watch:
        run_study(folder, watch)
    made, failed = backend.list(where=parse(f"fromStudy={folder.id}"))
    assert (failed.state, failed.error) == (JobState.FAILED, "the disk is full.")
    assert read_promoted(folder) == Promoted(model="delays", job=made.id)
    assert wait_for(backend, made.id).state is JobState.SUCCEEDED


def test_a_promotion_of_which_nothing_can_be_read_is_no_failure_of_the_study(
    make: Callable[..., JobFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise WorkspaceError("the database is locked.")

    folder = make("print(1)\n", study_spec(trials=1, promotion=Promotion(model="delays")), good)
    monkeypatch.setattr(loop, "PATIENCE", (0.0,))
    with monkeypatch.context() as patch, Watch() as watch:
        patch.setattr(LocalBackend, "list", locked)
        run_study(folder, watch)
    assert read_promoted(folder) == Promoted(model="delays", reason="the database is locked.")


def test_a_database_that_is_locked_for_a_moment_costs_no_trial(
    jobs: Jobs, make: Callable[..., JobFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each job that is asked for is not found at first, also those whose curves early stopping needs."""
    rule = EarlyStopping(rule=StoppingRule.MEDIAN)
    folder = make(PROGRAM + "report(5, 4)\ntime.sleep(1)\n", study_spec(trials=2, early_stopping=rule), good)
    get, seen = LocalBackend.get, set()

    def locked_at_first(backend: LocalBackend, job_id: str) -> JobRecord:
        if job_id not in seen:
            seen.add(job_id)
            raise WorkspaceError("the database is locked.")
        return get(backend, job_id)

    monkeypatch.setattr(loop, "PATIENCE", (0.0,))
    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, "get", locked_at_first)
        study = run(jobs, folder)
    assert [one.state for one in study.trials] == [TrialState.SUCCEEDED] * 2
    assert seen == {folder.id, f"{folder.id}-1", f"{folder.id}-2"}


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_log_that_cannot_be_written_is_no_failure_of_the_study(
    make: Callable[..., JobFolder], monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    folder = make("print(1)\n", study_spec(trials=1), good)
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "mlmagic.tuning", str(folder.root)]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_told_to_end_alone_it_leaves_its_trials_as_they_are(
    backend: LocalBackend, jobs: Jobs, make: Callable[..., JobFolder]
) -> None:
    folder = make(WAITS, study_spec(trials=2, parallel=2))
    with Watch() as watch:
        watch.told_to_end = True
        with pytest.raises(ToldToEnd):
            run_study(folder, watch)
    assert read_study(jobs.workspace, folder.id).trials == ()
    with subprocess.Popen([sys.executable, "-m", "mlmagic.tuning", str(folder.root)]) as program:
        until(lambda: bool(backend.list(trials=True, states={JobState.RUNNING})[1:]))
        program.terminate()
    assert program.returncode == -signal.SIGTERM
    (first, *_) = read_study(jobs.workspace, folder.id).trials
    assert (first.state, backend.get(first.job).state) == (TrialState.ACTIVE, JobState.RUNNING)
