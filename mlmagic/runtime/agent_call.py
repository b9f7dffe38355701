"""Calling a workspace's agent: a datagram if there is one, else its start.

Whoever calls has already written what it is about into the database. A new agent reads that after it has begun to
listen, so of the two ways one always works.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlmagic.runtime.agent_lock import take_lock
from mlmagic.runtime.detached import start_detached
from mlmagic.spec.codec import DecodeError, loads
from mlmagic.workspace.files import explained
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity, heartbeat_age, is_alive, is_elsewhere, is_gone, is_stopped

STALE_SECONDS = 10.0
"""An agent that has not touched its file for so long does not run; it does so every few seconds."""
START_SECONDS = 30.0
"""A lock older than this is not that of an agent that is still starting."""
LONGEST_LOG = 1 << 20
_ENTRY = Path(__file__).parents[1] / "backends" / "local" / "agent" / "__main__.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord(ProcessIdentity):
    """`agent.json`: the agent's process, and how to reach it."""

    socket: str = ""
    runtime_folder: str = ""
    version: str = ""
    """Of mlmagic."""
    lock: int | None = None
    """The inode of its lock: that of a workspace which was copied is another."""


def read_agent(workspace: Workspace) -> AgentRecord | None:
    """Return what the agent says of itself, which may have died since; None if there has been none."""
    try:
        agent = loads(AgentRecord, workspace.agent.read_bytes())
        is_this_workspaces = agent.lock in {None, workspace.agent_lock.stat().st_ino}
    except (OSError, DecodeError):
        return None
    # Another machine may number files in its own way.
    return agent if is_this_workspaces or is_elsewhere(agent) else None


def wake_agent(workspace: Workspace) -> None:
    """Have the agent look at the queue, and start one if there is none. Never waits for its answer.

    Raises:
        BackendError: the system refuses to start a process.
        WorkspaceError: the workspace cannot be written.
    """
    if not tell_agent(workspace, {"do": "wake"}):
        start_agent(workspace)


def tell_agent(workspace: Workspace, message: Mapping[str, str]) -> bool:
    """Send a message, and say whether there is an agent that will read it."""
    agent = read_agent(workspace)
    if agent is None:
        return False
    if is_elsewhere(agent):
        # It cannot be told; but it also looks by itself now and then.
        age = heartbeat_age(workspace.agent)
        return age is not None and age < START_SECONDS
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as caller:
            caller.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
            caller.sendto(json.dumps(message).encode(), agent.socket)
    except BlockingIOError:
        # Others have told it so much already that it will look.
        return continue_agent(workspace, agent)
    except OSError:
        return False
    return continue_agent(workspace, agent)


def continue_agent(workspace: Workspace, agent: AgentRecord) -> bool:
    """Say whether the agent runs; one that was stopped does so from now on."""
    if not is_alive(agent):
        age = heartbeat_age(workspace.agent)
        return age is not None and age < STALE_SECONDS
    # However young its last sign of life is: this may be the last call for a long time.
    if is_stopped(agent.pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(agent.pid, signal.SIGCONT)
    return True


def start_agent(workspace: Workspace, message: Mapping[str, str] | None = None) -> bool:
    """Start an agent unless there is one, or somebody is about to; say whether this call did.

    The message is the first that it gets.

    It runs under this interpreter, isolated from the notebook's folder and PYTHONPATH, whose files could pass for
    modules of the standard library. It keeps none of this process's files, sockets and terminal.

    Raises:
        BackendError: the system refuses to start a process.
        WorkspaceError: the workspace cannot be written.
    """
    with explained(f"lock {workspace.agent_lock}"):
        lock = take_lock(workspace.agent_lock)
        if lock is None and _nobody_answers(workspace):
            workspace.agent_lock.unlink(missing_ok=True)
            lock = take_lock(workspace.agent_lock)
    if lock is None:
        return False
    try:
        _start(workspace, lock, message or {"do": "wake"})
    finally:
        os.close(lock)
    return True


def _start(workspace: Workspace, lock: int, message: Mapping[str, str]) -> None:
    root = os.path.abspath(workspace.root)  # noqa: PTH100 - as it is named, links and all
    command = [sys.executable, "-I", str(_ENTRY), root, str(lock), json.dumps(message)]
    start_detached(
        command,
        workspace.agent_log,
        longest_log=LONGEST_LOG,
        descriptors=[lock],
        what="the agent, which starts jobs,",
    )


def _nobody_answers(workspace: Workspace) -> bool:
    """Say whether the lock is held by another process than an agent, which has inherited it by accident."""
    held, agent = heartbeat_age(workspace.agent_lock), read_agent(workspace)
    if held is None or held < START_SECONDS:
        return False
    return agent is None or is_gone(agent, workspace.agent)
