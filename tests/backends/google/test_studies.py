"""Studies on the emulator: trials as jobs of the workspace, killed between steps, cancelled, and what is refused."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.studies import PARAMETERS, REPORTS, study_spec, submit_study

from mlmagic.api.study_report import report_study
from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.client.jobs import JobCalls
from mlmagic.backends.google.names import workspace_filter, workspace_label
from mlmagic.backends.google.promotion import promote_best
from mlmagic.backends.google.refusals import UnavailableError
from mlmagic.backends.google.remote import RemoteJob, read_remote
from mlmagic.backends.google.settings import GoogleSettings, emulator_settings
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.filters.parser import parse
from mlmagic.runtime.tuned import CUT_OFF
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.study import Algorithm, Parameter, ParameterKind, Promotion, TrialState
from mlmagic.testing.backends import FOREVER, PATIENCE_SECONDS, read_log, wait_for, wait_for_text
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import TrialLog, read_study

Make = Callable[..., GoogleBackend]
KILLED = 77
RANDOM = study_spec(algorithm=Algorithm.RANDOM, parallel=2)
PRINTS = REPORTS + "print(f'{args.lr!r} {args.units}')\n"
ENDLESS = FOREVER + "# CLOUD_ML_HP_METRIC_FILE\n"


REFUSED = """job 'flights' cannot run on Vertex AI:
  - it cannot learn from other studies, taxi-1, taxi-2: --backend local can
  - a grid begins anew there, and would try again what flights-1 has tried: --backend local goes on
  - a grid there has whole numbers, categories and lists of numbers, not ranges such as that of lr
  - names of parameters have no spaces there: 'drop out'
  - no trial of a study is tried again there: leave out --max-retries 2"""


class Deaf(GoogleClient):
    """Never hears that a study was made."""

    def __init__(self, settings: GoogleSettings) -> None:
        super().__init__(settings)
        create = self.jobs.create_tuning_job

        def deaf(job: Any) -> RemoteJob:
            create(job)
            raise UnavailableError("cannot create the study: no answer from Google")

        self.jobs.create_tuning_job = deaf  # type: ignore[method-assign]


def wait_for_trial(backend: GoogleBackend, study_id: str) -> str:
    """Wait until the first trial prints, and return its id."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := backend.list(where=parse(f"parent={study_id} AND trial=1"))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    wait_for_text(backend, found[0].id, "begun")
    return found[0].id


def remove(client: GoogleClient, name: str) -> None:
    """Remove a study behind the backend's back."""
    client.jobs.cancel_job(name)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while client.jobs.get_job(name).state != "JOB_STATE_CANCELLED":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    client.jobs.delete_job(name)


def remote_studies(emulator: Emulator, workspace: Workspace) -> list[RemoteJob]:
    client = GoogleClient(emulator_settings(emulator.root))
    return client.jobs.list_tuning_jobs(workspace_filter(workspace_label(str(workspace.root))))


def take_up_in_a_child(workspace: Workspace, emulator: Emulator, owner: type, method: str, count: int) -> int:
    """Submit and follow a study in a process that ends right after so many calls of a method; return how it ended."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    calls, call = itertools.count(1), getattr(owner, method)

    def doomed(*args: Any, **options: Any) -> Any:
        result = call(*args, **options)
        if next(calls) == count:
            os._exit(KILLED)
        return result

    try:
        setattr(owner, method, doomed)
        backend = GoogleBackend(workspace, name="emulator", client=GoogleClient(emulator_settings(emulator.root)))
        wait_for(backend, submit_study(backend, PRINTS, study=RANDOM).id)
    finally:
        os._exit(1)


@pytest.fixture
def searched(backend: GoogleBackend) -> JobRecord:
    """A study of four trials that has ended."""
    return wait_for(backend, submit_study(backend, PRINTS, study=RANDOM).id)


def test_trials_become_jobs_and_lines(backend: GoogleBackend, workspace: Workspace, searched: JobRecord) -> None:
    study = read_study(workspace, searched.id)
    assert (searched.state, [trial.number for trial in study.trials]) == (JobState.SUCCEEDED, [1, 2, 3, 4])
    for trial in study.trials:
        record, lr, units = backend.get(trial.job), trial.parameters["lr"], trial.parameters["units"]
        assert (record.state, record.spec.args) == (JobState.SUCCEEDED, (f"--lr={lr}", f"--units={units}"))
        assert read_log(backend, trial.job) == f"{lr} {units}\n"
        assert trial.final is not None
        assert trial.final.value == pytest.approx((float(lr) - 0.1) ** 2 + (int(units) - 20) ** 2 / 1000)
    best = study.best
    assert best is not None
    assert f"trial {best.number}: lr=" in read_log(backend, searched.id)
    assert (searched.message or "").startswith(f"4 trials · best loss {searched.metrics['loss']:.6g} (trial")
    report = report_study(backend, workspace, searched.id)
    assert [(run.number, run.state) for run in report.runs] == [(n, JobState.SUCCEEDED) for n in range(1, 5)]


@pytest.mark.parametrize(
    "step",
    [
        (JobCalls, "create_tuning_job", 1),
        # The study's own job is the first, so this is that of trial 1.
        (JobStore, "create", 2),
        (TrialLog, "write", 1),
        (TrialLog, "write", 5),
        # To RUNNING, of a trial; and then its end.
        (JobStore, "advance", 1),
        (JobStore, "advance", 5),
    ],
)
def test_a_study_that_is_left_by_a_killed_process_is_whole(
    make_backend: Make, workspace: Workspace, emulator: Emulator, step: tuple[type, str, int]
) -> None:
    assert take_up_in_a_child(workspace, emulator, *step) == KILLED
    backend = make_backend()
    (summary,) = backend.list()
    assert wait_for(backend, summary.id).state is JobState.SUCCEEDED
    trials = read_study(workspace, summary.id).trials
    assert [(trial.number, trial.state) for trial in trials] == [(n, TrialState.SUCCEEDED) for n in range(1, 5)]
    assert [read_log(backend, trial.job).count("\n") for trial in trials] == [1] * 4
    assert {row.id for row in backend.list(trials=True)} == {summary.id, *(trial.job for trial in trials)}
    assert len(remote_studies(emulator, workspace)) == 1


def test_a_study_whose_answer_was_lost_is_found_again(
    make_backend: Make, workspace: Workspace, emulator: Emulator
) -> None:
    backend = make_backend(client=Deaf(emulator_settings(emulator.root)))
    study = study_spec(algorithm=Algorithm.RANDOM, trials=1)
    assert wait_for(backend, submit_study(backend, study=study).id).state is JobState.SUCCEEDED
    assert len(remote_studies(emulator, workspace)) == 1


def test_a_study_is_cancelled_with_its_trials_and_deleted(
    backend: GoogleBackend, workspace: Workspace, emulator: Emulator
) -> None:
    study_id = submit_study(backend, ENDLESS, study=RANDOM).id
    first = wait_for_trial(backend, study_id)
    with pytest.raises(UsageError) as caught:
        backend.cancel(first)
    assert caught.value.message == f"{first} is a trial of a study on Vertex AI, which alone decides when it ends."
    assert backend.cancel(study_id).state is JobState.CANCELLING
    assert wait_for(backend, study_id).state is JobState.CANCELLED
    assert {row.state for row in backend.list(trials=True)} == {JobState.CANCELLED}
    assert {trial.reason for trial in read_study(workspace, study_id).trials} == {CUT_OFF}
    backend.delete(study_id)
    assert (backend.list(trials=True), remote_studies(emulator, workspace)) == ([], [])


def test_a_study_that_is_gone_in_the_cloud_has_failed_and_its_trials_are_over(
    backend: GoogleBackend, workspace: Workspace, emulator: Emulator
) -> None:
    study_id = submit_study(backend, ENDLESS, study=RANDOM).id
    first = wait_for_trial(backend, study_id)
    backend.close()
    remote = read_remote(workspace.job(study_id))
    assert remote is not None
    assert remote.name is not None
    remove(GoogleClient(emulator_settings(emulator.root)), remote.name)
    record = backend.get(study_id)
    assert (record.state, record.message) == (
        JobState.FAILED,
        "its job was deleted in Google Cloud before it had ended",
    )
    assert backend.get(first).state is JobState.CANCELLED


def test_trials_that_fail_tell_why(backend: GoogleBackend, workspace: Workspace) -> None:
    study = study_spec(algorithm=Algorithm.RANDOM, max_failed=1)
    study_id = submit_study(backend, "import hypertune_not_there\n", study=study).id
    record = wait_for(backend, study_id)
    assert (record.state, record.message) == (JobState.FAILED, "1 of 1 trials failed, and --max-failed is 1")
    failed = backend.get(f"{study_id}-1")
    assert failed.error is not None
    assert failed.error.message == "ModuleNotFoundError: No module named 'hypertune_not_there'"
    assert "trial 1 failed: ModuleNotFoundError" in read_log(backend, study_id)


def test_a_program_that_reports_to_nobody_is_told_the_lines_to_add(backend: GoogleBackend) -> None:
    with pytest.raises(UsageError, match="its program reports loss to nobody, and TensorBoard's scalars") as caught:
        submit_study(backend, "print('no word')\n", study=RANDOM)
    assert "        hyperparameter_metric_tag='loss', metric_value=value" in (caught.value.hint or "")
    assert backend.list() == []


def test_all_that_vertex_ai_cannot_search_is_told_at_once(backend: GoogleBackend) -> None:
    spaced = Parameter(name="drop out", kind=ParameterKind.INTEGER, minimum=0, maximum=1)
    study = study_spec(
        algorithm=Algorithm.GRID,
        parameters=(*PARAMETERS, spaced),
        resumes="flights-1",
        warm_start=("taxi-1", "taxi-2"),
    )
    with pytest.raises(UsageError) as caught:
        submit_study(backend, study=study, max_retries=2)
    assert str(caught.value) == REFUSED
    assert backend.list() == []


def test_a_study_goes_on_with_the_trials_of_another(
    backend: GoogleBackend, workspace: Workspace, searched: JobRecord
) -> None:
    again = study_spec(algorithm=Algorithm.RANDOM, trials=2, resumes=searched.id, seed=7)
    record = wait_for(backend, submit_study(backend, PRINTS, study=again).id)
    first, study = read_study(workspace, searched.id), read_study(workspace, record.id)
    assert (record.state, study.trials[:4]) == (JobState.SUCCEEDED, first.trials)
    assert [trial.job for trial in study.trials[4:]] == [f"{record.id}-5", f"{record.id}-6"]
    for trial in study.trials[4:]:
        assert read_log(backend, trial.job) == f"{trial.parameters['lr']} {trial.parameters['units']}\n"
    assert (record.message or "").startswith("6 trials · best loss")
    assert record.spec.placement is not None
    assert record.spec.placement.note == (
        f"Vertex AI's search begins anew: it learns nothing from {searched.id}, whose trials count here · "
        "Vertex AI takes no seed: with 7 it may choose other trials the next time"
    )
    backend.delete(record.id)
    assert len(backend.list(trials=True)) == 5


def test_a_study_whose_predecessor_is_gone_fails_and_says_so(backend: GoogleBackend, workspace: Workspace) -> None:
    study = study_spec(algorithm=Algorithm.RANDOM, resumes="flights-20260131-123015-0a1b")
    with pytest.raises(NotFoundError, match="that it goes on with, flights-20260131-123015-0a1b, is gone"):
        submit_study(backend, study=study)
    (job,) = backend.list()
    assert job.state is JobState.FAILED


def test_the_best_trial_is_promoted_once_the_study_has_ended(backend: GoogleBackend, workspace: Workspace) -> None:
    promotion = Promotion(model="flights", args=("--epochs=3",))
    study = study_spec(algorithm=Algorithm.RANDOM, trials=2, promotion=promotion)
    record = wait_for(backend, submit_study(backend, PRINTS, study=study).id)
    best = read_study(workspace, record.id).best
    assert best is not None
    (made,) = backend.list(where=parse(f"fromStudy={record.id}"))
    assert (record.message or "").endswith(f"{made.id} trains flights with the best parameters")
    assert backend.get(made.id).spec.args == (*[f"--{n}={v}" for n, v in best.parameters.items()], "--epochs=3")
    assert wait_for(backend, made.id).attempt == 1
    # Who made the job may have been killed before he wrote that down.
    workspace.job(record.id).promoted.unlink()
    again = promote_best(
        workspace.job(record.id), JobStore(Database(workspace)), record, read_study(workspace, record.id)
    )
    assert (again and again.job) == made.id


def test_each_trial_tells_what_it_took(backend: GoogleBackend) -> None:
    takes = PRINTS + "taken = b'x' * ((200 if trial == 1 else 1) << 20)\ntime.sleep(3)\n"
    study_id = submit_study(backend, takes, study=study_spec(algorithm=Algorithm.RANDOM, trials=2, parallel=2)).id
    wait_for(backend, study_id)
    first, second = (backend.usage(f"{study_id}-{number}") for number in (1, 2))
    assert (first.replicas, second.replicas) == (("chief-0",), ("chief-0",))
    # Between two full measurements memory is estimated.
    assert first.peak_memory_bytes("chief-0") > 150 << 20 > second.peak_memory_bytes("chief-0") > 0
    assert backend.usage(study_id).replicas == ()
