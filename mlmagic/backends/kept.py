"""What is kept of a job beside its record: its package, and the states that it came to."""

from __future__ import annotations

from collections.abc import Iterable

from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.package import CellShape, SourceMap, TrainerPackage
from mlmagic.spec.report import StateChange
from mlmagic.workspace.files import explained
from mlmagic.workspace.layout import JobFolder


def kept_package(folder: JobFolder, record: JobRecord, source_map: SourceMap | None) -> TrainerPackage:
    """Return a job's package from its folder; whatever cell it was made of, its program is given now.

    Raises:
        WorkspaceError: it cannot be read.
    """
    reference = record.spec.package
    with explained(f"read the package of job {record.id}"):
        files = {
            path.relative_to(folder.package).as_posix(): path.read_bytes()
            for path in sorted(folder.package.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
    return TrainerPackage(
        shape=CellShape.GIVEN,
        module=reference.module,
        files=files,
        requirements=reference.requirements,
        digest=reference.digest,
        source_map=source_map or SourceMap(),
        cold_reason=reference.cold_reason,
    )


def state_changes(record: JobRecord, events: Iterable[StateChange]) -> tuple[StateChange, ...]:
    """Return the states that a job came to; what was before the events reach back is told from the record."""
    seen = [StateChange(state=JobState.QUEUED, time=record.create_time)]
    changes = list(events)
    if not changes or changes[0].state is not JobState.QUEUED:
        times = [(record.start_time, JobState.RUNNING), (record.end_time, record.state)]
        known = [StateChange(state=state, time=time, attempt=record.attempt) for time, state in times if time]
        first = changes[0].time if changes else None
        changes = [change for change in known if first is None or change.time < first] + changes
    for change in changes:
        # A record also changes within a state.
        if (change.state, change.attempt) != (seen[-1].state, seen[-1].attempt):
            seen.append(change)
    return tuple(seen)
