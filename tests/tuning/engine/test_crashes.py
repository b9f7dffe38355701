"""Studies whose program, supervisor or agent is killed: what was done is done once, and the rest goes on."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from support.agents import until
from support.studies import PROGRAM, misfits, study_spec, submit_study

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.filters.parser import parse
from mlmagic.runtime.agent_call import read_agent
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.study import Promotion, Study, StudySpec, TrialState
from mlmagic.testing.backends import read_log, wait_for
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import is_alive
from mlmagic.workspace.studies import read_study

NOTES = (
    PROGRAM
    + """
with open(LEDGER, "a") as notes:
    notes.write(f"{trial}\\n")
while trial == LAST and not os.path.exists(LEDGER + "-over"):
    time.sleep(0.02)
report(value)
"""
)
"""Each trial notes that it ran, so that one that ran twice is seen; the last one waits until all that is to be killed
has been."""


def pids_of(workspace: Workspace, study_id: str) -> dict[str, int]:
    """The processes that a study hangs on, as far as they run."""
    found = {}
    agent = read_agent(workspace)
    if agent is not None and is_alive(agent):
        found["agent"] = agent.pid
    claims = JobStore(Database(workspace)).claims(study_id)
    if claims and is_alive(supervisor := list(claims.values())[-1]):
        found["supervisor"] = supervisor.pid
        for child in children(supervisor.pid):
            found["program"] = child
    return found


def children(pid: int) -> list[int]:
    try:
        processes = psutil.Process(pid).children()
        return [one.pid for one in processes if "mlmagic.tuning" in one.cmdline()]
    except psutil.Error:
        return []


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_for_process(workspace: Workspace, study_id: str, name: str) -> int:
    found: dict[str, int] = {}

    def is_there() -> bool:
        # Who looks is told what has become of a supervisor that was killed, and brings its study back to the queue.
        LocalBackend(workspace).get(study_id)
        found.update(pids_of(workspace, study_id))
        return name in found

    until(is_there)
    return found[name]


def check_whole(workspace: Workspace, study: Study, trials: int) -> None:
    """No trial is lost, none counted twice, and each has the parameters that it must have."""
    assert [trial.number for trial in study.trials] == list(range(1, trials + 1))
    assert {trial.state for trial in study.trials} == {TrialState.SUCCEEDED}
    assert misfits(workspace, study.id) == {}
    rows = JobStore(Database(workspace)).list(parent=study.id)
    assert sorted(row.trial or 0 for row in rows) == list(range(1, trials + 1))


VICTIMS = pytest.mark.parametrize(
    ("name", "number"),
    [("program", signal.SIGKILL), ("program", signal.SIGTERM), ("supervisor", signal.SIGKILL)],
    ids=["program", "program, told to end", "supervisor"],
)


@VICTIMS
def test_a_study_that_is_killed_goes_on(
    backend: LocalBackend, workspace: Workspace, name: str, number: signal.Signals
) -> None:
    study_id = submit_study(backend, PROGRAM + "time.sleep(0.5)\nreport(value)\n", study=study_spec(trials=3)).id
    until(lambda: len(read_study(workspace, study_id).trials) == 2)
    kill(wait_for_process(workspace, study_id, name), number)
    record = wait_for(backend, study_id)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 2)
    check_whole(workspace, read_study(workspace, study_id), 3)
    log = read_log(backend, study_id)
    assert "mlmagic: attempt 2 (attempt 1: " in log
    assert "goes on: 1 trial has ended\n" in log


@VICTIMS
def test_a_study_that_is_killed_while_it_promotes(
    backend: LocalBackend, workspace: Workspace, name: str, number: signal.Signals
) -> None:
    promotion = Promotion(model="delays")
    study_id = submit_study(backend, study=study_spec(trials=1, promotion=promotion)).id
    victim = wait_for_process(workspace, study_id, name)
    trial = workspace.job(f"{study_id}-1")
    until(trial.exit.exists)
    # From there to the end it takes about so long.
    time.sleep(0.02)
    kill(victim, number)
    assert wait_for(backend, study_id).state is JobState.SUCCEEDED
    assert len(backend.list(where=parse(f"fromStudy={study_id}"))) == 1


def test_a_study_goes_on_without_its_agent(backend: LocalBackend, workspace: Workspace) -> None:
    study_id = submit_study(backend, study=study_spec(trials=3)).id
    until(lambda: len(read_study(workspace, study_id).trials) == 2)
    kill(wait_for_process(workspace, study_id, "agent"))
    assert wait_for(backend, study_id).state is JobState.SUCCEEDED
    check_whole(workspace, read_study(workspace, study_id), 3)


def test_a_study_that_says_that_it_failed_is_not_started_again(backend: LocalBackend, workspace: Workspace) -> None:
    record = submit_study(backend, study=study_spec(trials=3, resumes="gone-20260131-123015-0a1b"), max_retries=3)
    ended = wait_for(backend, record.id)
    assert (ended.state, ended.attempt) == (JobState.FAILED, 1)
    assert ended.error is not None
    assert ended.error.message.startswith("the study that it goes on with, gone-20260131-123015-0a1b, is gone: ")


def test_trials_whose_study_was_cancelled_while_it_was_dead_are_cancelled(
    backend: LocalBackend, workspace: Workspace
) -> None:
    study_id = submit_study(backend, PROGRAM + "time.sleep(600)\n", study=study_spec(trials=3)).id
    until(lambda: len(backend.list(trials=True, states={JobState.RUNNING})) == 2)
    jobs = JobStore(Database(workspace))
    supervisor = wait_for_process(workspace, study_id, "supervisor")
    os.kill(supervisor, signal.SIGSTOP)
    # As if whoever cancels it were killed between the study and its trials.
    now = backend.get(study_id).update_time
    jobs.advance(study_id, expect={JobState.RUNNING}, to=JobState.CANCELLING, now=now)
    kill(supervisor)
    assert wait_for(backend, f"{study_id}-1").state is JobState.CANCELLED
    assert wait_for(backend, study_id).state is JobState.CANCELLED


def test_a_study_whose_supervisor_is_told_to_end_takes_its_trials_along(
    backend: LocalBackend, workspace: Workspace
) -> None:
    study_id = submit_study(backend, PROGRAM + "time.sleep(600)\n", study=study_spec(trials=3)).id
    until(lambda: len(backend.list(trials=True, states={JobState.RUNNING})) == 2)
    kill(wait_for_process(workspace, study_id, "supervisor"), signal.SIGTERM)
    ended = wait_for(backend, study_id)
    assert (ended.state, ended.attempt) == (JobState.CANCELLED, 1)
    assert wait_for(backend, f"{study_id}-1").state is JobState.CANCELLED
    assert len(backend.list(trials=True)) == 2


def test_the_same_study_without_and_with_crashes(backend: LocalBackend, workspace: Workspace, tmp_path: Path) -> None:
    """One after the other, each trial knows all results before: killed or not, the trials are the same."""
    calm = wait_for(backend, submit_study(backend, study=study_spec(trials=6, seed=3)).id)
    killed = torment(backend, workspace, tmp_path, study_spec(trials=6, seed=3), kills=5, seed=1)
    found = [[trial.parameters for trial in read_study(workspace, one).trials] for one in (calm.id, killed.id)]
    assert found[0] == found[1]
    assert killed.metrics == calm.metrics


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("parallel", "seed"), [(1, 7), (2, 8)])
def test_killed_at_random_points_again_and_again(
    backend: LocalBackend, workspace: Workspace, tmp_path: Path, parallel: int, seed: int
) -> None:
    """Fifty times in all, with two processes that submit."""
    spec = study_spec(trials=24, parallel=parallel, seed=seed)
    torment(backend, workspace, tmp_path, spec, kills=24, seed=seed)


def torment(
    backend: LocalBackend, workspace: Workspace, tmp_path: Path, spec: StudySpec, *, kills: int, seed: int
) -> JobRecord:
    """Kill what a study hangs on at random moments, and return its job at the end, after checking that it is whole."""
    ledger = tmp_path / f"ledger-{seed}"
    ledger.touch()
    choice = random.Random(seed)  # noqa: S311 - the same moments each time
    source = NOTES.replace("LEDGER", repr(str(ledger))).replace("LAST", str(spec.trials))
    study_id = submit_by_a_process_that_is_killed(workspace, source, spec, choice)
    victims = list(itertools.islice(itertools.cycle(["agent", "program", "supervisor"]), kills))
    choice.shuffle(victims)
    for victim in victims:
        time.sleep(choice.uniform(0, 0.4))
        # Nobody starts an agent while there is nothing for it to do.
        if victim != "agent" or victim in pids_of(workspace, study_id):
            kill(wait_for_process(workspace, study_id, victim))
    ledger.with_name(f"{ledger.name}-over").touch()
    record = wait_for(backend, study_id)
    assert record.state is JobState.SUCCEEDED, record.error
    # Two of them may be killed in the same attempt.
    assert 1 < record.attempt <= kills
    check_whole(workspace, read_study(workspace, study_id), spec.trials)
    assert Counter(ledger.read_text().split()) == {str(number): 1 for number in range(1, spec.trials + 1)}
    return record


def submit_by_a_process_that_is_killed(
    workspace: Workspace, source: str, spec: StudySpec, choice: random.Random
) -> str:
    """Submit in a process of its own that dies a moment later, as a kernel may."""
    from mlmagic.spec.codec import dumps

    program = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from support.studies import submit_study
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.spec.codec import loads
from mlmagic.spec.study import StudySpec
from mlmagic.workspace.layout import Workspace
study = loads(StudySpec, {dumps(spec)!r})
print(submit_study(LocalBackend(Workspace(Path({str(workspace.root)!r}))), {source!r}, study=study).id, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        study_id = process.stdout.readline().strip()
        time.sleep(choice.uniform(0, 0.2))
        process.kill()
    return study_id
