"""Finding what a job started: by session, and by the mark in the environment, which survives a daemon's `setsid`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from mlmagic.runtime.contract import JOB_ID_VARIABLE

_PROC = Path("/proc")


def members(job_id: str, *, session: int | None, apart_from: Collection[int] = ()) -> set[int]:
    """Return the living processes of a job: of `session`, where given, and those marked with the job's id.

    Without `/proc` there is no cheap way to know; the result is empty, and process groups are all that is ended.
    """
    mark = f"{JOB_ID_VARIABLE}={job_id}".encode()
    spared = {os.getpid(), *apart_from}
    return {
        pid
        for pid in _pids()
        if pid not in spared and ((session is not None and _session_of(pid) == session) or _is_marked(pid, mark))
    }


def end_members(job_id: str, *, session: int | None, apart_from: Collection[int] = (), grace: float = 0.0) -> set[int]:
    """End what is left of a job, and return whom it took: SIGTERM, `grace` seconds, then SIGKILL."""
    found = members(job_id, session=session, apart_from=apart_from)
    ended = set(found)
    if grace > 0:
        _send(found, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while found and time.monotonic() < deadline:
        time.sleep(0.02)
        found = members(job_id, session=session, apart_from=apart_from)
    # A process that forks while it is being ended leaves a child to the next round.
    for _ in range(100):
        if not found:
            break
        _send(found, signal.SIGKILL)
        time.sleep(0.01)
        found = members(job_id, session=session, apart_from=apart_from)
        ended |= found
    return ended


def end_leftovers(job_id: str, *, grace: float = 0.0) -> int:
    """End what a program has left running, in the calling supervisor's session or elsewhere; return how many it was."""
    own_session = os.getsid(0)
    return len(end_members(job_id, session=own_session if own_session == os.getpid() else None, grace=grace))


def _send(pids: Collection[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _pids() -> Iterator[int]:
    try:
        entries = list(_PROC.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.isdigit():
            yield int(entry.name)


def _session_of(pid: int) -> int | None:
    """Return the session of a process; None for one that is gone, or dead and not yet reaped."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The second field is the program's name in parentheses, which may itself hold blanks and parentheses.
    fields = text[text.rindex(b")") + 2 :].split()
    return None if fields[0] in {b"Z", b"X"} else int(fields[3])


def _is_marked(pid: int, mark: bytes) -> bool:
    try:
        return mark in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
