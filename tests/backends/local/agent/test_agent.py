"""The agent as a process: single, quiet, and gone when it has nothing to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.agents import Agents, until

from mlmagic.backends.local.machine import this_machine
from mlmagic.runtime.agent_call import LONGEST_LOG, start_agent, tell_agent
from mlmagic.spec.job import JobState
from mlmagic.spec.resources import Resources
from mlmagic.testing.backends import FOREVER, read_log, submit, wait_for, wait_for_text
from mlmagic.workspace.layout import DELETED_PREFIX, STAGING_PREFIX, Workspace
from mlmagic.workspace.processes import is_alive

ALL_CORES = Resources(cores=float(this_machine().cores))
START = """
import sys
from pathlib import Path
from mlmagic.backends.local.agent.link import AgentLink
from mlmagic.workspace.layout import Workspace
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


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        # Renamed to what it is to be, since it was listed.
        return b""


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
    record = agents.note("import time\ntime.sleep(1.5)\n")
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


def test_jobs_run_in_the_environment_that_they_were_submitted_in(
    agents: Agents, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents.note()
    monkeypatch.setenv("TOKEN", "s3cret")
    record = submit(agents.backend, "import os\nprint('token is', os.environ['TOKEN'])\n")
    assert wait_for(agents.backend, record.id).state is JobState.SUCCEEDED
    assert "token is s3cret" in read_log(agents.backend, record.id)
    files = [path for path in workspace.root.rglob("*") if path.is_file() and path.suffix != ".log"]
    assert not any(b"s3cret" in _content(path) for path in files)


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
