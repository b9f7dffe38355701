"""The agent, as those see it who submit and read jobs."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping
from pathlib import Path

import mlmagic
from mlmagic.errors import WorkspaceError
from mlmagic.runtime.agent_call import continue_agent, read_agent, start_agent, tell_agent, wake_agent
from mlmagic.runtime.environments import EnvironmentStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import is_alive, is_elsewhere
from mlmagic.workspace.runtime_folder import RuntimeFolder

_END_SECONDS = 5.0


class AgentLink:
    """Reaches the agent of a workspace, and starts it where there is none. `environ` says where sockets may lie."""

    def __init__(self, workspace: Workspace, environ: Mapping[str, str]) -> None:
        self._workspace = workspace
        self._environ = environ

    def wake(self) -> None:
        """Have the agent look at the queue, and start one if there is none.

        Raises:
            BackendError: the system refuses to start a process.
            WorkspaceError: the workspace cannot be written.
        """
        self._replace_older()
        wake_agent(self._workspace)

    def prewarm(self, python: str, environment: str) -> None:
        """Have the agent make ready for jobs of this interpreter and kept environment; start one if there is none.

        Raises:
            BackendError: the system refuses to start a process.
            WorkspaceError: the workspace cannot be written.
        """
        message = {"do": "prewarm", "python": python, "environment": environment}
        self._replace_older()
        if not tell_agent(self._workspace, message):
            start_agent(self._workspace, message)

    def ensure(self) -> None:
        """See that there is an agent that runs, and return at once.

        Raises:
            BackendError: the system refuses to start a process.
            WorkspaceError: the workspace cannot be written.
        """
        if not self.is_alive():
            start_agent(self._workspace)

    def is_alive(self) -> bool:
        """Say whether there is an agent; one that was stopped goes on from now on."""
        agent = read_agent(self._workspace)
        if agent is None:
            return False
        if is_elsewhere(agent):
            return tell_agent(self._workspace, {})
        return is_alive(agent) and continue_agent(self._workspace, agent)

    def stop(self) -> None:
        """Have the agent end, and wait until it has; jobs go on, and the next call starts another."""
        agent = read_agent(self._workspace)
        tell_agent(self._workspace, {"do": "end"})
        deadline = time.monotonic() + _END_SECONDS
        while agent is not None and is_alive(agent) and time.monotonic() < deadline:
            time.sleep(0.01)

    @property
    def environments(self) -> EnvironmentStore:
        """Where the agent finds environments.

        Raises:
            WorkspaceError: the folder cannot be trusted, or not be made.
        """
        agent = read_agent(self._workspace)
        if agent is not None and not is_elsewhere(agent) and agent.runtime_folder:
            with contextlib.suppress(WorkspaceError):
                return EnvironmentStore(RuntimeFolder(Path(agent.runtime_folder)).check())
        return EnvironmentStore(RuntimeFolder.make(self._workspace, self._environ))

    def _replace_older(self) -> None:
        """End an agent that runs an older mlmagic than this process: it may not know what newer jobs need.

        Each time anew, for a process with that older one may have started the agent.
        """
        agent = read_agent(self._workspace)
        if agent is None or agent.version == mlmagic.__version__:
            return
        if _numbers(agent.version) < _numbers(mlmagic.__version__) and is_alive(agent):
            self.stop()


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
