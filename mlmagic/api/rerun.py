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
from mlmagic.api.budgets import read_budget, within_budget
from mlmagic.api.consent import agree_to_job
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

_OF_DATASETS = frozenset({JobKind.TRAINING, JobKind.TUNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Arguments and settings of a job that runs a package once more, as a user gives them.

    None leaves what the job had.
    """

    args: Sequence[str | float] = ()
    """Each in the place of what it was."""
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
    python: str | None = None
    """Local: the interpreter; None is this process's, in which the job may be expected to run."""
    budget: str | None = None
    """In the cloud; None is the workspace's."""
    yes: bool = False
    """The user agrees to what it costs."""
    invocation: str | None = None
    """The line that was typed."""

    def read(self, old: JobSpec, check: ArgumentCheck) -> tuple[JobSpec, tuple[str, ...]]:
        """Return a job with these settings, and the new arguments as words; `check` notes what does not fit."""
        words = check.read(_read_words, self.args, old) or ()
        labels = check.read(read_labels, self.labels) or {}
        timeout = check.read(read_timeout, self.timeout)
        check.read(read_budget, self.budget)
        retries, priority = self.max_retries, self.priority
        changed = dataclasses.replace(
            old,
            resources=check.read(_read_resources, old.resources, self) or old.resources,
            labels={**old.labels, **labels},
            timeout_seconds=old.timeout_seconds if timeout is None else timeout,
            priority=old.priority if priority is None else check.read(read_whole_number, priority, "priority") or 0,
            max_retries=(
                old.max_retries if retries is None else check.read(read_whole_number, retries, "max_retries", 0) or 0
            ),
            set_default=old.set_default if self.set_default is None else self.set_default,
            fresh=self.fresh or old.fresh,
            python=self.python or sys.executable,
            invocation=self.invocation,
        )
        return changed, words


def rerun(backend: Backend, job_id: str, changes: Changes) -> str:
    """Submit a job's package once more, and return the new job's id. That of a trial is a job of its own.

    Raises:
        UsageError: changes that do not fit, or arguments that the program does not take.
        ConsentError: it costs money, and the user does not agree to that.
        NotFoundError: what it was trained on was deleted.
    """
    check = ArgumentCheck()
    changed, words = changes.read(backend.get(job_id).spec, check)
    check.finish("rerun")
    spec = dataclasses.replace(changed, rerun_of=job_id, parent=None, trial=None)
    return run_again(backend, job_id, spec, words, budget=changes.budget, yes=changes.yes)


def run_again(
    backend: Backend,
    job_id: str,
    spec: JobSpec,
    words: Sequence[str] = (),
    *,
    budget: str | None = None,
    yes: bool = False,
) -> str:
    """Submit a job's package with a spec of its own, with this process's variables, and return the new job's id.

    Args:
        backend: where the job ran, and the new one runs.
        job_id: whose package it is.
        spec: what is asked for; its arguments are those that the words may take the place of.
        words: arguments, each in the place of what it was.
        budget: in the cloud; None is the workspace's.
        yes: the user agrees to what it costs.

    Raises:
        UsageError: the program does not take these arguments.
        ConsentError: it costs money, and the user does not agree to that.
        NotFoundError: what it was trained on was deleted.
    """
    from mlmagic.session import current_session

    session = current_session()
    if spec.kind in _OF_DATASETS and spec.dataset is not None:
        session.datasets.resolve(spec.dataset)
    package = backend.package(job_id)
    known = with_stored_flags(package)
    merged = merged_words(spec.args, tuple(words), read_stored_flags(package).known)
    check_search(known, merged, spec.study)
    check_program_arguments(known, (*merged, *sample_flags(spec.study)))
    submitted = dataclasses.replace(
        spec,
        args=merged,
        flags=trial_flag_values(known, merged, spec.study),
        warm_starts=session.warm_starts,
        versions={**spec.versions, **(present_versions() if spec.python == sys.executable else {})},
        # The job runs as one that this process submits; its code, and the folder that it reads from, are the old ones.
        working_directory=_existing(spec.working_directory),
        environment=None,
        placement=None,
    )
    if spec.kind is JobKind.MONITORING:
        from mlmagic.api.monitor_job_words import check_alone

        check_alone(backend, merged, spec.display_name.removesuffix("-monitoring"))
    bounded = within_budget(submitted, budget, session)
    agree_to_job(bounded, session, yes=yes)
    return backend.submit(bounded, package).id


def present_versions() -> dict[str, str]:
    """Return the versions of what is not the package's own."""
    from mlmagic import __version__

    return {"python": platform.python_version(), "mlmagic": __version__}


def with_stored_flags(package: TrainerPackage) -> TrainerPackage:
    """Return the package with its flags, where its own files tell all of them."""
    flags = read_stored_flags(package).flags
    return package if flags is None else dataclasses.replace(package, shape=CellShape.TRAIN, flags=flags)


def _read_words(args: object, old: JobSpec) -> tuple[str, ...]:
    """Return the words of arguments, which leave the dataset: features were made from that version's statistics.

    Raises:
        UsageError: they are no words, or name another dataset.
    """
    words = read_args(args)
    is_bound = old.kind in _OF_DATASETS and old.dataset is not None
    if is_bound and any(word.partition("=")[0] == "--data" for word in words):
        raise UsageError(
            f"--data cannot be changed: the package has the statistics of {old.dataset} in it, and trains on that.",
            hint="For another version, run the cell again with --data.",
        )
    return words


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
