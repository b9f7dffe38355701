"""Killed, stopped and robbed, agents and supervisors are not missed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest
from support.agents import Agents, until
from support.disks import fill, small_disk
from support.queued import Jobs, is_running

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.backends.local.machine import this_machine
from mlmagic.errors import WorkspaceError
from mlmagic.spec.job import JobState
from mlmagic.spec.resources import Resources
from mlmagic.testing.backends import FOREVER, read_log, submit, wait_for, wait_for_text
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import is_alive

ALL_CORES = Resources(cores=float(this_machine().cores))


@pytest.mark.slow
def test_killed_at_random_instants_each_job_runs_once(agents: Agents) -> None:
    chance = random.Random()  # noqa: S311 - whatever the instants are, it must hold
    records = [agents.note("import time\ntime.sleep(0.02)\n", name=f"job{number}") for number in range(30)]
    for _ in range(12):
        time.sleep(chance.uniform(0.0, 0.6))
        agents.backend.list()
        agents.kill()
    ended = [wait_for(agents.backend, record.id) for record in records]
    assert {(record.state, record.attempt) for record in ended} == {(JobState.SUCCEEDED, 1)}
    assert agents.notes() == {record.id: 1 for record in records}


def test_a_full_disk_is_waited_out(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        agents = Agents(open_workspace(Workspace(disk / ".mlmagic")))
        first = submit(agents.backend, FOREVER, resources=ALL_CORES)
        record = agents.note()
        wait_for_text(agents.backend, first.id, "begun")
        agent = agents.current()
        fill(disk / "filler")
        with pytest.raises(WorkspaceError, match="full"):
            agents.note()
        (disk / "filler").unlink()
        agents.backend.cancel(first.id)
        assert wait_for(agents.backend, record.id).state is JobState.SUCCEEDED
        assert agents.current() == agent
        until(lambda: not is_alive(agent))


def test_a_job_goes_on_when_the_agent_is_killed(agents: Agents) -> None:
    job_id = submit(agents.backend, "print('begun')\nimport time\ntime.sleep(1)\nprint('went on')\n").id
    wait_for_text(agents.backend, job_id, "begun")
    agents.kill()
    assert wait_for(agents.backend, job_id).state is JobState.SUCCEEDED
    assert "went on" in read_log(agents.backend, job_id)


def test_a_killed_agents_servers_end(agents: Agents) -> None:
    record = agents.note()
    agent = agents.current()
    wait_for(agents.backend, record.id)
    children = Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()
    agents.kill()
    until(lambda: not any(is_running(int(child)) for child in children))
    assert children


def test_a_stopped_agent_is_continued_by_a_submission(workspace: Workspace, agents: Agents) -> None:
    submit(agents.backend, FOREVER)
    agent = agents.current()
    os.kill(agent.pid, signal.SIGSTOP)
    os.utime(workspace.agent, (time.time() - 11,) * 2)
    assert wait_for(agents.backend, agents.note().id).state is JobState.SUCCEEDED
    assert agents.current().pid == agent.pid


def test_a_stopped_agent_is_continued_by_a_reader(workspace: Workspace, agents: Agents) -> None:
    running = submit(agents.backend, FOREVER, resources=ALL_CORES)
    waiting = agents.note()
    agent = agents.current()
    wait_for_text(agents.backend, running.id, "begun")
    os.kill(agent.pid, signal.SIGSTOP)
    os.utime(workspace.agent, (time.time() - 11,) * 2)
    agents.backend.cancel(running.id)
    assert wait_for(agents.backend, waiting.id).state is JobState.SUCCEEDED


def test_a_stopped_agent_is_continued_by_a_supervisor(workspace: Workspace, agents: Agents) -> None:
    running = submit(agents.backend, FOREVER, resources=ALL_CORES)
    waiting = agents.note()
    wait_for_text(agents.backend, running.id, "begun")
    (supervisor,) = Jobs(workspace).store.claims(running.id).values()
    os.kill(agents.current().pid, signal.SIGSTOP)
    os.kill(supervisor.pid, signal.SIGTERM)
    # Nobody but the supervisor calls the agent, whose last sign of life is young.
    until(lambda: Jobs(workspace).store.get(waiting.id).state is JobState.SUCCEEDED)


def test_a_stopped_supervisor_is_continued(agents: Agents, workspace: Workspace) -> None:
    job_id = submit(agents.backend, FOREVER, timeout_seconds=1.0).id
    wait_for(agents.backend, job_id, JobState.RUNNING)
    (supervisor,) = Jobs(workspace).store.claims(job_id).values()
    os.kill(supervisor.pid, signal.SIGSTOP)
    assert wait_for(agents.backend, job_id).state is JobState.FAILED


def test_what_was_killed_is_found_without_a_reader(agents: Agents, workspace: Workspace) -> None:
    job_id = submit(agents.backend, FOREVER).id
    wait_for_text(agents.backend, job_id, "begun")
    store = Jobs(workspace).store
    (supervisor,) = store.claims(job_id).values()
    os.kill(supervisor.pid, signal.SIGKILL)
    until(lambda: store.get(job_id).state is JobState.FAILED)


def test_environments_that_are_gone_are_told(agents: Agents, workspace: Workspace) -> None:
    first = submit(agents.backend, FOREVER, resources=ALL_CORES)
    record = submit(agents.backend, "print('ran')\n")
    (kept,) = Path(agents.current().runtime_folder).joinpath("environments").glob("*.json")
    kept.unlink()
    agents.backend.cancel(first.id)
    assert wait_for(agents.backend, record.id).state is JobState.SUCCEEDED
    assert "its environment variables are gone" in read_log(agents.backend, record.id)


def test_another_agent_finds_the_environments_of_one_that_was_killed(
    agents: Agents, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = submit(agents.backend, FOREVER, resources=ALL_CORES)
    wait_for_text(agents.backend, first.id, "begun")
    monkeypatch.setenv("TOKEN", "s3cret")
    record = submit(agents.backend, "import os\nprint('token is', os.environ['TOKEN'])\n")
    agents.kill()
    monkeypatch.delenv("TOKEN")
    with tempfile.TemporaryDirectory(prefix="mlm-") as another:
        monkeypatch.setenv("XDG_RUNTIME_DIR", another)
        assert LocalBackend(workspace).get(record.id).state is JobState.QUEUED
        agents.current()
        LocalBackend(workspace).cancel(first.id)
        assert wait_for(LocalBackend(workspace), record.id).state is JobState.SUCCEEDED
    assert "token is s3cret" in read_log(agents.backend, record.id)


def test_a_damaged_database_is_survived(workspace: Workspace, agents: Agents) -> None:
    job_id = submit(agents.backend, FOREVER).id
    wait_for_text(agents.backend, job_id, "begun")
    agent = agents.current()
    Database(workspace).rebuild()
    record = agents.note()
    assert wait_for(agents.backend, record.id).state is JobState.SUCCEEDED
    assert is_alive(agent)
    agents.backend.cancel(job_id)
    assert wait_for(agents.backend, job_id).state is JobState.CANCELLED


def test_a_queued_job_whose_folder_was_removed_fails(workspace: Workspace, agents: Agents) -> None:
    first = submit(agents.backend, FOREVER, resources=ALL_CORES)
    record = agents.note()
    shutil.rmtree(workspace.job(record.id).root)
    agents.backend.cancel(first.id)
    ended = wait_for(agents.backend, record.id)
    assert (ended.state, ended.error and ended.error.message) == (
        JobState.FAILED,
        "its folder was removed before it began",
    )


def test_a_restart_of_the_machine_leaves_lost_jobs(workspace: Workspace, agents: Agents) -> None:
    job_id = submit(agents.backend, FOREVER, max_retries=3).id
    wait_for_text(agents.backend, job_id, "begun")
    restarted = LocalBackend(workspace, boot_id="another")
    assert restarted.get(job_id).state is JobState.LOST
    assert restarted.changes(job_id)[-1].state is JobState.LOST
    again = restarted.submit(restarted.get(job_id).spec, restarted.package(job_id))
    assert again.state is JobState.QUEUED
    restarted.cancel(again.id)
    (supervisor,) = Jobs(workspace).store.claims(job_id).values()
    os.kill(supervisor.pid, signal.SIGTERM)
    until(lambda: not is_alive(supervisor))
