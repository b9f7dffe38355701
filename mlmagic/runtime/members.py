"""Finding what a job started.

Its session and descent tell; where its supervisor is gone and has left orphans, the mark in their environment.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlmagic.errors import MlmagicError
from mlmagic.runtime.contract import JOB_ID_VARIABLE
from mlmagic.workspace.processes import ProcessStat, read_stat

_PROC = Path("/proc")


Pids = Callable[[], Collection[int]]


def members(job_id: str, *, session: int | None, root: int | None = None, apart_from: Pids = tuple) -> set[int]:
    """Return the living processes of a job: of `session`, descendants of `root`, and those marked with the job's id.

    Neither the processes in `apart_from`, which is asked once all that run are known, are meant, nor their descendants.
    Without `/proc` there is no cheap way to know; the result is empty, and process groups are all that is ended.
    """
    table = _process_table()
    spared = apart_from()
    mark = f"{JOB_ID_VARIABLE}={job_id}".encode()
    found = set()
    for pid, stat in table.items():
        ancestors = set(_ancestors(pid, table, root))
        if pid == os.getpid() or not ancestors.isdisjoint(spared):
            continue
        if stat.session == session or (root in ancestors and pid != root) or _is_marked(pid, mark):
            found.add(pid)
    return found


def end_members(
    job_id: str,
    *,
    session: int | None,
    root: int | None = None,
    apart_from: Pids = tuple,
    grace: float = 0.0,
) -> set[int]:
    """End what is left of a job, and return whom it took: SIGTERM, `grace` seconds, then SIGKILL."""

    def look() -> set[int]:
        return members(job_id, session=session, root=root, apart_from=apart_from)

    found = look()
    ended = set(found)
    if grace > 0:
        _send(found, signal.SIGTERM)
        # What is stopped does not even see the signal.
        _send(found, signal.SIGCONT)
    deadline = time.monotonic() + grace
    while found and time.monotonic() < deadline:
        time.sleep(0.02)
        found = look()
    # A process that forks while it is being ended leaves a child to the next round.
    for _ in range(100):
        if not found:
            break
        _send(found, signal.SIGKILL)
        time.sleep(0.01)
        found = look()
        ended |= found
    return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """All that the job of a supervisor has started and that still runs."""

    job_id: str
    head: int | None
    """The supervisor, where it leads a session of its own and takes in what its descendants leave behind."""
    neighbours: Pids
    """Who may be found among the descendants without being part of the job: what works for other jobs."""

    def end(self, *, grace: float = 0.0) -> int:
        """End it: SIGTERM, `grace` seconds, then SIGKILL. Return how many processes it was."""
        if not members(self.job_id, session=self.head, root=self.head):
            return 0
        try:
            spared = self.neighbours()
        except MlmagicError:
            # Of descendants it cannot be told for whom they work; session and mark are the job's alone.
            return len(end_members(self.job_id, session=self.head, grace=grace))
        return len(end_members(self.job_id, session=self.head, root=self.head, apart_from=lambda: spared, grace=grace))

    def reap(self, known: Collection[int]) -> None:
        """Reap the dead that this process was made the parent of; `known` are those that it started itself."""
        if self.head is None or not sys.platform.startswith("linux"):
            return
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        with contextlib.suppress(ChildProcessError):
            while (seen := os.waitid(os.P_ALL, 0, options)) is not None and seen.si_pid not in known:
                os.waitpid(seen.si_pid, 0)


def _send(pids: Collection[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _process_table() -> dict[int, ProcessStat]:
    try:
        pids = [int(name) for name in os.listdir(_PROC) if name.isdigit()]  # noqa: PTH208 - half the time of iterdir
    except OSError:
        return {}
    return {pid: stat for pid in pids if (stat := read_stat(pid)) is not None}


def _ancestors(pid: int, table: Mapping[int, ProcessStat], root: int | None) -> Iterator[int]:
    """Yield a process and those that it descends from; none above the root, for who started that one says nothing."""
    while stat := table.get(pid):
        yield pid
        if pid == root:
            return
        pid = stat.parent


def _is_marked(pid: int, mark: bytes) -> bool:
    try:
        return mark in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
