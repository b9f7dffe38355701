"""What the API tells of a job's progress, given the engine's record of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from mlmagic.emulator.engine import POOLS
from mlmagic.emulator.errors import CODES
from mlmagic.spec.job import JobKind, JobRecord, JobState, ReplicaRole

STATES: Mapping[JobState, str] = MappingProxyType(
    {
        JobState.QUEUED: "JOB_STATE_QUEUED",
        JobState.PENDING: "JOB_STATE_PENDING",
        JobState.RUNNING: "JOB_STATE_RUNNING",
        JobState.SUCCEEDED: "JOB_STATE_SUCCEEDED",
        JobState.FAILED: "JOB_STATE_FAILED",
        JobState.CANCELLING: "JOB_STATE_CANCELLING",
        JobState.CANCELLED: "JOB_STATE_CANCELLED",
        JobState.PAUSED: "JOB_STATE_PAUSED",
        JobState.EXPIRED: "JOB_STATE_EXPIRED",
        JobState.UPDATING: "JOB_STATE_UPDATING",
        JobState.PARTIALLY_SUCCEEDED: "JOB_STATE_PARTIALLY_SUCCEEDED",
        # A machine that went away is the service's own failure there.
        JobState.LOST: "JOB_STATE_FAILED",
    }
)
"""Our word → Vertex AI's."""

FINAL_STATES = frozenset(
    f"JOB_STATE_{word}" for word in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")
)

_REPLICA = re.compile(r"(?P<role>chief|worker|ps|evaluator)-(?P<index>\d+)(?: failed: | )")
_INTERNAL = "Internal error occurred for the current attempt."
_LONGEST_TRACEBACK = 2000


def rfc3339(moment: datetime) -> str:
    """Return a time as the API writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def progress(
    record: JobRecord, *, now: datetime, start_delay_seconds: float = 0.0, was_preempted: bool = False
) -> dict[str, Any]:
    """Return the fields of a job that tell how far it is.

    `start_delay_seconds` is how long after the engine its program begins: until then the job is PENDING.
    """
    state, updated = STATES[record.state], record.update_time
    begun = None if record.start_time is None else record.start_time + timedelta(seconds=start_delay_seconds)
    ended = record.end_time
    if begun is not None and begun > (ended or now):
        begun = None
    if state == "JOB_STATE_RUNNING":
        if begun is None:
            state = "JOB_STATE_PENDING"
        else:
            updated = max(updated, begun)
    fields: dict[str, Any] = {"state": state, "update_time": rfc3339(updated)}
    if begun is not None:
        fields["start_time"] = rfc3339(begun)
    if state in FINAL_STATES and ended is not None:
        fields["end_time"] = rfc3339(ended)
    if (error := _error(record, was_preempted=was_preempted)) is not None:
        fields["error"] = error
    return fields


def _error(record: JobRecord, *, was_preempted: bool) -> dict[str, Any] | None:
    match STATES[record.state]:
        case "JOB_STATE_CANCELLED":
            # Unverified.
            return _status("CANCELLED", "CANCELED")
        case "JOB_STATE_FAILED":
            if was_preempted or record.state is JobState.LOST:
                return _status("INTERNAL", _INTERNAL)
            return _failure(record)
    return None


def _failure(record: JobRecord) -> dict[str, Any]:
    error, status = record.error, record.exit_code
    message = "" if error is None else error.message
    if "longer than its timeout" in message:
        # Unverified: in which state the real service leaves such a job, and with which words.
        return _status("DEADLINE_EXCEEDED", f"The job was ended: {message}.")
    if not status or record.spec.kind is JobKind.TUNING:
        return _status("INTERNAL", message or _INTERNAL)
    found = _REPLICA.match(message)
    task = "workerpool0-0" if found is None else f"{POOLS[ReplicaRole(found['role'])]}-{found['index']}"
    code = 128 - status if status < 0 else status
    text = f"The replica {task} exited with a non-zero status of {code}. Termination reason: Error. "
    details = message if error is None or error.traceback is None else _shortened(error.traceback)
    advice = "To find out more about why your job exited please check the logs."
    return _status("INVALID_ARGUMENT", f"{text}\n{details}\n\n{advice}")


def _shortened(traceback: str) -> str:
    if len(traceback) <= _LONGEST_TRACEBACK:
        return traceback
    first, _, rest = traceback.partition("\n")
    _, _, end = rest[-_LONGEST_TRACEBACK:].partition("\n")
    return f"{first}\n  [...]\n{end}"


def _status(name: str, message: str) -> dict[str, Any]:
    return {"code": CODES[name][1], "message": message}
