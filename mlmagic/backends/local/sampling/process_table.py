"""The processes of jobs, found by one pass over /proc; elsewhere by psutil."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, Protocol

_PROC = "/proc"
_SECONDS_PER_TICK = 1.0 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Now and then everything is looked at again: a number that was another's may have become that of one of ours.
_FORGET_AFTER = 30


class Process(NamedTuple):
    """A process as it is now. Not a dataclass: there is one for each process and second."""

    pid: int
    parent: int
    group: int
    session: int
    start: float
    """By the table's clock; with the pid it names the process."""
    cpu: float
    """Processor seconds so far, like `children_cpu`: that of children which have ended and were waited for."""
    children_cpu: float
    resident: int
    """Bytes, shared ones too."""


class Memory(NamedTuple):
    """What a process holds, in bytes: its own, and its part of what it shares."""

    private: int
    shared: int


Table = Mapping[int, list[Process]]


class ProcessTable(Protocol):
    """Where processes are looked up."""

    def clock(self) -> float:
        """Return the time by which processes start."""
        ...

    def scan(self, supervisors: Collection[int]) -> Table:
        """Return for each supervisor what it started, at any remove; it itself, if it is there, is first."""
        ...

    def memory(self, pid: int) -> Memory | None:
        """Measure, which takes a while; None where that is not possible."""
        ...


def process_table() -> ProcessTable:
    """Return the table of this machine."""
    return ProcTable() if os.path.exists(f"{_PROC}/self/stat") else PsutilTable()  # noqa: PTH110


class _Owners:
    """Tells whose process it is: by its session, its ancestors, or because it was so before."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, float], int] = {}

    def sort(self, processes: Mapping[int, Process], supervisors: Collection[int]) -> dict[int, list[Process]]:
        owners: dict[int, int | None] = {pid: pid for pid in supervisors if pid in processes}
        for pid in processes:
            if pid not in owners:
                self._find(pid, processes, supervisors, owners)
        found: dict[int, list[Process]] = {pid: [processes[pid]] for pid in supervisors if pid in processes}
        for pid, owner in owners.items():
            if owner is not None and pid != owner:
                found.setdefault(owner, []).append(processes[pid])
        self._known = {(process.pid, process.start): owner for owner, each in found.items() for process in each}
        return found

    def _find(
        self,
        pid: int,
        processes: Mapping[int, Process],
        supervisors: Collection[int],
        owners: dict[int, int | None],
    ) -> None:
        path, owner = [], None
        process: Process | None = processes[pid]
        while process is not None:
            if process.pid in owners:
                owner = owners[process.pid]
                break
            path.append(process.pid)
            # None for now: should numbers have been given anew during the scan, the chain may be a ring.
            owners[process.pid] = None
            if process.session in supervisors:
                owner = process.session
                break
            known = self._known.get((process.pid, process.start))
            if known in supervisors:
                owner = known
                break
            process = processes.get(process.parent)
        owners.update(dict.fromkeys(path, owner))


class ProcTable:
    """Linux: the files below /proc, read with as few calls as there can be."""

    def __init__(self) -> None:
        self._owners = _Owners()
        self._foreign: set[str] = set()
        self._supervisors: frozenset[int] = frozenset()
        self._scans = 0

    def clock(self) -> float:
        """See `ProcessTable.clock`: seconds since boot."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def scan(self, supervisors: Collection[int]) -> Table:
        """See `ProcessTable.scan`. Processes that are none of ours, on a shared machine most, are read once only."""
        self._scans += 1
        before, self._supervisors = self._supervisors, frozenset(supervisors)
        if self._scans % _FORGET_AFTER == 0 or self._supervisors != before:
            self._foreign.clear()
        names = os.listdir(_PROC)  # noqa: PTH208
        processes = {}
        for name in names:
            if name not in self._foreign and name[0] in "123456789":
                process = read_process(name)
                if process is not None:
                    processes[process.pid] = process
        found = self._owners.sort(processes, self._supervisors)
        self._foreign.intersection_update(names)
        self._foreign.update(_names_beside(processes, found.values()))
        return found

    def memory(self, pid: int) -> Memory | None:
        """See `ProcessTable.memory`: 10 ms for a process that has TensorFlow."""
        data = _read(f"{_PROC}/{pid}/smaps_rollup")
        if not data:
            return None
        private = _kibibytes(data, b"\nPrivate_Clean:") + _kibibytes(data, b"\nPrivate_Dirty:")
        return Memory(private << 10, max(0, _kibibytes(data, b"\nPss:") - private) << 10)


def _names_beside(processes: Iterable[int], found: Iterable[list[Process]]) -> set[str]:
    ours = {process.pid for each in found for process in each}
    return {str(pid) for pid in processes if pid not in ours}


def read_process(pid: str) -> Process | None:
    """Return what /proc says; None if there is no such process."""
    data = _read(f"{_PROC}/{pid}/stat")
    # Field 2 is the program's name in parentheses, which may itself hold spaces and parentheses.
    fields = data[data.rfind(b")") + 2 :].split(None, 22)
    if len(fields) < 22:
        return None
    return Process(
        pid=int(pid),
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        start=int(fields[19]) * _SECONDS_PER_TICK,
        cpu=(int(fields[11]) + int(fields[12])) * _SECONDS_PER_TICK,
        children_cpu=(int(fields[13]) + int(fields[14])) * _SECONDS_PER_TICK,
        resident=int(fields[21]) * _PAGE_BYTES,
    )


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _kibibytes(data: bytes, name: bytes) -> int:
    at = data.find(name)
    return int(data[at + len(name) :].split(None, 1)[0]) if at >= 0 else 0


class PsutilTable:
    """Where there is no /proc: each process costs several calls, and what its ended children took is not known."""

    def __init__(self) -> None:
        self._owners = _Owners()

    def clock(self) -> float:
        """See `ProcessTable.clock`: seconds since 1970."""
        return time.time()

    def scan(self, supervisors: Collection[int]) -> Table:
        """See `ProcessTable.scan`."""
        import psutil

        processes = {}
        for process in psutil.process_iter():
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    processes[process.pid] = Process(
                        pid=process.pid,
                        parent=process.ppid(),
                        group=os.getpgid(process.pid),
                        session=os.getsid(process.pid),
                        start=process.create_time(),
                        cpu=times.user + times.system,
                        children_cpu=times.children_user + times.children_system,
                        resident=process.memory_info().rss,
                    )
            except (psutil.Error, OSError):
                continue
        return self._owners.sort(processes, supervisors)

    def memory(self, pid: int) -> Memory | None:
        """See `ProcessTable.memory`."""
        import psutil

        try:
            return Memory(psutil.Process(pid).memory_full_info().uss, 0)
        except (psutil.Error, OSError):
            return None
