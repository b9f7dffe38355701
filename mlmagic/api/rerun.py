"""A job once more: the same package, with changed flags and settings."""

from __future__ import annotations

import dataclasses
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.api.arguments import ArgumentCheck, read_args, read_labels, read_timeout, read_whole_number
from mlmagic.api.program_arguments import check_program_arguments
from mlmagic.api.program_words import merged_words
from mlmagic.api.resources import read_resources
from mlmagic.api.space_check import check_search
from mlmagic.api.stored_flags import read_stored_flags
from mlmagic.api.trial_arguments import sample_flags, trial_flag_values
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.spec.package import CellShape

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend
    from mlmagic.spec.package import TrainerPackage
    from mlmagic.spec.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Settings of a rerun, as a user gives them; None leaves what the job had."""

    priority: int | None = None
    max_retries: int | None = None
    timeout: float | str | None = None
    scale_tier: str | None = None
    machine_type: str | None = None
    accelerator: str | None = None
    replicas: int | str | Mapping[str, int] | None = None
    cores: float | str | None = None
    memory: float | str | None = None
    labels: Mapping[str, str] | None = None
    """Added to those that it had."""
    set_default: bool | None = None
    fresh: bool | None = None
    invocation: str | None = None
    """The line that was typed."""


def rerun(backend: Backend, job_id: str, args: Sequence[str | float], changes: Changes) -> str:
    """Submit a job's package once more, and return the new job's id. That of a trial is a job of its own.

    Raises:
        UsageError: changes that do not fit, or arguments that the program does not take.
        NotFoundError: what it was trained on was deleted.
    """
    old = dataclasses.replace(backend.get(job_id).spec, rerun_of=job_id, parent=None, trial=None)
    return run_again(backend, job_id, old, args, changes)


def run_again(backend: Backend, job_id: str, old: JobSpec, args: Sequence[str | float], changes: Changes) -> str:
    """Submit a job's package as `old` says, but for the changes, and return the new job's id.

    Errors are those of `rerun`.
    """
    from mlmagic.session import current_session

    _check_dataset(old, args)
    package = backend.package(job_id)
    settings = _read_settings(old, args, changes)
    known = with_stored_flags(package)
    words = merged_words(old.args, settings.words, read_stored_flags(package).known)
    check_search(known, words, old.study)
    check_program_arguments(known, (*words, *sample_flags(old.study)))
    spec = dataclasses.replace(
        old,
        args=words,
        flags=trial_flag_values(known, words, old.study),
        resources=settings.resources,
        labels=settings.labels,
        timeout_seconds=settings.timeout_seconds,
        priority=settings.priority,
        max_retries=settings.max_retries,
        set_default=old.set_default if changes.set_default is None else changes.set_default,
        fresh=changes.fresh or old.fresh,
        warm_starts=current_session().warm_starts,
        versions={**old.versions, **present_versions()},
        invocation=changes.invocation,
        # The job runs as one that this kernel submits; its code, and the folder that it reads from, are the old ones.
        python=sys.executable,
        working_directory=_existing(old.working_directory),
        environment=None,
        placement=None,
    )
    return backend.submit(spec, package).id


def _check_dataset(old: JobSpec, args: Sequence[str | float]) -> None:
    """Check that what it trained on is still there: its features were made from that version's statistics.

    Raises:
        NotFoundError: that version was deleted.
        UsageError: it is to be trained on another one.
    """
    from mlmagic.session import current_session

    if old.kind not in {JobKind.TRAINING, JobKind.TUNING} or old.dataset is None:
        return
    if any(str(word).partition("=")[0] == "--data" for word in args):
        raise UsageError(
            f"a rerun trains on the same version of its dataset, {old.dataset}: the package has its statistics in it.",
            hint="For another version, run the cell again with --data.",
        )
    current_session().datasets.resolve(old.dataset)


def present_versions() -> dict[str, str]:
    """Return the versions of what is not the package's own."""
    from mlmagic import __version__

    return {"python": platform.python_version(), "mlmagic": __version__}


def with_stored_flags(package: TrainerPackage) -> TrainerPackage:
    """Return the package with its flags, where its own files tell all of them."""
    flags = read_stored_flags(package).flags
    return package if flags is None else dataclasses.replace(package, shape=CellShape.TRAIN, flags=flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    words: tuple[str, ...]
    resources: Resources
    labels: Mapping[str, str]
    timeout_seconds: float | None
    priority: int
    max_retries: int


def _read_settings(old: JobSpec, args: Sequence[str | float], changes: Changes) -> _Settings:
    check = ArgumentCheck()
    words = check.read(read_args, args)
    labels = check.read(read_labels, changes.labels)
    timeout = check.read(read_timeout, changes.timeout)
    priority = old.priority if changes.priority is None else check.read(read_whole_number, changes.priority, "priority")
    retries = changes.max_retries
    retries = old.max_retries if retries is None else check.read(read_whole_number, retries, "max_retries", 0)
    resources = check.read(_read_resources, old.resources, changes)
    check.finish("rerun")
    return _Settings(
        words=words or (),
        resources=resources or old.resources,
        labels={**old.labels, **(labels or {})},
        timeout_seconds=old.timeout_seconds if timeout is None else timeout,
        priority=priority or 0,
        max_retries=retries or 0,
    )


def _read_resources(old: Resources, changes: Changes) -> Resources:
    named = (changes.scale_tier, changes.machine_type, changes.accelerator, changes.replicas)
    new = read_resources(
        scale_tier=changes.scale_tier,
        machine_type=changes.machine_type,
        accelerator=changes.accelerator,
        replicas=changes.replicas,
        cores=changes.cores,
        memory=changes.memory,
    )
    pools = old if all(value is None for value in named) else new
    return dataclasses.replace(
        pools,
        cores=old.cores if new.cores is None else new.cores,
        memory_bytes=old.memory_bytes if new.memory_bytes is None else new.memory_bytes,
    )


def _existing(folder: str | None) -> str | None:
    # One that is gone would let no program start; the backend then takes the present one.
    return folder if folder is not None and Path(folder).is_dir() else None
