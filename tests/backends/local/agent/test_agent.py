"""The agent as a process: single, gone when idle, and not missed when it is killed."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from support.agents import Agents, until
from support.disks import fill, small_disk
from support.queued import Jobs, is_running

from mlmagic.backends.local.agent.link import AgentLink
from mlmagic.backends.local.agent.loop import Agent
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.backends.local.machine import this_machine
from mlmagic.errors import WorkspaceError
from mlmagic.runtime.agent_call import LONGEST_LOG, AgentRecord, read_agent, start_agent, tell_agent
from mlmagic.spec.codec import dumps
from mlmagic.spec.job import JobState
from mlmagic.spec.resources import Resources
from mlmagic.testing.backends import FOREVER, read_log, submit, wait_for, wait_for_text
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import DELETED_PREFIX, STAGING_PREFIX, Workspace
from mlmagic.workspace.processes import ProcessIdentity, is_alive
from mlmagic.workspace.runtime_folder import RuntimeFolder

ALL_CORES = Resources(cores=float(this_machine().cores))
START = """
import sys
from pathlib import Path
from mlmagic.backends.local.agent.link import AgentLink
from mlmagic.workspace.layout import DELETED_PREFIX, STAGING_PREFIX, Workspace
sys.stdin.readline()
AgentLink(Workspace(Path(sys.argv[1])), {}).wake()
"""


def agents_of(workspace: Workspace) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(workspace.root).encode() in words and any(word.endswith(b"agent/__main__.py") for word in words):
                found.append(int(entry.name))
    return found


def test_agents_started_at_once_are_one(workspace: Workspace, agents: Agents) -> None:
    command = [sys.executable, "-c", START, str(workspace.root)]
    starters = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(4)]
    for starter in starters:
        starter.communicate("\n", timeout=60)
    agent = agents.current()
    assert [starter.returncode for starter in starters] == [0] * 4
    assert agents_of(workspace) == [agent.pid]


def test_it_ends_when_it_has_nothing_to_do(workspace: Workspace, agents: Agents) -> None:
    record = agents.note()
    agent = agents.current()
    assert wait_for(agents.backend, record.id).state is JobState.SUCCEEDED
    until(lambda: not is_alive(agent))
    assert not workspace.agent.exists()
    assert not workspace.agent_lock.exists()
    assert not Path(agent.socket).exists()
    assert wait_for(agents.backend, agents.note().id).state is JobState.SUCCEEDED


def test_it_stays_while_a_job_runs(agents: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLMAGIC_AGENT_IDLE_SECONDS", "0")
    record = agents.note("import time\ntime.sleep(3)\n")
    agent = agents.current()
    while not agents.backend.get(record.id).state.is_final:
        assert is_alive(agent) or agents.backend.get(record.id).state.is_final
    until(lambda: not is_alive(agent))


def test_it_is_nobodys_child_and_says_nothing(workspace: Workspace, agents: Agents) -> None:
    record = agents.note()
    agent = agents.current()
    assert os.getsid(agent.pid) != os.getsid(0)
    assert Path(f"/proc/{agent.pid}/cwd").readlink() == Path("/")
    assert Path(agent.socket).stat().st_mode & 0o777 == 0o600
    wait_for(agents.backend, record.id)
    until(lambda: not is_alive(agent))
    assert workspace.agent_log.read_text() == ""


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


def test_jobs_wait_for_cores_in_their_order(agents: Agents) -> None:
    first = submit(agents.backend, FOREVER, resources=ALL_CORES)
    wait_for_text(agents.backend, first.id, "begun")
    later, urgent = agents.note(resources=ALL_CORES), agents.note(resources=ALL_CORES, priority=1)
    assert agents.backend.waiting_for(later.id) == "1 job before it"
    assert agents.backend.waiting_for(urgent.id) == f"{this_machine().cores} cores: {first.id} has them"
    assert agents.backend.waiting_for(first.id) is None
    agents.backend.cancel(first.id)
    ended = [wait_for(agents.backend, job_id) for job_id in (urgent.id, later.id)]
    assert ended[0].end_time < ended[1].start_time  # type: ignore[operator]


def test_a_workspace_that_was_removed(workspace: Workspace, agents: Agents) -> None:
    record = agents.note()
    agent = agents.current()
    wait_for(agents.backend, record.id)
    # Files come and go in it as long as somebody works there.
    until(lambda: shutil.rmtree(workspace.root, ignore_errors=True) or not workspace.root.exists())
    until(lambda: not is_alive(agent))
    assert not workspace.root.exists()


def test_another_process_under_its_number_is_no_agent(workspace: Workspace, agents: Agents) -> None:
    own = ProcessIdentity.current()
    stale = AgentRecord(pid=own.pid, start_time=own.start_time - 1, boot_id=own.boot_id, socket="/nowhere")
    workspace.agent.write_text(dumps(stale))
    assert not AgentLink(workspace, os.environ).is_alive()
    assert wait_for(agents.backend, agents.note().id).state is JobState.SUCCEEDED


def test_a_lock_that_a_stranger_has_inherited_does_not_count_for_ever(workspace: Workspace, agents: Agents) -> None:
    import fcntl

    with workspace.agent_lock.open("w") as stranger:
        fcntl.flock(stranger, fcntl.LOCK_EX)
        assert not start_agent(workspace)
        os.utime(workspace.agent_lock, (time.time() - 31,) * 2)
        assert wait_for(agents.backend, agents.note().id).state is JobState.SUCCEEDED


def test_an_agent_whose_lock_was_taken_away_ends(workspace: Workspace, agents: Agents) -> None:
    job_id = submit(agents.backend, FOREVER).id
    wait_for_text(agents.backend, job_id, "begun")
    agent = agents.current()
    workspace.agent_lock.unlink()
    until(lambda: not is_alive(agent))
    assert agents.backend.get(job_id).state is JobState.RUNNING


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


def test_a_workspace_that_was_copied_has_an_agent_of_its_own(
    agents: Agents, workspace: Workspace, tmp_path: Path
) -> None:
    job_id = submit(agents.backend, FOREVER).id
    wait_for_text(agents.backend, job_id, "begun")
    copy = Workspace(tmp_path / "copy")
    copy.root.mkdir(0o700)
    for name in ("agent.json", "agent.lock"):
        shutil.copy2(workspace.root / name, copy.root / name)
    others = Agents(copy)
    assert read_agent(copy) is None
    agent = agents.current()
    copy.agent.write_text(dumps(dataclasses.replace(agent, host="another", boot_id="another")))
    # Another machine may number files in its own way.
    assert read_agent(copy) is not None
    shutil.copy2(workspace.agent, copy.agent)
    assert wait_for(others.backend, others.note().id).state is JobState.SUCCEEDED
    assert others.current().pid != agent.pid


def test_jobs_run_in_the_environment_that_they_were_submitted_in(
    agents: Agents, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents.note()
    monkeypatch.setenv("TOKEN", "s3cret")
    record = submit(agents.backend, "import os\nprint('token is', os.environ['TOKEN'])\n")
    assert wait_for(agents.backend, record.id).state is JobState.SUCCEEDED
    assert "token is s3cret" in read_log(agents.backend, record.id)
    files = [path for path in workspace.root.rglob("*") if path.is_file() and path.suffix != ".log"]
    assert not any(b"s3cret" in path.read_bytes() for path in files)


def test_messages_that_are_none_change_nothing(workspace: Workspace, agents: Agents) -> None:
    submit(agents.backend, FOREVER)
    agent = agents.current()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller:
        for data in (b"", b"\xff", b"[]", b'{"do": 1}', b'{"do": "dance"}', b'{"do": "prewarm"}', b"x" * 9999):
            caller.sendto(data, agent.socket)
    assert tell_agent(workspace, {"do": "prewarm", "python": sys.executable, "environment": "../../etc/passwd"})
    assert wait_for(agents.backend, agents.note().id).state is JobState.SUCCEEDED
    assert agents.current() == agent
    assert workspace.agent_log.read_text() == ""


def test_an_older_agent_is_replaced(workspace: Workspace, agents: Agents) -> None:
    job_id = submit(agents.backend, FOREVER).id
    wait_for_text(agents.backend, job_id, "begun")
    agent = agents.current()
    document = json.loads(workspace.agent.read_text())
    workspace.agent.write_text(json.dumps(document | {"version": "0.0.1"}))
    AgentLink(workspace, os.environ).wake()
    assert not is_alive(agent)
    assert agents.current().pid != agent.pid
    assert agents.backend.get(job_id).state is JobState.RUNNING


def test_an_older_agent_is_replaced_each_time(workspace: Workspace, agents: Agents) -> None:
    link = AgentLink(workspace, os.environ)
    pids = []
    submit(agents.backend, FOREVER)
    for _ in range(2):
        document = json.loads(workspace.agent.read_text()) if agents.current() else {}
        pids.append(document["pid"])
        workspace.agent.write_text(json.dumps(document | {"version": "0.0.1"}))
        link.wake()
    assert agents.current().pid not in pids
    assert pids[0] != pids[1]


def test_one_that_was_given_up_while_it_started_leaves_the_other_alone(workspace: Workspace, agents: Agents) -> None:
    submit(agents.backend, FOREVER)
    agent = agents.current()
    with (workspace.root / "old.lock").open("w") as lock:
        Agent(workspace, RuntimeFolder(Path(agent.runtime_folder)), lock.fileno()).run()
    assert agents.current() == agent
    assert tell_agent(workspace, {"do": "wake"})


def test_what_killed_kernels_left_half_made_is_removed(workspace: Workspace, agents: Agents) -> None:
    old, young = workspace.jobs / f"{STAGING_PREFIX}old", workspace.jobs / f"{DELETED_PREFIX}young"
    for folder in (old, young):
        folder.joinpath("package").mkdir(parents=True)
    os.utime(old, (time.time() - 3700,) * 2)
    assert wait_for(agents.backend, agents.note().id).state is JobState.SUCCEEDED
    until(lambda: not old.exists())
    assert young.exists()


def test_the_log_of_agents_stays_small(workspace: Workspace, agents: Agents) -> None:
    workspace.agent_log.write_bytes(b"x" * (LONGEST_LOG + 1))
    start_agent(workspace)
    assert workspace.agent_log.stat().st_size == 0


def test_a_socket_that_was_tidied_away_comes_back(workspace: Workspace, agents: Agents) -> None:
    job_id = submit(agents.backend, FOREVER).id
    wait_for_text(agents.backend, job_id, "begun")
    agent = agents.current()
    Path(agent.socket).unlink()
    until(lambda: tell_agent(workspace, {"do": "wake"}))
    assert agents.current() == agent


def test_an_agent_without_a_place_for_its_socket_is_followed_by_another(workspace: Workspace, agents: Agents) -> None:
    job_id = submit(agents.backend, FOREVER).id
    wait_for_text(agents.backend, job_id, "begun")
    agent = agents.current()
    shutil.rmtree(agent.runtime_folder)
    until(lambda: not is_alive(agent))
    assert agents.current().pid != agent.pid


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
