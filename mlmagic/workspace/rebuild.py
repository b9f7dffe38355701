"""The database's rows from the folders, for when the database is gone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.spec import codec
from mlmagic.spec.job import ExitRecord, JobRecord, fields_of
from mlmagic.spec.names import is_job_id, is_name
from mlmagic.workspace.job_folder import read_record
from mlmagic.workspace.layout import JobFolder, ModelFolder, Workspace
from mlmagic.workspace.leftovers import is_leftover, remove_all_leftovers
from mlmagic.workspace.model_rows import adopt_versions
from mlmagic.workspace.rows import write_job

if TYPE_CHECKING:
    import sqlite3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was found in the folders."""

    jobs: int = 0
    versions: int = 0
    problems: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.jobs or self.versions or self.problems)

    def __str__(self) -> str:
        text = f"rebuilt from the folders: jobs {self.jobs}, model versions {self.versions}."
        return "\n  - ".join([text, *self.problems])


def restore(connection: sqlite3.Connection, workspace: Workspace) -> Restored:
    """Fill empty tables in the transaction that the connection is in; what cannot be read is left where it is."""
    jobs, versions, problems = 0, 0, []
    remove_all_leftovers(workspace)
    for folder in _folders(workspace.jobs):
        if not is_job_id(folder.name):
            continue
        try:
            write_job(connection, _with_exit(JobFolder(folder)))
            jobs += 1
        except (OSError, codec.DecodeError) as error:
            problems.append(f"left out {folder}: {error}")
    for folder in _folders(workspace.models):
        if not is_name(folder.name):
            continue
        adopted, unreadable = adopt_versions(connection, ModelFolder(folder))
        versions += len(adopted)
        problems += unreadable
    return Restored(jobs=jobs, versions=versions, problems=tuple(problems))


def _with_exit(folder: JobFolder) -> JobRecord:
    """Return the record, brought up to date if its supervisor could write `exit.json` but not the row any more."""
    record = read_record(folder)
    if record.state.is_final or not folder.exit.exists():
        return record
    ended = codec.loads(ExitRecord, folder.exit.read_bytes())
    if ended.attempt != record.attempt:
        return record
    changes: dict[str, Any] = {**fields_of(ended), "state": ended.state, "update_time": ended.end_time}
    return dataclasses.replace(record, **changes)


def _folders(parent: Path) -> list[Path]:
    """Return the folders in a folder, in order, without those that are half made or half removed."""
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and not is_leftover(path))
