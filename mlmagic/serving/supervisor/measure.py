"""Processor and memory of a process, read cheaply."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process uses."""

    memory_bytes: int = 0
    cpu_percent: float = 0.0
    """Of one core, since the measurement before."""


class ProcessMeter:
    """Measures one process again and again."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._last: tuple[float, float] | None = None

    def measure(self) -> Usage:
        """Return what it uses; nothing once it is gone."""
        read = _read_proc(self._pid) if Path("/proc/self/stat").exists() else _read_psutil(self._pid)
        if read is None:
            return Usage()
        seconds, memory = read
        now = time.monotonic()
        before, self._last = self._last, (now, seconds)
        if before is None or now <= before[0]:
            return Usage(memory_bytes=memory)
        percent = 100 * (seconds - before[1]) / (now - before[0])
        return Usage(memory_bytes=memory, cpu_percent=max(0.0, percent))


def _read_proc(pid: int) -> tuple[float, int] | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        pages = Path(f"/proc/{pid}/statm").read_bytes().split()[1]
    except (OSError, IndexError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK"), int(pages) * os.sysconf("SC_PAGE_SIZE")


def _read_psutil(pid: int) -> tuple[float, int] | None:
    import psutil

    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        return times.user + times.system, process.memory_info().rss
    except psutil.Error:
        return None
