"""What this machine has for jobs."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_SHARE_FOR_JOBS = 0.9
_CGROUP = Path("/sys/fs/cgroup")
# What version 1 says for "no limit" is a number that no machine has.
_NO_LIMIT = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Cores, and the memory that jobs may take of it."""

    cores: int
    memory_bytes: int
    has_gpu: bool = False


def this_machine() -> Machine:
    """Return what this process may use: less than the hardware where a container or a scheduler says so."""
    return Machine(
        cores=max(1, min(_allowed_cores(), _quota_cores())),
        memory_bytes=int(_SHARE_FOR_JOBS * min(_physical_memory(), _memory_limit())),
        has_gpu=Path("/dev/nvidia0").exists() and os.environ.get("CUDA_VISIBLE_DEVICES", "all") not in {"", "-1"},
    )


def _allowed_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota_cores() -> int:
    """Return the cores that the control group grants, rounded up."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (_CGROUP / "cpu.max").read_text("ascii").split()
        if quota != "max":
            return -(-int(quota) // int(period))
    with contextlib.suppress(OSError, ValueError):
        microseconds = int((_CGROUP / "cpu" / "cpu.cfs_quota_us").read_text("ascii"))
        if microseconds > 0:
            return -(-microseconds // int((_CGROUP / "cpu" / "cpu.cfs_period_us").read_text("ascii")))
    return os.cpu_count() or 1


def _physical_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _memory_limit() -> int:
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            return int((_CGROUP / name).read_text("ascii"))
    return _NO_LIMIT
