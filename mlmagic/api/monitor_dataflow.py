"""Files that are counted on Dataflow: a job, which is waited for."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from mlmagic.api.budgets import within_budget
from mlmagic.api.circumstances import circumstances, origin_of, package_reference
from mlmagic.api.consent import agree_to_job
from mlmagic.api.failures import job_failed
from mlmagic.api.inputs import Inputs, is_remote
from mlmagic.api.job import Job
from mlmagic.api.monitor_arguments import DATAFLOW, Wanted
from mlmagic.api.preprocessing_words import CLOUDS, check_client
from mlmagic.api.waiting import wait_for_end
from mlmagic.errors import BackendError, MlmagicError, NotFoundError, UsageError, WaitTimeout
from mlmagic.source.counter import build_counter
from mlmagic.spec import codec
from mlmagic.spec.job import UNFINISHED, JobKind, JobRecord, JobSpec, JobState
from mlmagic.spec.monitoring_files import COUNTS, Counting, CountReading, CountRequest, Request
from mlmagic.workspace.files import explained
from mlmagic.workspace.monitors import locked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlmagic.session import Session
    from mlmagic.spec.dataset import ColumnType


def with_runner(session: Session, wanted: Wanted) -> Wanted:
    """Let files be counted where they are: on Dataflow if work runs in the cloud, and all of them are there."""
    words = () if wanted.inputs is None else wanted.inputs.words
    is_there = session.backend_name in CLOUDS and bool(words) and all(map(is_remote, words))
    return replace(wanted, runner=DATAFLOW) if is_there and wanted.runner is None else wanted


def count_on_dataflow(
    session: Session,
    inputs: Inputs,
    counting: Counting,
    types: Mapping[str, ColumnType],
    *,
    name: str,
    workers: int | None = None,
    yes: bool = False,
    invocation: str | None = None,
) -> CountReading:
    """Wait for a job that counts files on Dataflow, and return what it has counted.

    It is one that counts the same already, or has, as long as the files are as they were; else it is started.

    Args:
        session: whose backend is in the cloud.
        inputs: `gs://…`, or files of this machine, which are brought into the bucket.
        counting: what of their rows is counted.
        types: as what columns are read.
        name: of the job.
        workers: how many machines it takes at most.
        yes: the user has agreed to what it costs.
        invocation: the line that was typed.

    Raises:
        UsageError: nothing runs in the cloud here.
        ConsentError: it costs money, and the user does not agree to that.
        JobFailed: the pipeline failed, or was cancelled.
        MissingDependencyError: Beam, or its client for Dataflow, is not installed.
        WaitTimeout: the user was tired of waiting; it goes on.
    """
    backend = session.backend_name
    if backend not in CLOUDS:
        raise UsageError(
            "runner dataflow needs Google Cloud, and work runs on this machine.",
            hint="%mlmagic use google, or count the files here: --runner direct",
        )
    check_client()
    seen = _seen(session, inputs)
    files = Request(paths=(), types=types)
    package = build_counter(name, CountRequest(files=files, counting=counting, seen=seen))
    # A path that begins with a dash would be taken for a flag.
    paths = [word if not word.startswith("-") else f"./{word}" for word in inputs.words]
    args = ("--input", *paths, "--runner", DATAFLOW, *(() if workers is None else ("--workers", str(workers))))
    spec = JobSpec(
        display_name=name,
        kind=JobKind.MONITORING,
        backend=backend,
        package=package_reference(package),
        args=args,
        warm_starts=False,
        invocation=invocation,
        origin=origin_of(None, session.notebook_path),
        **circumstances(package, args),
    )
    found = None if seen is None else _same(session, spec)
    if found is None:
        placed = session.planner(backend).place(within_budget(spec, None, session))
        agree_to_job(placed, session, yes=yes)
        inputs.write()
        with explained("start a job on Dataflow"), locked(session.workspace.counts_lock):
            # Somebody may have typed the same meanwhile.
            found = None if seen is None else _same(session, spec)
            record = found or session.jobs.submit(placed, package)
    else:
        record = found
    session.tell(_told(record, is_new=found is None))
    return _waited(session, record.id, is_found_again=seen is not None)


def _seen(session: Session, inputs: Inputs) -> str | None:
    """Return a digest of what is read, as it is now; None where that cannot be told."""
    from mlmagic.backends.google.backend import GoogleBackend

    backend = session.backend()
    assert isinstance(backend, GoogleBackend)  # noqa: S101 - no other runs Dataflow
    frames = sorted(map(str, inputs.files))  # whose names are digests
    with suppress(MlmagicError):  # whoever starts the job tells why
        seen = backend.seen_files([word for word in inputs.words if word not in frames])
        return None if seen is None else " ".join([seen, *(os.path.basename(each) for each in frames)])  # noqa: PTH119
    return None


def _same(session: Session, spec: JobSpec) -> JobRecord | None:
    """Return the newest job that counts the same rows of the same files, or has."""
    from mlmagic.filters.parser import parse

    states = {*UNFINISHED, JobState.SUCCEEDED} - {JobState.CANCELLING}
    where = parse(f"kind={JobKind.MONITORING}")
    for summary in session.jobs.list(display_name=spec.display_name, states=states, where=where):
        with suppress(NotFoundError, BackendError):
            record = session.jobs.get(summary.id)
            # In the package stands what is counted, and of which files.
            is_same = record.spec.package.digest == spec.package.digest and record.spec.backend == spec.backend
            if is_same and record.state in states:
                if record.state is JobState.SUCCEEDED:
                    _read(session, record.id)
                return record
    return None


def _told(record: JobRecord, *, is_new: bool) -> str:
    if record.state is JobState.SUCCEEDED:
        return f"{record.id} has counted the same files: what it counted is compared, and nothing is started."
    again = "" if is_new else " already"
    return f"{record.id} counts the files on Dataflow{again}; %jobs describe {record.id} tells how far it is."


def _waited(session: Session, job_id: str, *, is_found_again: bool) -> CountReading:
    try:
        record = wait_for_end(session.jobs, job_id)
    except KeyboardInterrupt:
        again = "the same line, typed again, compares what it counts"
        raise WaitTimeout(
            f"{job_id} goes on counting, and nothing is compared yet.",
            hint=f"%jobs describe {job_id} tells how far it is{f'; {again}' if is_found_again else ''}. "
            f"To end it: %jobs cancel {job_id}",
        ) from None
    if record.state is not JobState.SUCCEEDED:
        raise job_failed(record, Job(id=job_id, backend=session.jobs))
    return _read(session, job_id)


def _read(session: Session, job_id: str) -> CountReading:
    path = session.workspace.job(job_id).model_dir / COUNTS
    try:
        with explained(f"read {path}"):
            return codec.loads(CountReading, path.read_bytes())
    except (FileNotFoundError, codec.DecodeError) as error:
        raise BackendError(f"job {job_id} has left no counts: {error}") from None
