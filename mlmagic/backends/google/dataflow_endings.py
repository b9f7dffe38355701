"""How an attempt on Dataflow ended, or the process that was to bring it there: as a local job would tell it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.dataflow_launch import Launched, LaunchFolder
from mlmagic.backends.google.endings import plain_ending
from mlmagic.backends.google.objects import below
from mlmagic.backends.google.refusals import Asked, UnavailableError, refusal
from mlmagic.backends.google.remote import RemoteJob, RemoteRecord
from mlmagic.backends.google.states import state_of
from mlmagic.errors import MlmagicError
from mlmagic.runtime.diagnosis import diagnose, find_traceback
from mlmagic.runtime.ending import Ending, failed, read_tail
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.workspace.layout import JobFolder

Translate = Callable[[str], str]

_OUR_OWN = "preprocessor.errors.MlmagicError: "
"""As the traceback of such an error ends in the package."""
_ASKED = "apache_beam/runners/dataflow/internal/apiclient.py"
"""What stands in a traceback where Beam asked Google, and nobody else did."""
_REFUSAL = re.compile(r"^(?:google\.(?:api_core|auth)|requests)\.exceptions\.(\w+): ((\d?)[^\n]*)", re.MULTILINE)
_HINT = "Google Cloud's console may tell more: look for the job's id among the jobs of Dataflow."


def is_late(record: JobRecord, job: RemoteJob) -> bool:
    """Say whether the job ran longer than it may; Dataflow itself has no such limit."""
    limit = record.spec.timeout_seconds
    if limit is None or job.start_time is None or job.end_time is None:
        return False
    return (job.end_time - job.start_time).total_seconds() >= limit


def pipeline_ending(
    client: GoogleClient, record: JobRecord, remote: RemoteRecord, job: RemoteJob, place: tuple[JobFolder, Translate]
) -> Ending:
    """Return how a job ended that Dataflow says has.

    Args:
        client: reads what workers left of errors.
        record: as it was until now; CANCELLING if it was asked to end.
        remote: of its attempt.
        job: in one of Dataflow's final states.
        place: the job's folder, which has all that the job said, and what makes the frames of a traceback point at the
            notebook.

    Raises:
        BackendError: what workers left cannot be read.
    """
    folder, translate = place
    state = state_of(job.state)
    if (plain := plain_ending(record, state, is_late=is_late(record, job))) is not None:
        return plain
    if (text := _left(client, remote)) is not None:
        return _of_program(1, text, translate)
    told = read_tail(folder.log()).strip()
    if find_traceback(told) is not None:
        return _of_program(1, told, translate)
    why = " ".join(told.splitlines()[-1:])[:500] or f"Dataflow says {job.state}"
    return failed(why, hint=_HINT)


def launch_ending(launched: Launched, remote: RemoteRecord, folder: JobFolder, translate: Translate) -> Ending:
    """Return how a job ended whose pipeline could not be brought to Dataflow."""
    said = _as_here(read_tail(LaunchFolder(folder.launch).log), remote)
    if (refused := _refused(said, remote)) is not None:
        return refused
    ending = _of_program(launched.exit_code, said, translate)
    if find_traceback(said) is None:
        return failed(f"its pipeline could not be brought to Dataflow: {ending.message}", exit_code=launched.exit_code)
    return ending


def _refused(said: str, remote: RemoteRecord) -> Ending | None:
    """Return how it ended where Google has refused what Beam asked for, or gave no answer; else None."""
    traceback = find_traceback(said) or ""
    found = _REFUSAL.findall(traceback)
    if _ASKED not in traceback or not found:
        return None
    name, words, status = found[-1]
    above = {"5": ("ServerError",), "": ("Timeout",) if name.endswith("Timeout") else ()}.get(status, ())
    bucket = "/".join((remote.output or "").split("/")[:3])
    doing = "create the Dataflow job" if "/jobs" in words else "bring the pipeline to Dataflow"
    asked = Asked(doing=doing, project=remote.project, region=remote.region, bucket=bucket)
    error = refusal((name, *above), words, asked)
    ending = failed(error.message, hint=error.hint)
    return dataclasses.replace(ending, is_retriable=isinstance(error, UnavailableError))


def _of_program(status: int, said: str, translate: Translate) -> Ending:
    error = diagnose(status, said, translate=translate, disk_is_full=False)
    return Ending(
        state=JobState.FAILED,
        exit_code=status,
        error=error,
        message=error.message,
        is_retriable=True,
        raw_traceback=find_traceback(said),
    )


def _left(client: GoogleClient, remote: RemoteRecord) -> str | None:
    """Return the traceback of the first error that a worker left beside the parts."""
    found = below(client, f"{remote.output}/parts-{remote.attempt}/")
    for path in sorted(found):
        if path.startswith("failure-"):
            data = client.storage.read_object(found[path], 0, found[path].size)
            try:
                document: dict[str, Any] = json.loads(data)
            except ValueError:
                continue
            if document.get("message"):
                return f"Traceback (most recent call last):\n{_OUR_OWN}{_as_here(document['message'], remote)}\n"
            return str(document.get("text") or "") or None
    return None


def _as_here(text: str, remote: RemoteRecord) -> str:
    """Call files that were brought to the bucket by the names that they have on this machine."""
    for address, path in remote.uploaded.items():
        text = text.replace(address, path)
    return text


def remove_parts(client: GoogleClient, remote: RemoteRecord, *names: str) -> None:
    """Remove what an attempt needed while it ran; what cannot be removed stays."""
    folder = (remote.output or "").removeprefix("gs://").partition("/")[2]
    for name in names if folder else ():
        try:
            client.storage.delete_objects(f"{folder}/{name}/")
        except MlmagicError:
            continue
