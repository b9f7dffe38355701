"""What a process does beforehand, so that the supervisors that are copied from it need not."""

from __future__ import annotations

from datetime import UTC, datetime

from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.job import (
    ExitRecord,
    JobError,
    JobRecord,
    JobSpec,
    JobState,
    PackageReference,
    Placement,
    Replica,
    ReplicaList,
    ReplicaRole,
)
from mlmagic.workspace.processes import ProcessIdentity


def rehearse() -> None:
    """Import what supervisors import in functions, and let the codec find out how each of their nouns is built."""
    import ctypes
    import fcntl
    import sqlite3

    import mlmagic.runtime.supervisor
    import mlmagic.source.sourcemap
    import mlmagic.workspace.filesystem  # noqa: F401

    del ctypes, fcntl, sqlite3
    now, state = datetime.now(UTC), JobState.FAILED
    error = JobError(message="")
    spec = JobSpec(display_name="job", package=PackageReference(digest=""), placement=Placement())
    replica = Replica(role=ReplicaRole.CHIEF, index=0, pid=1, attempt=1, start_time=now)
    for noun in (
        JobRecord(id="", spec=spec, state=state, create_time=now, update_time=now, error=error),
        ExitRecord(attempt=1, state=state, end_time=now, error=error),
        ReplicaList(replicas=(replica,)),
        ProcessIdentity.current(),
    ):
        loads(type(noun), dumps(noun))
