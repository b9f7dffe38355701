"""Two jobs side by side: what one has differently from the other."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlmagic.api.comparison import flags_of, run_seconds
from mlmagic.api.program_words import other_words
from mlmagic.api.search_space import space_text
from mlmagic.api.selection import Reference, find_jobs, session_of
from mlmagic.spec.job import JobRecord
from mlmagic.spec.report import Difference, FileDifference, JobDiff

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend
    from mlmagic.session import Session
    from mlmagic.spec.study import StudySpec

_LARGEST_TEXT = 1 << 20


class JobDifference(JobDiff):
    """What two jobs have differently, shown as a panel."""

    __slots__ = ()

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import job_diff_bundle

        return job_diff_bundle(self)


def diff_jobs(first: Reference, second: Reference, *, session: Session | None = None) -> JobDifference:
    """Return what two jobs have differently: code, flags, settings and results.

    Raises:
        NotFoundError: there is no such job.
    """
    jobs = find_jobs(session_of(session).jobs, [first, second])
    # The same job twice differs in nothing.
    one, other = jobs[0], jobs[-1]
    return difference(one.backend, one.record, other.backend, other.record)


def difference(
    backend: Backend, first: JobRecord, other_backend: Backend, second: JobRecord, *, now: datetime | None = None
) -> JobDifference:
    """Return what two jobs have differently."""
    now = now or datetime.now(UTC)
    is_same_code = first.spec.package.digest == second.spec.package.digest
    code = () if is_same_code else _code(backend.package(first.id).files, other_backend.package(second.id).files)
    return JobDifference(
        first=first.id,
        second=second.id,
        code=tuple(code),
        flags=_differences(_flags(first), _flags(second)),
        settings=_differences(_settings(first), _settings(second)),
        results=_differences(_results(first, now), _results(second, now)),
    )


def _code(first: Mapping[str, bytes], second: Mapping[str, bytes]) -> Iterator[FileDifference]:
    for name in sorted({*first, *second}):
        old, new = first.get(name), second.get(name)
        if old != new:
            yield FileDifference(name=name, text=_file_diff(name, old, new))


def _file_diff(name: str, old: bytes | None, new: bytes | None) -> str:
    lines = [_text_lines(data) for data in (old, new)]
    if lines[0] is None or lines[1] is None:
        told = " and ".join("no file" if data is None else f"{len(data):,} bytes" for data in (old, new))
        return f"Binary files differ: {told}\n"
    names = [name if data is not None else "/dev/null" for data in (old, new)]
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(lines[0], lines[1], names[0], names[1])
    )


def _text_lines(data: bytes | None) -> list[str] | None:
    """Return the lines of a text file; None of what is none, or too long to be read."""
    if data is None:
        return []
    if b"\0" in data or len(data) > _LARGEST_TEXT:
        return None
    try:
        return data.decode("utf-8").splitlines(keepends=True)
    except UnicodeDecodeError:
        return None


def _differences(first: Mapping[str, object], second: Mapping[str, object]) -> tuple[Difference, ...]:
    texts = [{key: _text(value) for key, value in values.items()} for values in (first, second)]
    keys = dict.fromkeys([*first, *second])
    return tuple(
        Difference(key=key, first=texts[0].get(key), second=texts[1].get(key))
        for key in keys
        if texts[0].get(key) != texts[1].get(key)
    )


def _text(value: object) -> str | None:
    match value:
        case None | "":
            return None
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.6g}"
        case _:
            return str(value)


def _flags(record: JobRecord) -> dict[str, object]:
    return {**flags_of(record.spec), "other arguments": " ".join(other_words(record.spec.args))}


def _settings(record: JobRecord) -> dict[str, object]:
    """Return a job's settings by the names that filters have for them."""
    spec, resources = record.spec, record.spec.resources
    machines = dict.fromkeys(pool.machine_type for pool in resources.worker_pools if pool.replica_count)
    accelerators = [f"{p.accelerator_type}:{p.accelerator_count}" for p in resources.worker_pools if p.accelerator_type]
    return {
        "displayName": spec.display_name,
        "kind": spec.kind,
        "backend": spec.backend,
        "module": spec.package.module,
        "requirements": ", ".join(spec.package.requirements),
        "scaleTier": resources.scale_tier,
        "replicas": ", ".join(f"{role}={count}" for role, count in resources.replicas.items()),
        "machineType": ", ".join(machines),
        "accelerator": ", ".join(accelerators),
        "cores": resources.cores,
        "memoryBytes": resources.memory_bytes,
        "model": spec.model,
        "setDefault": spec.set_default,
        "dataset": spec.dataset,
        "fromStudy": spec.from_study,
        "timeoutSeconds": spec.timeout_seconds,
        "priority": spec.priority,
        "maxRetries": spec.max_retries,
        "fresh": spec.fresh,
        "python": spec.python,
        "workingDirectory": spec.working_directory,
        "gitCommit": spec.git_commit,
        "notebook": spec.origin.notebook,
        **({} if spec.study is None else _search(spec.study)),
        **{f"labels.{key}": value for key, value in spec.labels.items()},
        **{f"versions.{name}": version for name, version in spec.versions.items()},
    }


def _search(study: StudySpec) -> dict[str, object]:
    """Return what a study searches and how, by the names of its fields."""
    early = study.early_stopping
    by_time = " by time" if early is not None and early.use_elapsed_duration else ""
    return {
        "study.metric": study.metric,
        "study.goal": study.goal,
        "study.space": space_text(study.parameters),
        "study.algorithm": study.algorithm,
        "study.earlyStopping": None if early is None else f"{early.rule}{by_time}",
        "study.selection": study.selection,
        "study.trials": study.trials,
        "study.parallel": study.parallel,
        "study.maxFailed": study.max_failed,
        "study.seed": study.seed,
        "study.resumes": study.resumes,
        "study.warmStart": ", ".join(study.warm_start),
        "study.promotion": " ".join([study.promotion.model, *study.promotion.args]) if study.promotion else None,
    }


def _results(record: JobRecord, now: datetime) -> dict[str, object]:
    from mlmagic.panels.times import duration

    seconds = run_seconds(record, now)
    return {
        "state": record.state.value,
        "duration": None if seconds is None else duration(seconds),
        "attempt": record.attempt,
        "exitCode": record.exit_code,
        "error": record.error.message if record.error else None,
        "modelVersion": record.model_version,
        "datasetVersion": record.dataset_version,
        **{f"metrics.{name}": value for name, value in record.metrics.items()},
    }
