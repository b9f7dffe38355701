"""Agents that are looked at, killed and stopped, and programs that note that they ran."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.runtime.agent_call import AgentRecord, read_agent
from mlmagic.spec.job import JobRecord
from mlmagic.testing.backends import PATIENCE_SECONDS, submit, wait_for
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import is_alive

NOTE = "import os\nwith open({path!r}, 'a') as ledger:\n    ledger.write(os.environ['CLOUD_ML_JOB_ID'] + '\\n')\n"


def until(condition: Callable[[], bool]) -> None:
    """Wait for what is bound to happen."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "what is waited for never came"
        time.sleep(0.01)


class Agents:
    """The agents of a workspace, and a backend to submit with."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.backend = LocalBackend(workspace)
        self._ledger = workspace.root.parent / "ledger"

    def current(self) -> AgentRecord:
        """The agent that runs, waited for."""
        until(lambda: (found := read_agent(self.workspace)) is not None and is_alive(found))
        found = read_agent(self.workspace)
        assert found is not None
        return found

    def kill(self) -> None:
        agent = read_agent(self.workspace)
        if agent is not None and is_alive(agent):
            os.kill(agent.pid, signal.SIGKILL)
            until(lambda: not is_alive(agent))

    def note(self, source: str = "", **fields: object) -> JobRecord:
        """Submit a program that notes that it ran, and goes on as `source` says."""
        return submit(self.backend, NOTE.format(path=str(self._ledger)) + source, **fields)

    def notes(self) -> Counter[str]:
        """How often each job ran."""
        return Counter(self._ledger.read_text().split())

    def end(self) -> None:
        if not self.workspace.root.exists():
            return
        for summary in self.backend.list():
            if not summary.state.is_final:
                self.backend.cancel(summary.id)
                wait_for(self.backend, summary.id)
