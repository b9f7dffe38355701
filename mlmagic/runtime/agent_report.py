"""What can be seen of a workspace's agent from outside: whether it runs, and what it keeps in memory."""

from __future__ import annotations

from mlmagic.runtime.agent_call import read_agent
from mlmagic.spec.report import AgentReport
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import is_alive, is_elsewhere

_SERVER = "forkserver/__main__.py"
# Besides its own words, the command line of a fork server names what it has imported.
_PRELOADED = "tensorflow"


def report_agent(workspace: Workspace) -> AgentReport:
    """Return how the agent is; nothing is started or changed."""
    agent = read_agent(workspace)
    if agent is None:
        return AgentReport()
    if is_elsewhere(agent):
        return AgentReport(host=agent.host)
    return AgentReport(pid=agent.pid, warm_bytes=_warm_bytes(agent.pid)) if is_alive(agent) else AgentReport()


def _warm_bytes(pid: int) -> tuple[int, ...]:
    """Return how much memory each process that keeps TensorFlow has; the agent's children are its fork servers."""
    import psutil

    sizes = []
    try:
        for child in psutil.Process(pid).children():
            words = child.cmdline()
            if _PRELOADED in words and any(word.endswith(_SERVER) for word in words):
                sizes.append(child.memory_info().rss)
    except psutil.Error:
        # It has just ended, or belongs to somebody else.
        return tuple(sizes)
    return tuple(sizes)
