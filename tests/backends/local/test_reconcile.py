"""What readers make of jobs whose supervisor was killed, or never started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from support.queued import Jobs, is_running

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.backends.local.reconcile import Reconciler
from mlmagic.spec import codec
from mlmagic.spec.job import ExitRecord, JobKind, JobRecord, JobState
from mlmagic.spec.model import ModelOrigin
from mlmagic.spec.monitoring_alert import MonitorStatus
from mlmagic.testing.backends import FOREVER, read_log, run, submit, wait_for, wait_for_text
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore
from mlmagic.workspace.processes import ProcessIdentity

GONE = ProcessIdentity(pid=2**22 + 1, start_time=1, boot_id="x")


@pytest.fixture
def jobs(workspace: Workspace) -> Jobs:
    return Jobs(workspace)


def dead_supervisor() -> ProcessIdentity:
    """The identity of a process of this boot that has ended."""
    identity = ProcessIdentity.current()
    return ProcessIdentity(pid=GONE.pid, start_time=1, boot_id=identity.boot_id)


def kill_supervisor(jobs: Jobs, job_id: str) -> None:
    (supervisor,) = jobs.store.claims(job_id).values()
    process = psutil.Process(supervisor.pid)
    process.kill()
    psutil.wait_procs([process], timeout=60)


def test_a_killed_supervisor_takes_the_program_along(backend: LocalBackend, jobs: Jobs) -> None:
    source = "import os, subprocess, sys, time\ncommand = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
    source += "child = subprocess.Popen(command, start_new_session=True)\nprint(os.getpid(), child.pid, 'begun')\n"
    job_id = submit(backend, source + "time.sleep(600)\n", model="taxi").id
    wait_for_text(backend, job_id, "begun")
    pids = [int(word) for word in read_log(backend, job_id).split()[:2]]
    kill_supervisor(jobs, job_id)
    record = backend.get(job_id)
    assert (record.state, record.model_version) == (JobState.FAILED, None)
    assert record.error is not None
    assert record.error.message == "its supervisor was killed, and the program was ended with it"
    assert not any(is_running(pid) for pid in pids)


def test_a_list_tells_the_truth_too(backend: LocalBackend, jobs: Jobs) -> None:
    job_id = submit(backend, FOREVER).id
    wait_for_text(backend, job_id, "begun")
    kill_supervisor(jobs, job_id)
    assert [summary.state for summary in backend.list(states={JobState.FAILED})] == [JobState.FAILED]


def test_readers_agree(backend: LocalBackend, jobs: Jobs, workspace: Workspace) -> None:
    job_id = submit(backend, FOREVER).id
    wait_for_text(backend, job_id, "begun")
    kill_supervisor(jobs, job_id)
    seen: list[JobRecord] = []
    threads = [threading.Thread(target=lambda: seen.append(LocalBackend(workspace).get(job_id))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert all(record == seen[0] for record in seen)


def test_a_reader_that_comes_late_does_not_end_the_next_attempt(backend: LocalBackend, jobs: Jobs) -> None:
    folder = jobs.make(FOREVER)
    jobs.store.claim(folder.id, dead_supervisor())
    environment = {**os.environ, "CLOUD_ML_JOB_ID": folder.id}
    with subprocess.Popen(["sleep", "600"], env=environment) as program:
        # The program of an attempt whose row this reader has not seen yet.
        folder.claim(2).write_text(codec.dumps(ProcessIdentity.of(program.pid)))
        assert backend.get(folder.id).state is JobState.FAILED
        assert program.poll() is None
        program.kill()


def test_a_cancelled_job_whose_supervisor_was_killed(backend: LocalBackend, jobs: Jobs) -> None:
    job_id = submit(backend, FOREVER).id
    wait_for_text(backend, job_id, "begun")
    running = jobs.store.get(job_id)
    (supervisor,) = jobs.store.claims(job_id).values()
    os.kill(supervisor.pid, signal.SIGSTOP)
    jobs.store.advance(job_id, expect={JobState.RUNNING}, to=JobState.CANCELLING, now=running.update_time)
    kill_supervisor(jobs, job_id)
    assert backend.get(job_id).state is JobState.CANCELLED


def test_a_restarted_machine(workspace: Workspace, jobs: Jobs) -> None:
    folder = jobs.make(FOREVER)
    jobs.store.claim(folder.id, ProcessIdentity.current())
    record = LocalBackend(workspace, boot_id="another").get(folder.id)
    assert record.state is JobState.LOST
    assert record.error is not None
    assert record.error.message == "the machine was restarted while it ran"


def test_monitoring_goes_on_after_a_restart_of_the_machine(workspace: Workspace, jobs: Jobs) -> None:
    folder = jobs.make(FOREVER, kind=JobKind.MONITORING)
    jobs.store.claim(folder.id, ProcessIdentity.current())
    Reconciler(jobs.database, boot_id="another").check(jobs.store.get(folder.id))
    record = jobs.store.get(folder.id)
    told = "attempt 1 failed: the machine was restarted while it ran; monitoring goes on"
    assert (record.state, record.message) == (JobState.QUEUED, told)


def test_monitoring_that_came_to_its_end_is_not_begun_again(backend: LocalBackend, jobs: Jobs) -> None:
    folder = jobs.make(FOREVER, kind=JobKind.MONITORING)
    jobs.store.claim(folder.id, dead_supervisor())
    folder.monitoring.mkdir()
    folder.monitor_status.write_text(codec.dumps(MonitorStatus(ended="the endpoint is deleted")))
    record = backend.get(folder.id)
    told = "the endpoint is deleted · its supervisor was killed just after that"
    assert (record.state, record.message) == (JobState.SUCCEEDED, told)


def test_the_exit_record_is_believed(backend: LocalBackend, jobs: Jobs) -> None:
    folder = jobs.make(FOREVER)
    jobs.store.claim(folder.id, dead_supervisor())
    end = ExitRecord(attempt=1, state=JobState.SUCCEEDED, exit_code=0, end_time=datetime.now(UTC), message="all well")
    folder.exit.write_text(codec.dumps(end))
    record = backend.get(folder.id)
    assert (record.state, record.exit_code, record.message) == (JobState.SUCCEEDED, 0, "all well")
    assert record.end_time == end.end_time


def test_a_version_that_was_made_is_not_made_again(backend: LocalBackend, jobs: Jobs) -> None:
    folder = jobs.make(FOREVER, model="taxi")
    jobs.store.claim(folder.id, dead_supervisor())
    models = ModelStore(jobs.database)
    models.register("taxi", folder.model_dir, origin=ModelOrigin(job_id=folder.id), now=datetime.now(UTC))
    record = backend.get(folder.id)
    assert (record.state, record.model_version) == (JobState.SUCCEEDED, "taxi@1")
    assert len(models.versions("taxi")) == 1


def test_a_job_that_nobody_claimed_is_started_once(workspace: Workspace, jobs: Jobs) -> None:
    folder = jobs.make("print('once')\n")
    readers = [LocalBackend(workspace) for _ in range(3)]
    threads = [threading.Thread(target=reader.get, args=(folder.id,)) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = wait_for(readers[0], folder.id)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 1)
    assert read_log(readers[0], folder.id) == "once\n"


def test_a_claim_without_its_row_is_claimed_again(workspace: Workspace, jobs: Jobs) -> None:
    folder = jobs.make("print('again')\n")
    folder.claim(1).write_text(codec.dumps(dead_supervisor()))
    assert wait_for(LocalBackend(workspace), folder.id).state is JobState.SUCCEEDED
    assert dead_supervisor() not in jobs.store.claims(folder.id).values()


def test_jobs_that_ended_are_not_looked_at(workspace: Workspace, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [jobs.make("pass\n") for _ in range(3)]
    backend = LocalBackend(workspace)
    for folder in folders:
        backend.cancel(folder.id)
    monkeypatch.setattr(type(jobs.store), "claims", lambda *_: pytest.fail("looked at"))
    assert {summary.state for summary in backend.list()} == {JobState.CANCELLED}


# A supervisor that is killed on entering a step.
KILLED = """
import importlib, os, pathlib, signal, sys
from mlmagic.runtime.program import ColdLauncher
from mlmagic.runtime.supervisor import supervise
from mlmagic.workspace.layout import JobFolder
module, _, step = sys.argv[1].partition(":")
owner = importlib.import_module("mlmagic.runtime." + module)
*outer, name = step.split(".")
setattr(getattr(owner, *outer) if outer else owner, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
supervise(JobFolder(pathlib.Path(sys.argv[2])), launcher=ColdLauncher(), environment=os.environ)
"""


STEPS = ["attempt:Attempt.run", "attempt:Attempt._wait", "supervisor:register_model", "supervisor:close"]


@pytest.mark.parametrize("step", [*STEPS, "closing:_exit_record"])
def test_killed_at_each_step(workspace: Workspace, jobs: Jobs, step: str) -> None:
    folder = jobs.make("print('hello')\n", model="taxi")
    command = [sys.executable, "-c", KILLED, step, str(folder.root)]
    assert subprocess.run(command, start_new_session=True, check=False).returncode == -signal.SIGKILL
    record = LocalBackend(workspace).get(folder.id)
    assert (record.state, record.model_version) == (JobState.FAILED, None)
    assert LocalBackend(workspace).get(folder.id) == record


def test_a_folder_that_was_removed_is_told_as_such(backend: LocalBackend, workspace: Workspace) -> None:
    job_id = submit(backend, FOREVER).id
    wait_for_text(backend, job_id, "begun")
    shutil.rmtree(workspace.job(job_id).root)
    record = backend.get(job_id)
    assert record.error is not None
    assert record.error.message == "its folder was removed while it ran, and what it wrote there is gone"


def test_a_program_that_outlives_its_folder(backend: LocalBackend) -> None:
    source = "import os, shutil\nshutil.rmtree(os.path.dirname(os.environ['PYTHONPATH'].split(':')[0]))\n"
    record = run(backend, source, model="taxi")
    assert record.state is JobState.FAILED
    assert record.message == "its folder was removed while it ran, and what it wrote there is gone"


def test_a_clock_that_was_set_back_keeps_no_job_waiting(workspace: Workspace, jobs: Jobs) -> None:
    folder = jobs.make("print('late')\n", create_time=datetime.now(UTC) + timedelta(days=30))
    assert wait_for(LocalBackend(workspace), folder.id).state is JobState.SUCCEEDED


def test_a_killed_attempt_is_tried_again(backend: LocalBackend, jobs: Jobs) -> None:
    source = "import os, sys, time\nprint('begun', flush=True)\n"
    source += "time.sleep(0 if os.path.exists('../attempt-2.claim') else 600)\n"
    job_id = submit(backend, f"import os\nos.chdir(os.environ['AIP_MODEL_DIR'] + '..')\n{source}", max_retries=1).id
    wait_for_text(backend, job_id, "begun")
    kill_supervisor(jobs, job_id)
    record = wait_for(backend, job_id)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 2)
    assert "attempt 2 of 2 (attempt 1: its supervisor was killed" in read_log(backend, job_id)


def test_no_retries_are_left_for_ever(backend: LocalBackend, jobs: Jobs) -> None:
    folder = jobs.make(FOREVER, max_retries=1)
    for _ in range(2):
        jobs.store.claim(folder.id, dead_supervisor())
        backend_less_agent = Reconciler(jobs.database)
        record = backend_less_agent.check(jobs.store.get(folder.id))
    assert (record.state, record.attempt) == (JobState.FAILED, 2)


def test_readers_that_requeue_at_once_use_one_retry(jobs: Jobs) -> None:
    folder = jobs.make(FOREVER, max_retries=3)
    jobs.store.claim(folder.id, dead_supervisor())
    record = jobs.store.get(folder.id)
    reconciler = Reconciler(jobs.database)
    threads = [threading.Thread(target=reconciler.check, args=(record,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = jobs.store.get(folder.id)
    assert (record.state, record.attempt) == (JobState.QUEUED, 1)
    assert folder.attempt_exit(1).exists()


def test_what_was_read_before_another_attempt_changes_nothing(jobs: Jobs) -> None:
    folder = jobs.make(FOREVER, max_retries=3)
    jobs.store.claim(folder.id, dead_supervisor())
    stale = jobs.store.get(folder.id)
    reconciler = Reconciler(jobs.database)
    assert reconciler.check(stale).state is JobState.QUEUED
    jobs.store.claim(folder.id, ProcessIdentity.current())
    assert reconciler.check(stale).attempt == 2
    assert jobs.store.get(folder.id).state is JobState.PENDING


def test_a_container_that_went_away_is_judged_by_its_heartbeat(workspace: Workspace, jobs: Jobs) -> None:
    folder = jobs.make(FOREVER, max_retries=3)
    jobs.store.claim(folder.id, replace(ProcessIdentity.current(), namespace="pid:[1]", host="attic"))
    assert LocalBackend(workspace).get(folder.id).state is JobState.PENDING
    os.utime(folder.claim(1), (time.time() - 61,) * 2)
    record = LocalBackend(workspace).get(folder.id)
    assert record.state is JobState.LOST
    assert record.message == "the machine or container that it ran on, attic, has gone"
