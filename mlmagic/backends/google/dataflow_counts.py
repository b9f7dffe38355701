"""What a pipeline on Dataflow has counted for monitoring: brought into the folder of its job, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.outputs import fetch_model, find_model
from mlmagic.backends.google.remote import RemoteRecord
from mlmagic.runtime.ending import Ending, failed
from mlmagic.runtime.inspection import Interrupted
from mlmagic.spec.codec import DecodeError, loads
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.monitoring_files import COUNTS, CountReading
from mlmagic.workspace.files import explained
from mlmagic.workspace.layout import Workspace


def collect_counts(
    workspace: Workspace, client: GoogleClient, record: JobRecord, remote: RemoteRecord, wants: Callable[[], bool]
) -> Ending | None:
    """Fetch what was counted, and return how the job ends with that; None if the process has no more time.

    Args:
        workspace: that has the job.
        client: of its bucket.
        record: of a job whose pipeline succeeded. Its lock is held.
        remote: of its attempt.
        wants: says whether this process has time for it; asked again and again.

    Raises:
        MlmagicError: it cannot be fetched; another time it may.
    """

    def go_on() -> None:
        if not wants():
            raise Interrupted

    folder = workspace.job(record.id)
    found = find_model(client, folder, remote)
    if COUNTS not in found.files:
        return failed("the pipeline succeeded, but counted no rows", exit_code=0)
    try:
        fetch_model(client, folder, found, go_on)
    except Interrupted:
        return None
    with explained(f"read what job {record.id} has counted"):
        content = (folder.model_dir / COUNTS).read_bytes()
    try:
        counts = loads(CountReading, content).counts
    except DecodeError as error:
        return failed(f"the pipeline succeeded, but its counts are none: {error}", exit_code=0)
    rows = 0 if counts is None else counts.statistics.rows
    return Ending(state=JobState.SUCCEEDED, exit_code=0, message=f"{rows:,} row{'s' * (rows != 1)} counted")
