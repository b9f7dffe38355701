"""The agent's place: its lock, its record and its socket, whoever takes them away or puts others there."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from pathlib import Path

from support.agents import Agents, until

from mlmagic.backends.local.agent.link import AgentLink
from mlmagic.backends.local.agent.loop import Agent
from mlmagic.runtime.agent_call import AgentRecord, read_agent, start_agent, tell_agent
from mlmagic.spec.codec import dumps
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import FOREVER, submit, wait_for, wait_for_text
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity, is_alive
from mlmagic.workspace.runtime_folder import RuntimeFolder


def test_a_workspace_that_was_removed(workspace: Workspace, agents: Agents) -> None:
    record = agents.note()
    agent = agents.current()
    wait_for(agents.backend, record.id)
    # At once: of a folder that is removed file by file, the agent would miss its lock first.
    gone = workspace.root.rename(workspace.root.with_name("gone"))
    until(lambda: not is_alive(agent))
    shutil.rmtree(gone)
    assert not workspace.root.exists()
    assert not Path(agent.runtime_folder).exists()


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
