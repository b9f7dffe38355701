"""The replicas of a job in Google Cloud, told from what is kept of its newest attempt."""

from __future__ import annotations

from mlmagic.backends.google.remote import RemoteRecord
from mlmagic.backends.google.states import state_of
from mlmagic.spec.job import JobRecord, JobState, Replica, ReplicaRole


def replicas_of(record: JobRecord, remote: RemoteRecord | None) -> tuple[Replica, ...]:
    """Return the processes of the newest attempt, none before it began. Of their ends only the chief's is told."""
    # A study has no process of its own there.
    if remote is None or remote.start_time is None or record.spec.study is not None:
        return ()
    is_done = state_of(remote.state or "") is JobState.SUCCEEDED
    status = 0 if is_done else remote.exit_code
    return tuple(
        Replica(
            role=ReplicaRole(role),
            index=index,
            pid=0,
            attempt=remote.attempt,
            start_time=remote.start_time,
            end_time=remote.end_time,
            exit_code=status if role == "chief" else None,
        )
        for role, count in record.spec.resources.replicas.items()
        for index in range(count)
    )
