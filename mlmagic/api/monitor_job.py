"""`monitor` with `every`: a job that looks again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import ArgumentCheck, read_name, read_timeout
from mlmagic.api.circumstances import circumstances, origin_of, package_reference
from mlmagic.api.job import Job
from mlmagic.api.monitor_arguments import Wanted
from mlmagic.api.monitor_baseline import Baseline, check_thresholds, training_baseline, training_rows
from mlmagic.api.monitor_job_webhook import read_webhook, without_address
from mlmagic.api.monitor_job_words import WEBHOOK, check_alone, words_of
from mlmagic.api.monitor_log_line import log_line
from mlmagic.errors import UsageError
from mlmagic.source.monitor import build_monitor
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.monitoring_report import Against
from mlmagic.spec.names import ModelReference
from mlmagic.spec.request_log import RequestLogging
from mlmagic.workspace.files import explained, make_folder, write_new
from mlmagic.workspace.monitors import locked

if TYPE_CHECKING:
    from mlmagic.session import Session

_LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeating:
    """What is said of the job, not of a look."""

    every: float | None
    """Seconds; None where nothing is repeated."""
    webhook: str | None
    name: str | None
    invocation: str | None = None


def read_repeating(given: Mapping[str, Any], check: ArgumentCheck) -> Repeating:
    """Return what is repeated; `check` notes what does not fit."""
    every = None if given["every"] is None else check.read(_read_every, given["every"])
    if given["every"] is None:
        only = [name for name in ("webhook", "name") if given[name] is not None]
        check.problems += [f"{', '.join(only)}: only with every, which makes a job"] if only else []
    elif given.get("runner") == "dataflow":
        check.problems.append("runner dataflow: not with every, for each look would cost money that nobody agrees to")
    return Repeating(
        every=every,
        webhook=None if given["webhook"] is None else check.read(read_webhook, given["webhook"]),
        name=None if given["name"] is None else check.read(read_name, given["name"]),
        invocation=given["invocation"],
    )


def start_monitoring(session: Session, wanted: Wanted, given: Mapping[str, Any], repeating: Repeating) -> Job:
    """Start a job that looks again and again, and return it at once.

    Raises:
        UsageError: it could never find anything.
        ConflictError: there is one already that does the same.
        NotFoundError: no such endpoint or model.
    """
    from mlmagic import __version__
    from mlmagic.backends.registry import IN_MEMORY

    assert repeating.every is not None  # noqa: S101 - it is what makes a job
    _check(session, wanted)
    # Endpoints and files are on this machine, wherever training runs.
    backend = session.backend_name if session.backend_name in IN_MEMORY else "local"
    args = words_of(wanted, given, workspace=str(session.location.root), every=repeating.every)
    name = repeating.name or f"{_what(wanted)[:88]}-monitoring"
    package = build_monitor(name, __version__)
    address, invocation = repeating.webhook, repeating.invocation
    if address is not None:
        args, invocation = (*args, WEBHOOK), without_address(invocation, address)
    spec = JobSpec(
        display_name=name,
        kind=JobKind.MONITORING,
        backend=backend,
        package=package_reference(package),
        args=args,
        warm_starts=session.warm_starts,
        invocation=invocation,
        origin=origin_of(None, session.notebook_path),
        **circumstances(package, args),
    )
    for inputs in (wanted.inputs, wanted.truth):
        if inputs is not None:
            inputs.write()
    with explained("start monitoring"), locked(session.workspace.monitors_lock):
        check_alone(session.jobs, args, _what(wanted))
        record = session.jobs.submit(session.planner(backend).place(spec), package)
    if address is not None:
        _write_address(session, record.id, address)
    return Job(id=record.id, backend=session.jobs)


def _read_every(every: object) -> float:
    try:
        seconds = read_timeout(every) or 0.0
    except UsageError as error:
        raise UsageError(error.message.replace("timeout", "every", 1)) from None
    if seconds < _LEAST_SECONDS:
        raise UsageError(f"every {every!r} must be {_LEAST_SECONDS:g} second or more.")
    return seconds


def _what(wanted: Wanted) -> str:
    return wanted.endpoint or (wanted.model.model if wanted.model is not None else "files")


def _check(session: Session, wanted: Wanted) -> None:
    """See now what would fail at each look."""
    if wanted.endpoint is None:
        if wanted.model is not None:
            check_thresholds(wanted.spec, [_baseline(session, wanted, wanted.model)])
        _check_slices(session, wanted, None if wanted.model is None else session.models.resolve(wanted.model))
        return
    record = session.endpoints.get(wanted.endpoint)
    if not record.is_local:
        raise UsageError(
            f"{wanted.endpoint} serves in the cloud; only the request log of an endpoint of this machine is read."
        )
    spec = record.spec
    if spec.log is None:
        raise UsageError(
            f"the endpoint {spec.name!r} does not log its requests.",
            hint=f"Switch the log on: {log_line(spec, '0.1')}",
        )
    log: RequestLogging = spec.log
    known = [
        _baseline(session, wanted, ModelReference(spec.model, version=each.number), key=wanted.key or log.key)
        for each in spec.deployed
    ]
    check_thresholds(wanted.spec, known)
    for baseline in known if wanted.against is Against.TRAINING else ():
        _check_slices(session, wanted, baseline.version)


def _check_slices(session: Session, wanted: Wanted, version: ModelVersion | None) -> None:
    if wanted.by is not None:
        next(iter(training_rows(session, version)), None)


def _baseline(session: Session, wanted: Wanted, reference: ModelReference, *, key: str | None = None) -> Baseline:
    version = session.models.resolve(reference)
    return training_baseline(session, version, wanted.statistics, wanted.statistics_name, key=key)


def _write_address(session: Session, job_id: str, address: str) -> None:
    folder = session.workspace.job(job_id)
    try:
        with explained("write down the webhook"):
            make_folder(folder.monitoring)
            write_new(folder.webhook, address)
    except BaseException:
        # A job that can tell nobody is not what was asked for.
        session.jobs.cancel(job_id)
        raise
