"""Which process is meant: a number alone is given to another process sooner or later."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mlmagic.spec.noun import Noun

_PROC = Path("/proc/self/stat")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_ENDED = frozenset("ZXx")
_STOPPED = frozenset("Tt")

STALE_SECONDS = 60.0
"""A file that is touched every few seconds by a process elsewhere is this old when the process must be gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity(Noun):
    """A process that no other can be taken for, as long as the machine is not started again."""

    pid: int
    start_time: int
    """Linux: clock ticks since boot. Elsewhere: microseconds since 1970."""
    boot_id: str
    host: str | None = None
    """The machine's name; None in what an older version wrote, like `namespace`."""
    namespace: str | None = None
    """Linux: of its process numbers. Those of another container mean other processes."""

    @classmethod
    def current(cls, *, boot_id: str | None = None) -> Self:
        """Return the identity of this process."""
        identity = cls.of(os.getpid(), boot_id=boot_id)
        if identity is None:
            raise RuntimeError("this process cannot see itself in the process table")
        return identity

    @classmethod
    def of(cls, pid: int, *, boot_id: str | None = None) -> Self | None:
        """Return the identity of a process, or None if there is none; a zombie is none."""
        start_time = _start_time(pid)
        if start_time is None:
            return None
        return cls(
            pid=pid,
            start_time=start_time,
            boot_id=boot_id or current_boot_id(),
            host=_current_host(),
            namespace=_current_namespace(),
        )


def is_alive(identity: ProcessIdentity, *, boot_id: str | None = None) -> bool:
    """Say whether the process still runs here. `boot_id` stands in for the machine's, to play a restart.

    Of a process elsewhere this knows nothing, and says no.
    """
    is_here = same_boot(identity, boot_id=boot_id) and not is_elsewhere(identity, boot_id=boot_id)
    return is_here and _start_time(identity.pid) == identity.start_time


def is_gone(identity: ProcessIdentity, heartbeat: Path, *, boot_id: str | None = None) -> bool:
    """Say whether the process runs no more, wherever it ran; `heartbeat` is the file that it touches now and then."""
    if not is_elsewhere(identity, boot_id=boot_id):
        return not is_alive(identity, boot_id=boot_id)
    age = heartbeat_age(heartbeat)
    return age is None or age > STALE_SECONDS


def is_elsewhere(identity: ProcessIdentity, *, boot_id: str | None = None) -> bool:
    """Say whether the process ran on another machine, or in another container, so that its number tells nothing."""
    if same_boot(identity, boot_id=boot_id):
        return identity.namespace not in {None, _current_namespace()}
    return identity.host not in {None, _current_host()}


def same_boot(identity: ProcessIdentity, *, boot_id: str | None = None) -> bool:
    """Say whether the machine that is running has not been restarted since the process was started."""
    return identity.boot_id == (boot_id or current_boot_id())


def heartbeat_age(path: Path) -> float | None:
    """Return how many seconds ago a file was touched; None if it is not there."""
    try:
        # A clock may have been set back.
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return None


def is_stopped(pid: int) -> bool:
    """Say whether the process was stopped by a signal, and waits to be continued."""
    stat = read_stat(pid)
    return stat is not None and stat.is_stopped


def current_boot_id() -> str:
    """Return what changes with every start of the machine and with nothing else."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def _current_host() -> str:
    return os.uname().nodename


def _current_namespace() -> str | None:
    try:
        return os.readlink(_NAMESPACE)  # noqa: PTH115 - the link's text is the name
    except OSError:
        return None


def _start_time(pid: int) -> int | None:
    return _start_time_from_proc(pid) if _PROC.exists() else _start_time_from_psutil(pid)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStat:
    """What Linux tells about a process that has not ended."""

    pid: int
    parent: int
    session: int
    start_time: int
    """In clock ticks since boot."""
    is_stopped: bool = False
    """By a signal or a debugger."""


def read_stat(pid: int) -> ProcessStat | None:
    """Return what `/proc` tells about a process; None for one that is gone, or dead and not yet reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # Field 2 is the program's name in parentheses, which may itself hold spaces and parentheses.
    fields = stat[stat.rindex(b")") + 2 :].decode("ascii").split()
    if fields[0] in _ENDED:
        return None
    return ProcessStat(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        start_time=int(fields[19]),
        is_stopped=fields[0] in _STOPPED,
    )


def _start_time_from_proc(pid: int) -> int | None:
    stat = read_stat(pid)
    return None if stat is None else stat.start_time


def _start_time_from_psutil(pid: int) -> int | None:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return int(process.create_time() * 1_000_000)
    except psutil.NoSuchProcess:
        return None
