"""How an endpoint in the cloud is, told from what is kept of it here."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

from mlmagic.backends.google.endpoints_remote import EndpointNotes
from mlmagic.spec.endpoint import (
    EndpointGoal,
    EndpointRecord,
    EndpointSpec,
    EndpointState,
    EndpointStatus,
    VersionStatus,
)
from mlmagic.workspace.endpoint_folder import EndpointFolder

_WHOLE = 100


def is_at_rest(spec: EndpointSpec, notes: EndpointNotes | None) -> bool:
    """Say whether nothing is to be done for the endpoint before somebody asks for something."""
    if notes is None or notes.operation is not None:
        return False
    served = 0 if notes.served is None else notes.served.generation
    return max(served, notes.refused_generation) >= spec.generation


def note_request(folder: EndpointFolder) -> None:
    """Note down that the endpoint is asked now. A full disk, or a folder that is gone, is no reason not to ask it."""
    with contextlib.suppress(OSError):
        folder.asked.touch(mode=0o600)


def last_request(folder: EndpointFolder) -> datetime | None:
    """Return when this workspace asked the endpoint last, as far as is known."""
    try:
        return datetime.fromtimestamp(folder.asked.stat().st_mtime, UTC)
    except OSError:
        return None


def record_of(
    spec: EndpointSpec,
    notes: EndpointNotes | None,
    *,
    address: str | None,
    asked: datetime | None = None,
    trouble: str | None = None,
) -> EndpointRecord:
    """Return the endpoint as it was last heard of.

    Args:
        spec: what it is to be.
        notes: what is kept of it; None before anything was sent.
        address: where it is asked.
        asked: when this workspace did so last.
        trouble: why it cannot be asked now.
    """
    state = _state(spec, notes)
    served = notes.served if notes is not None else None
    is_serving = served is not None and served.goal is EndpointGoal.SERVE
    note = None if notes is None else notes.doing if notes.operation else notes.note
    status = EndpointStatus(
        state=state,
        generation=served.generation if served is not None else 0,
        refused_generation=notes.refused_generation if notes is not None else 0,
        error=notes.error if notes is not None else None,
        note=f"Not up to date: {trouble.rstrip('.')}." if trouble else note,
        address=address,
        versions=tuple(VersionStatus(number=each.number) for each in served.deployed)
        if is_serving and served is not None
        else (),
        last_request=asked,
        start_time=spec.create_time if notes is None else notes.sent_time or spec.create_time,
        update_time=spec.update_time if notes is None else notes.update_time,
    )
    return EndpointRecord(spec=spec, status=status)


def only_one(record: EndpointRecord) -> str | None:
    """Return the id of the deployed model that has all the requests, where that is known for sure."""
    if record.status.state is not EndpointState.READY or record.status.note is not None:
        return None
    return next((str(version.number) for version in record.spec.deployed if version.traffic == _WHOLE), None)


def now() -> datetime:
    """Return the time, as records have it."""
    return datetime.now(UTC)


def _state(spec: EndpointSpec, notes: EndpointNotes | None) -> EndpointState:
    rests = is_at_rest(spec, notes)
    served = notes.served if notes is not None else None
    is_refused = notes is not None and notes.refused_generation >= spec.generation
    if spec.goal is EndpointGoal.DELETE:
        return EndpointState.FAILED if is_refused else EndpointState.STOPPING
    if spec.goal is EndpointGoal.STOP:
        if is_refused:
            return EndpointState.FAILED
        return EndpointState.DOWN if rests else EndpointState.STOPPING
    if served is None or served.goal is not EndpointGoal.SERVE:
        return EndpointState.FAILED if rests else EndpointState.STARTING
    return EndpointState.READY if rests else EndpointState.UPDATING
