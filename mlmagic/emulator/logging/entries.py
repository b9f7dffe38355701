"""The entries of one replica: a file in which they stand by time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaLog:
    """Where a replica's entries stand, and what all of them have in common."""

    path: Path
    project: str
    job_id: str
    task: str
    """`workerpool0-0`."""
    trial: int | None = None

    def entries(self, since: str = "") -> Iterator[dict[str, Any]]:
        """Yield the LogEntry messages by time, those from `since` on, RFC 3339 to the microsecond in UTC."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            offset = _first_at(file, since) if since else 0
            file.seek(offset)
            for line in file:
                # What is not written to its end is told another time.
                if (found := _read(line)) is not None and found[0] >= since:
                    yield self._entry(*found, offset)
                offset += len(line)

    def _entry(self, time: str, severity: str, text: str, offset: int) -> dict[str, Any]:
        place = self.task if self.trial is None else f"{self.trial}.{self.task}"
        entry = {
            "log_name": f"projects/{self.project}/logs/{self.task}",
            "resource": {
                "type": "ml_job",
                "labels": {"project_id": self.project, "job_id": self.job_id, "task_name": self.task},
            },
            "text_payload": text,
            "timestamp": time,
            "receive_timestamp": time,
            "severity": severity,
            # The order of entries of one moment, too.
            "insert_id": f"{self.job_id}.{place}.{offset:015d}",
        }
        return entry if self.trial is None else entry | {"labels": {"ml.googleapis.com/trial_id": str(self.trial)}}


def _first_at(file: BinaryIO, since: str) -> int:
    """Return where a line begins before which all are earlier; by halving, for logs are long and polls frequent."""
    low, high = 0, os.fstat(file.fileno()).st_size
    while high - low > _BLOCK:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()
        start = file.tell()
        found = _read(file.readline())
        if found is None or start >= high or found[0] >= since:
            high = middle
        else:
            low = start
    return low


def _read(line: bytes) -> tuple[str, str, str] | None:
    """Return time, severity and text; None of a line that was cut off."""
    if not line.endswith(b"\n"):
        return None
    try:
        document = json.loads(line)
        return str(document["time"]), str(document["severity"]), str(document["text"])
    except (ValueError, KeyError, TypeError):
        return None
