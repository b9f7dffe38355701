"""Cancelling programs that do not want to end."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from support.queued import is_running

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.backends.local.machine import this_machine
from mlmagic.spec.job import JobState
from mlmagic.spec.resources import Resources
from mlmagic.testing.backends import read_log, run, submit, wait_for, wait_for_text
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

CHILD = "import subprocess, sys, time\nchild = subprocess.Popen([sys.executable, '-c', {code!r}]{more})\n"
SLEEP = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def child_of(backend: LocalBackend, source: str, more: str = "", code: str = SLEEP) -> tuple[str, int]:
    """Submit a program that starts a child and tells its number, then goes on as `source` says."""
    program = CHILD.format(code=code, more=more) + "print('child', child.pid, 'is')\n" + source
    job_id = submit(backend, program).id
    wait_for_text(backend, job_id, " is\n")
    return job_id, int(read_log(backend, job_id).split()[1])


def test_a_program_may_tidy_up(backend: LocalBackend) -> None:
    source = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit('tidy'))\n"
    job_id = submit(backend, source + "print('ready')\ntime.sleep(600)\n").id
    wait_for_text(backend, job_id, "ready")
    assert backend.cancel(job_id).state is JobState.CANCELLING
    record = wait_for(backend, job_id)
    assert (record.state, record.exit_code, record.message) == (JobState.CANCELLED, 1, "cancelled")
    assert read_log(backend, job_id) == "ready\ntidy\nmlmagic: cancelled\n"


@pytest.mark.parametrize("more", ["", ", process_group=0", ", start_new_session=True", ", stdout=subprocess.DEVNULL"])
def test_children_end_with_the_job(backend: LocalBackend, more: str) -> None:
    job_id, child = child_of(backend, "time.sleep(600)\n", more)
    assert is_running(child)
    backend.cancel(job_id)
    assert wait_for(backend, job_id).state is JobState.CANCELLED
    assert not is_running(child)


@pytest.mark.parametrize("more", ["", ", start_new_session=True"])
def test_what_a_program_leaves_behind_ends_with_it(backend: LocalBackend, more: str) -> None:
    job_id, child = child_of(backend, "", more, DEAF)
    assert wait_for(backend, job_id).state is JobState.SUCCEEDED
    assert not is_running(child)


def test_a_cancel_whose_signal_was_lost(backend: LocalBackend, workspace: Workspace) -> None:
    job_id = submit(backend, SLEEP).id
    running = wait_for(backend, job_id, JobState.RUNNING)
    JobStore(Database(workspace)).advance(
        job_id, expect={JobState.RUNNING}, to=JobState.CANCELLING, now=running.update_time
    )
    assert wait_for(backend, job_id).state is JobState.CANCELLED


def test_sigterm_to_the_supervisor_is_a_cancel(backend: LocalBackend, workspace: Workspace) -> None:
    job_id, child = child_of(backend, "time.sleep(600)\n")
    (supervisor,) = JobStore(Database(workspace)).claims(job_id).values()
    os.kill(supervisor.pid, signal.SIGTERM)
    assert wait_for(backend, job_id).state is JobState.CANCELLED
    assert not is_running(child)


def test_a_cancel_while_the_model_is_registered(backend: LocalBackend, tmp_path: Path) -> None:
    # The reader of signatures runs under the job's interpreter: this one never answers.
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$*" in *signature.py*) sleep 600;; *) exec {sys.executable} "$@";; esac\n')
    python.chmod(0o700)
    source = "import os, pathlib\n(pathlib.Path(os.environ['AIP_MODEL_DIR']) / 'saved_model.pb').touch()\n"
    job_id = submit(backend, source, python=str(python), model="taxi").id
    while backend.get(job_id).message != "registering the model":
        assert not backend.get(job_id).state.is_final
    backend.cancel(job_id)
    record = wait_for(backend, job_id)
    assert (record.state, record.model_version) == (JobState.CANCELLED, None)
    assert record.message == "cancelled before its model became a version"


def test_cancel_before_a_supervisor_has_it(backend: LocalBackend, workspace: Workspace) -> None:
    running = submit(backend, SLEEP, resources=Resources(cores=float(this_machine().cores))).id
    record = backend.cancel(submit(backend, SLEEP).id)
    assert (record.state, record.message) == (JobState.CANCELLED, "cancelled before it began")
    assert record.end_time is not None
    assert backend.cancel(record.id) == record
    assert backend.cancel(running).state in {JobState.CANCELLED, JobState.CANCELLING}
    wait_for(backend, running)


def test_a_stopped_supervisor_is_continued_for_a_cancel(backend: LocalBackend, workspace: Workspace) -> None:
    job_id, child = child_of(backend, "time.sleep(600)\n")
    (supervisor,) = JobStore(Database(workspace)).claims(job_id).values()
    os.kill(supervisor.pid, signal.SIGSTOP)
    backend.cancel(job_id)
    assert wait_for(backend, job_id).state is JobState.CANCELLED
    assert not is_running(child)


def test_a_cancel_that_comes_after_the_end(backend: LocalBackend) -> None:
    record = run(backend, "print('done')\n")
    assert backend.cancel(record.id).state is JobState.SUCCEEDED
