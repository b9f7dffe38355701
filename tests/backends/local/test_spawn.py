"""Supervisors outlive whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.queued import Jobs

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.errors import BackendError, UsageError, WorkspaceError
from mlmagic.runtime import agent_call
from mlmagic.spec.job import JobState
from mlmagic.spec.resources import Resources
from mlmagic.testing.backends import FOREVER, read_log, run, submit, wait_for, wait_for_text
from mlmagic.workspace.layout import Workspace

SUBMIT = """
import os, signal, sys
from pathlib import Path
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.testing.backends import submit
from mlmagic.workspace.layout import Workspace

backend = LocalBackend(Workspace(Path(sys.argv[1])))
print(submit(backend, sys.argv[2], model="taxi").id, flush=True)
{then}
"""


def submit_elsewhere(workspace: Workspace, source: str, then: str = "", **keywords: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SUBMIT.format(then=then), str(workspace.root), source]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **keywords)  # type: ignore[call-overload, no-any-return]


def test_the_whole_group_of_the_kernel_is_killed(backend: LocalBackend, workspace: Workspace) -> None:
    then = "os.killpg(0, signal.SIGKILL)"
    source = "import time\nprint('begun')\ntime.sleep(1)\nprint('went on')\n"
    kernel = submit_elsewhere(workspace, source, then, start_new_session=True)
    job_id = kernel.communicate(timeout=120)[0].strip()
    assert kernel.returncode == -signal.SIGKILL
    assert wait_for(backend, job_id).state is JobState.SUCCEEDED
    assert "went on" in read_log(backend, job_id)


def test_a_supervisor_is_nobodys_child(backend: LocalBackend, workspace: Workspace) -> None:
    job_id = submit(backend, FOREVER).id
    wait_for_text(backend, job_id, "begun")
    (identity,) = Jobs(workspace).store.claims(job_id).values()
    supervisor = psutil.Process(identity.pid)
    assert supervisor.ppid() != os.getpid()
    assert os.getsid(identity.pid) == identity.pid
    assert supervisor.cwd() == "/"
    assert supervisor.terminal() is None


def test_it_keeps_no_files_of_the_kernel(backend: LocalBackend, workspace: Workspace, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(descriptor, True)  # noqa: FBT003
    job_id = submit(backend, FOREVER).id
    wait_for_text(backend, job_id, "begun")
    os.close(descriptor)
    (identity,) = Jobs(workspace).store.claims(job_id).values()
    open_files = [str(link.readlink()) for link in Path(f"/proc/{identity.pid}/fd").iterdir()]
    assert str(tmp_path) not in open_files


def test_two_kernels_submit_the_same_name(backend: LocalBackend, workspace: Workspace) -> None:
    kernels = [submit_elsewhere(workspace, "print('hello')\n") for _ in range(2)]
    ids = {kernel.communicate(timeout=120)[0].strip() for kernel in kernels}
    assert len(ids) == 2
    assert {wait_for(backend, job_id).state for job_id in ids} == {JobState.SUCCEEDED}


def test_strange_paths_do_not_confuse_it(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = tmp_path / 'it\'s a "strange" folder; $HOME é'
    hostile.mkdir()
    for module in ("json", "sqlite3", "mlmagic", "subprocess"):
        (hostile / f"{module}.py").write_text("raise SystemExit('shadowed')\n")
    monkeypatch.chdir(hostile)
    monkeypatch.setenv("PYTHONPATH", str(hostile))
    record = submit(LocalBackend(workspace), "print('hello')\n")
    monkeypatch.setenv("PYTHONPATH", "")
    assert wait_for(LocalBackend(workspace), record.id).state is JobState.SUCCEEDED


def test_a_workspace_with_a_hostile_name(tmp_path: Path) -> None:
    from mlmagic.workspace.discovery import open_workspace

    parent = tmp_path / "a b\n'\"$(touch x) é"
    parent.mkdir()
    backend = LocalBackend(open_workspace(Workspace(parent / ".mlmagic")))
    assert run(backend, "print('hello')\n").state is JobState.SUCCEEDED


def test_a_system_that_starts_nothing(
    backend: LocalBackend, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_call.sys, "executable", "/nowhere/python")
    with pytest.raises(BackendError) as caught:
        submit(backend, FOREVER, python="/bin/sh")
    (summary,) = backend.list()
    assert str(caught.value) == (
        "the agent, which starts jobs, could not be started: [Errno 2] No such file or directory: '/nowhere/python'\n"
        "Run it again once the machine has room for another process."
    )
    assert (summary.state, summary.error) == (JobState.FAILED, caught.value.message)
    unclaimed = Jobs(workspace).make(FOREVER)
    assert backend.get(unclaimed.id).state is JobState.QUEUED


def test_what_cannot_be_told_to_an_agent_is_not_run_later(backend: LocalBackend, workspace: Workspace) -> None:
    workspace.agent_lock.mkdir()
    with pytest.raises(WorkspaceError) as caught:
        submit(backend, FOREVER)
    (summary,) = backend.list()
    assert str(caught.value).startswith(f"cannot lock {workspace.agent_lock}: Is a directory")
    assert (summary.state, summary.error) == (JobState.FAILED, caught.value.message)


def test_a_spec_that_cannot_run_here(backend: LocalBackend) -> None:
    with pytest.raises(UsageError) as caught:
        submit(backend, FOREVER, python="/nowhere/python", working_directory="/nowhere")
    assert str(caught.value) == (
        "job 'exam' cannot run on the backend 'local':\n"
        "  - its interpreter /nowhere/python is not a program that can be run\n"
        "  - its working directory /nowhere does not exist"
    )
    assert backend.list() == []


def test_a_job_that_can_never_fit_is_refused_with_the_numbers(backend: LocalBackend) -> None:
    with pytest.raises(UsageError, match=r"needs 99999 cores: this machine has \d+"):
        submit(backend, FOREVER, resources=Resources(cores=99999.0))
    assert backend.list() == []


def test_a_deleted_working_directory_is_told(backend: LocalBackend, folder: Path) -> None:
    folder.joinpath("gone").mkdir()
    os.chdir("gone")
    folder.joinpath("gone").rmdir()
    with pytest.raises(UsageError, match="the working directory was deleted"):
        submit(backend, "pass\n")
