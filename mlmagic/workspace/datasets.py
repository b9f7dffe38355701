"""Datasets: numbered versions that never change. Their folders are all there is of them; no row tells of one."""

from __future__ import annotations

import dataclasses
import errno
import json
import secrets
import shutil
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.errors import ConflictError, NotFoundError, WorkspaceError, WorkspaceWarning, nearest
from mlmagic.spec import codec
from mlmagic.spec.dataset import DatasetOrigin, DatasetVersion
from mlmagic.spec.names import DatasetReference, is_name, parse_dataset_reference
from mlmagic.spec.statistics import DatasetStatistics
from mlmagic.workspace.database import Database
from mlmagic.workspace.dataset_folder import (
    check_whole,
    is_of_job,
    lost_shard,
    move_in,
    read_dataset,
    shards,
    taken_numbers,
)
from mlmagic.workspace.events import add_event
from mlmagic.workspace.files import explained, make_folder
from mlmagic.workspace.layout import DELETED_PREFIX, DatasetFolder, DatasetVersionFolder
from mlmagic.workspace.moving import copied, deleted_numbers, leave_link, remove, version_numbers
from mlmagic.workspace.rows import UNFINISHED_ROWS

if TYPE_CHECKING:
    import sqlite3

# `list` is also a method below, where annotations would take it for that.
Versions = list[DatasetVersion]
Paths = list[Path]

_CHANGED = "Its files were changed after it was made: make it again."


class DatasetStore:
    """The datasets of a workspace. Any number of processes may use one at the same time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._workspace = database.workspace

    def register(self, dataset: str, folder: Path, *, origin: DatasetOrigin, now: datetime) -> DatasetVersion:
        """Make a folder the dataset's next version: it is moved, and where it lay in its job's folder a link stays.

        The inputs that the folder's own `origin.json` tells of are kept, unless `origin` has some. The version is there
        as a whole or not at all, whenever this process is killed; called again for the same job, it returns the version
        that the job has already.

        Raises:
            WorkspaceError: the folder does not hold a whole dataset, or the workspace cannot be written.
        """
        place = self._workspace.dataset(dataset)
        origin = dataclasses.replace(origin, create_time=now)
        with explained(f"register a version of dataset {dataset}"):
            make_folder(place.root)
            number = self._of_job(place, origin.job_id)
            if number is None:
                check_whole(folder)
            try:
                version = self._register(place, folder, origin)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                # Another file system. The long copy must not keep other writers waiting.
                with copied(folder, place.root) as copy:
                    version = self._register(place, copy, origin)
                if self._is_jobs_own(folder, origin):
                    remove(folder)
            if self._is_jobs_own(folder, origin):
                leave_link(folder, self.path(version))
        return version

    def _register(self, place: DatasetFolder, folder: Path, origin: DatasetOrigin) -> DatasetVersion:
        with self._database.write() as connection:
            number = self._of_job(place, origin.job_id)
            if number is None:
                number = max(taken_numbers(place), default=0) + 1
                move_in(folder, place.version(number), origin)
            version = read_dataset(place.version(number))
            _tell_once(connection, version)
        return version

    def adopt(self, dataset: str, job_id: str) -> DatasetVersion | None:
        """Return the version that a job has made, and tell of it if its supervisor was killed before it could."""
        place = self._workspace.dataset(dataset)
        number = self._of_job(place, job_id) if place.root.is_dir() else None
        if number is None:
            return None
        version = self._read(place.version(number))
        with self._database.write() as connection:
            _tell_once(connection, version)
        return version

    def versions(self, dataset: str) -> Versions:
        """Return a dataset's versions in order of number; none if there is no such dataset."""
        return self._versions(self._workspace.dataset(dataset))

    def list(self) -> Versions:
        """Return the newest version of each dataset, in order of name."""
        return [versions[-1] for name in _names(self._workspace.datasets) if (versions := self.versions(name))]

    def resolve(self, reference: str) -> DatasetVersion:
        """Return the version that `taxi`, its newest, or `taxi@3` means.

        Raises:
            UsageError: the reference has another form.
            NotFoundError: there is no such dataset or version.
            WorkspaceError: what is told of it cannot be read.
        """
        meant = parse_dataset_reference(reference)
        place = self._workspace.dataset(meant.dataset)
        numbers = _numbers(place)
        if not numbers:
            raise self._no_such_dataset(meant.dataset)
        number = numbers[-1] if meant.version is None else meant.version
        if number not in numbers:
            raise _no_such_version(place, meant, numbers)
        return self._read(place.version(number))

    def path(self, version: DatasetVersion) -> Path:
        """Return the version's folder."""
        return self._folder(version).root

    def shards(self, version: DatasetVersion, split: str) -> Paths:
        """Return the files of a split in order; none of a split without rows.

        Raises:
            WorkspaceError: there should be one more.
        """
        folder = self._folder(version)
        with explained(f"read the dataset {version}"):
            if version.schema.rows.get(split) and (lost := lost_shard(folder, split)):
                raise WorkspaceError(
                    f"the {split} rows of {version} cannot be read: there is no {folder.root / lost}.", hint=_CHANGED
                )
            return shards(folder, split)

    def statistics(self, version: DatasetVersion) -> DatasetStatistics:
        """Return what is known about the version's values.

        Raises:
            WorkspaceError: it cannot be read.
        """
        path = self._folder(version).statistics
        with explained(f"read the statistics of dataset {version}"):
            try:
                return codec.loads(DatasetStatistics, path.read_bytes())
            except codec.DecodeError as error:
                raise WorkspaceError(f"the statistics of {version} cannot be read from {path}: {error}.") from error

    def check_deletable(self, version: DatasetVersion) -> None:
        """See that no job needs a version.

        Raises:
            ConflictError: a job that has not ended reads it.
        """
        with self._database.read() as connection:
            _require_unread(connection, version)

    def delete(self, version: DatasetVersion, *, now: datetime | None = None) -> None:
        """Remove a version; its number is not given again. What was trained on it has its own copy of the statistics.

        Raises:
            ConflictError: a job that has not ended reads it.
            NotFoundError: it is not there any more.
        """
        place, folder = self._workspace.dataset(version.dataset), self._folder(version).root
        removed = folder.with_name(f"{DELETED_PREFIX}{version.number}-{secrets.token_hex(4)}")
        with explained(f"delete dataset {version}"):
            with self._database.write() as connection:
                if not folder.is_dir():
                    raise NotFoundError(f"dataset version {version} was deleted.")
                _require_unread(connection, version)
                place.tombstone(version.number).touch(0o600)
                folder.rename(removed)
                add_event(connection, *_event(version, "deleted"), now or datetime.now(UTC))
            shutil.rmtree(removed, ignore_errors=True)

    def _folder(self, version: DatasetVersion) -> DatasetVersionFolder:
        return self._workspace.dataset_version(version.dataset, version.number)

    def _versions(self, place: DatasetFolder) -> Versions:
        found = []
        for number in _numbers(place):
            try:
                found.append(read_dataset(place.version(number)))
            except (OSError, codec.DecodeError) as error:
                # Unless another process has deleted it meanwhile.
                if place.version(number).root.is_dir():
                    _warn(place.version(number), error)
        return found

    def _read(self, folder: DatasetVersionFolder) -> DatasetVersion:
        try:
            return read_dataset(folder)
        except (OSError, codec.DecodeError) as error:
            raise WorkspaceError(
                f"the dataset {folder.root.parent.name}@{folder.root.name} cannot be read from {folder.root}: {error}.",
                hint=_CHANGED,
            ) from error

    def _of_job(self, place: DatasetFolder, job_id: str | None) -> int | None:
        if job_id is None:
            return None
        return next((n for n in reversed(_numbers(place)) if is_of_job(place.version(n), job_id)), None)

    def _is_jobs_own(self, folder: Path, origin: DatasetOrigin) -> bool:
        return origin.job_id is not None and folder == self._workspace.job(origin.job_id).model_dir

    def _no_such_dataset(self, dataset: str) -> NotFoundError:
        names = [name for name in _names(self._workspace.datasets) if _numbers(self._workspace.dataset(name))]
        hint = nearest(dataset, names) or (
            "`%datasets` lists all datasets."
            if names
            else f"The workspace {self._workspace.root} has no datasets yet: `%%preprocess` makes one."
        )
        return NotFoundError(f"there is no dataset {dataset!r}.", hint=hint)


def _names(parent: Path) -> list[str]:
    return sorted(path.name for path in parent.iterdir() if is_name(path.name)) if parent.is_dir() else []


def _numbers(place: DatasetFolder) -> list[int]:
    """Return the numbers of versions; what somebody else put there is none."""
    numbers = sorted(version_numbers(place.root)) if place.root.is_dir() else []
    return [number for number in numbers if place.version(number).origin.exists()]


def _no_such_version(place: DatasetFolder, meant: DatasetReference, numbers: list[int]) -> NotFoundError:
    told = [f"{meant.dataset}@{number}" for number in numbers]
    hint = f"There is {told[0]} alone." if len(told) == 1 else f"There are {', '.join(told[:-1])} and {told[-1]}."
    if meant.version in deleted_numbers(place.root):
        return NotFoundError(f"dataset version {meant} was deleted.", hint=hint)
    return NotFoundError(f"dataset {meant.dataset!r} has no version {meant.version}.", hint=hint)


def _require_unread(connection: sqlite3.Connection, version: DatasetVersion) -> None:
    query = f"SELECT id FROM jobs WHERE {UNFINISHED_ROWS} AND dataset = ? ORDER BY create_time"  # noqa: S608 - constants
    readers = [job_id for (job_id,) in connection.execute(query, (str(version),))]
    if readers:
        told = f"{readers[0]} trains on it" if len(readers) == 1 else f"{len(readers)} jobs train on it"
        raise ConflictError(
            f"dataset {version} cannot be deleted: {told}.", hint=f"First `%jobs cancel {' '.join(readers)}`."
        )


def _event(version: DatasetVersion, kind: str) -> tuple[str, str, dict[str, object]]:
    return f"dataset:{version.dataset}", kind, {"version": str(version)}


def _tell_once(connection: sqlite3.Connection, version: DatasetVersion) -> None:
    subject, kind, payload = _event(version, "version")
    query = "SELECT 1 FROM events WHERE subject = ? AND kind = ? AND payload = ?"
    if connection.execute(query, (subject, kind, json.dumps(payload, sort_keys=True))).fetchone() is None:
        add_event(connection, subject, kind, payload, version.create_time)


def _warn(folder: DatasetVersionFolder, error: Exception) -> None:
    warnings.warn(f"left out {folder.root}, which cannot be read: {error}", WorkspaceWarning, stacklevel=4)
