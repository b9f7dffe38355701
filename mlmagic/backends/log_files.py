"""Replicas' logs, read in pieces."""

from __future__ import annotations

from pathlib import Path

from mlmagic.backends.base import LOG_CHUNK_BYTES, LogChunk, decode_chunk
from mlmagic.errors import NotFoundError
from mlmagic.spec.job import ReplicaRole
from mlmagic.workspace.files import explained, tail
from mlmagic.workspace.layout import JobFolder


def read_log(folder: JobFolder, *, offset: int, role: str, index: int, is_final: bool) -> LogChunk:
    """Return a piece of a replica's log, as `Backend.logs` says. `is_final`: the job had ended before this call."""
    log = folder.log(role, index)
    with explained(f"read the log {log}"):
        # A role is part of a path.
        is_replica = role in set(ReplicaRole) and log.exists()
        if not is_replica and (role, index) != ("chief", 0):
            raise NotFoundError(f"job {folder.id} has no replica {role}-{index}; it has {_replicas(folder)}.")
        if offset < 0:
            offset = _start_of_tail(log, -offset)
        data, _ = tail(log, offset, LOG_CHUNK_BYTES)
        # A file that is shorter than the offset is read from its start by `tail`; here it has no more to say.
        if not log.exists() or offset >= log.stat().st_size:
            return LogChunk(text="", next_offset=offset)
    return decode_chunk(data, offset, is_complete=is_final and offset + len(data) >= log.stat().st_size)


def _replicas(folder: JobFolder) -> str:
    return ", ".join(sorted(log.stem for log in folder.logs.glob("*.log"))) or "none yet"


def _start_of_tail(log: Path, limit: int) -> int:
    """Return the offset of the first whole line among the last bytes of a log."""
    if not log.exists():
        return 0
    size = log.stat().st_size
    start = max(0, size - limit)
    if start == 0:
        return 0
    data, _ = tail(log, start - 1, limit + 1)
    newline = data.find(b"\n")
    return start if newline < 0 else start - 1 + newline + 1
