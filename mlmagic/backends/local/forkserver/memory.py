"""How much memory is left."""

from __future__ import annotations

import contextlib
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Return the bytes that programs can still take: of the machine, or of the container where that has fewer."""
    return min(_of_machine(), _of_container())


def _of_machine() -> int:
    with contextlib.suppress(OSError):
        for line in _MEMINFO.read_text("ascii").splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return int(value.split()[0]) * 1024
    import psutil

    return int(psutil.virtual_memory().available)


def _of_container() -> int:
    with contextlib.suppress(OSError, ValueError):
        limit = int((_CGROUP / "memory.max").read_text("ascii"))
        used = int((_CGROUP / "memory.current").read_text("ascii"))
        for line in (_CGROUP / "memory.stat").read_text("ascii").splitlines():
            name, value = line.split()
            if name == "inactive_file":
                # The page cache makes room.
                used -= int(value)
        return max(0, limit - used)
    return 1 << 62
