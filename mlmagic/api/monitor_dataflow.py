"""Files that are counted on Dataflow: a job, which is waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mlmagic.api.budgets import within_budget
from mlmagic.api.circumstances import circumstances, origin_of, package_reference
from mlmagic.api.consent import agree_to_job
from mlmagic.api.inputs import Inputs, is_remote
from mlmagic.api.job import Job
from mlmagic.api.monitor_arguments import DATAFLOW, Wanted
from mlmagic.api.preprocessing_words import CLOUDS, check_client
from mlmagic.errors import BackendError, UsageError
from mlmagic.source.counter import build_counter
from mlmagic.spec import codec
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.spec.monitoring_files import COUNTS, Counting, CountReading, CountRequest, Request
from mlmagic.workspace.files import explained

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
) -> CountReading:
    """Start a job that counts files on Dataflow, wait for it, and return what it has counted.

    Args:
        session: whose backend is in the cloud.
        inputs: `gs://…`, or files of this machine, which are brought into the bucket.
        counting: what of their rows is counted.
        types: as what columns are read.
        name: of the job.
        workers: how many machines it takes at most.
        yes: the user has agreed to what it costs.

    Raises:
        UsageError: nothing runs in the cloud here.
        ConsentError: it costs money, and the user does not agree to that.
        JobFailed: the pipeline failed, or was cancelled.
        MissingDependencyError: Beam, or its client for Dataflow, is not installed.
    """
    backend = session.backend_name
    if backend not in CLOUDS:
        raise UsageError(
            "runner dataflow needs Google Cloud, and work runs on this machine.",
            hint="%mlmagic use google, or count the files here: --runner direct",
        )
    check_client()
    package = build_counter(name, CountRequest(files=Request(paths=(), types=types), counting=counting))
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
        origin=origin_of(None, session.notebook_path),
        **circumstances(package, args),
    )
    placed = session.planner(backend).place(within_budget(spec, None, session))
    inputs.write()
    agree_to_job(placed, session, yes=yes)
    job = Job(id=session.jobs.submit(placed, package).id, backend=session.jobs)
    session.tell(f"{job.id} counts the files on Dataflow; %jobs describe {job.id} tells how far it is.")
    job.wait()
    return _read(session, job.id)


def _read(session: Session, job_id: str) -> CountReading:
    path = session.workspace.job(job_id).model_dir / COUNTS
    try:
        with explained(f"read {path}"):
            return codec.loads(CountReading, path.read_bytes())
    except (FileNotFoundError, codec.DecodeError) as error:
        raise BackendError(f"job {job_id} has left no counts: {error}") from None
