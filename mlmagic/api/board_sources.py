"""What a board is asked to show: jobs, studies, trials and folders, each under a name of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.api.arguments import read_whole_number
from mlmagic.api.selection import find_job
from mlmagic.api.study import study_called
from mlmagic.errors import MlmagicError, NotFoundError, UsageError
from mlmagic.spec.board import BoardSource, BoardSpec
from mlmagic.spec.job import JobKind, JobRecord
from mlmagic.tensorboards.flags import read_flags

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend
    from mlmagic.session import Session

_SHOWN = frozenset({JobKind.TRAINING, JobKind.TUNING})
_WORDS = {JobKind.PREPROCESSING: "preprocessing", JobKind.BATCH_PREDICTION: "batch prediction"}


def read_sources(
    session: Session,
    references: Sequence[object],
    *,
    best: object = None,
    logdir: object = None,
    flags: Mapping[str, object] | None = None,
) -> BoardSpec:
    """Return what the board is to show; without jobs and folders, the newest job that trains.

    Raises:
        NotFoundError: there is no job for a reference, or none at all.
        UsageError: arguments that do not fit; all are listed.
    """
    backend = session.jobs
    errors: list[MlmagicError] = []
    records: dict[str, JobRecord] = {}
    for reference in references:
        try:
            record = _read_job(session, backend, reference, is_study=best is not None)
        except (NotFoundError, UsageError) as error:
            errors.append(error)
        else:
            records.setdefault(record.id, record)
    told, problems = read_flags(flags or {})
    errors += [UsageError(problem) for problem in problems]
    named = _read_named(told.pop("logdir_spec", ""), errors)
    folders = _read_folders(logdir, errors)
    count = None
    if not references and logdir is None and not named and not errors:
        newest = _newest(session, backend)
        records[newest.id] = newest
    try:
        count = _read_best(best, records, is_complete=not errors)
    except UsageError as error:
        errors.append(error)
    _raise(errors)
    sources = [*_job_sources(list(records.values()), count), *named]
    sources += [BoardSource(name="", folder=str(folder)) for folder in folders]
    workspace = str(session.location.root.absolute())
    return BoardSpec(sources=_with_folder_names(sources), workspace=workspace, flags=told)


def _read_job(session: Session, backend: Backend, reference: object, *, is_study: bool) -> JobRecord:
    """Return the job that is meant. With `is_study` a name means a study, not the job that followed it."""
    job_id = study_called(backend, reference) if is_study and isinstance(reference, str) else None
    record = backend.get(job_id or find_job(backend, reference).id)
    if record.spec.kind not in {*_SHOWN, JobKind.MONITORING}:
        word = _WORDS.get(record.spec.kind, record.spec.kind.value)
        raise UsageError(f"{record.id} is a {word} job, which writes nothing for TensorBoard.")
    if not session.location.job(record.id).root.is_dir():
        raise NotFoundError(f"{record.id} has no folder in {session.location.root}, so no logs to show.")
    return record


def _newest(session: Session, backend: Backend) -> JobRecord:
    for summary in backend.list():
        if summary.kind in _SHOWN and session.location.job(summary.id).root.is_dir():
            return backend.get(summary.id)
    raise NotFoundError(
        "there is no job yet that TensorBoard could show.",
        hint="Train one: %%train NAME. Or show a folder: --logdir DIR",
    )


def _read_folders(logdir: object, errors: list[MlmagicError]) -> list[Path]:
    given = [] if logdir is None else [logdir] if isinstance(logdir, str | os.PathLike) else logdir
    if not isinstance(given, Sequence) or not all(isinstance(one, str | os.PathLike) for one in given):
        told = f"{type(logdir).__name__} {logdir!r:.60}"
        errors.append(UsageError(f"logdir is a folder or a list of folders, not {told}."))
        return []
    found = [_read_folder(os.fspath(one), errors) for one in given]
    return list(dict.fromkeys(path for path in found if path is not None))


def _read_folder(text: str, errors: list[MlmagicError]) -> Path | None:
    if not text or "\0" in text or "://" in text:
        errors.append(UsageError(f"logdir {text!r} is no folder of this machine."))
        return None
    path = Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100 - as it is named, links and all
    if path.exists() and not path.is_dir():
        errors.append(UsageError(f"logdir {text!r} is a file; name the folder that it is in."))
    return path


def _read_named(text: str, errors: list[MlmagicError]) -> list[BoardSource]:
    """Return the folders of `--logdir_spec`: `name:folder,name:folder`, as TensorBoard reads it."""
    found: dict[str, BoardSource] = {}
    for one in text.split(",") if text else ():
        name, colon, folder = one.partition(":")
        if not colon or one.startswith("/"):
            name, folder = "", one
        path = _read_folder(folder, errors)
        # A link is called so, and none may lie behind another.
        if name and ("/" in name or not name.isprintable() or not name.strip(". ")):
            errors.append(UsageError(f"--logdir_spec: {name!r} cannot be the name of a run."))
        elif name and name in found:
            errors.append(UsageError(f"--logdir_spec: {name!r} is the name of two runs."))
        elif path is not None:
            found[name or str(path)] = BoardSource(name=name, folder=str(path))
    return list(found.values())


def _read_best(best: object, records: dict[str, JobRecord], *, is_complete: bool) -> int | None:
    if best is None:
        return None
    count = read_whole_number(best, "best", 1)
    # Of a reference that means nothing it cannot be told whether it was to be a study.
    if is_complete and not any(record.spec.study for record in records.values()):
        raise UsageError(
            "best chooses among the trials of a study, and no study is named.", hint="%tune list shows all."
        )
    return count


def _job_sources(records: Sequence[JobRecord], best: int | None) -> list[BoardSource]:
    # A trial is called after its study.
    owners = {record.id: record.spec.parent or record.id for record in records}
    names = unique_names({owners[record.id]: record.spec.display_name for record in records})
    found = []
    for record in records:
        name = names[owners[record.id]]
        is_study = record.spec.study is not None
        if record.spec.parent is not None:
            name = f"{name}/{record.spec.trial}"
        found.append(BoardSource(name=name, job=record.id, is_study=is_study, best=best if is_study else None))
    return found


def unique_names(display_names: dict[str, str]) -> dict[str, str]:
    """Return what each job is called: its display name, or where several have that, with as much of its id's end.

    Args:
        display_names: of each job, by its id.
    """
    counts = Counter(display_names.values())
    found = {job: name for job, name in display_names.items() if counts[name] == 1}
    for job in display_names.keys() - found.keys():
        rivals = [other for other in display_names if other != job and display_names[other] == display_names[job]]
        found[job] = f"{display_names[job]}-{_unique_end(job, rivals)}"
    # Somebody may have called another job just so.
    return found if len(set(found.values())) == len(found) else {job: job for job in display_names}


def _unique_end(job: str, rivals: Sequence[str]) -> str:
    parts = job.split("-")
    for count in range(1, len(parts)):
        end = "-".join(parts[-count:])
        if not any(rival.endswith(f"-{end}") for rival in rivals):
            return end
    return job


def _with_folder_names(sources: Sequence[BoardSource]) -> tuple[BoardSource, ...]:
    """Call each folder as its last part is called, with a number where that is taken."""
    taken = {source.name.partition("/")[0] for source in sources if source.folder is None}
    found = []
    for source in sources:
        if source.folder is None:
            found.append(source)
            continue
        name = base = source.name or Path(source.folder).name or "logs"
        number = 1
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name)
        found.append(BoardSource(name=name, folder=source.folder))
    return tuple(found)


def _raise(errors: Sequence[MlmagicError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        problems = [" ".join(filter(None, [error.message, "; ".join(error.problems), error.hint])) for error in errors]
        raise UsageError("tensorboard cannot take these arguments:", problems=problems)
