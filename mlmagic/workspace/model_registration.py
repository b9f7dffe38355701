"""An artifact becomes a model's next version, as a whole or not at all, whenever the process is killed."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.spec.model import ModelOrigin, ModelVersion, Signature
from mlmagic.workspace import model_rows as rows
from mlmagic.workspace.database import Database
from mlmagic.workspace.files import make_folder
from mlmagic.workspace.layout import ModelFolder
from mlmagic.workspace.model_aliases import DEFAULT, pointed_at, write_aliases
from mlmagic.workspace.model_summaries import read_known
from mlmagic.workspace.moving import copied, leave_link, remove
from mlmagic.workspace.version_folder import move_in, read_version

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What is to be known of the new version."""

    origin: ModelOrigin
    signature: Signature | None
    statistics: bytes | None
    set_default: bool


def register(database: Database, model: str, artifact: Path, registration: Registration) -> ModelVersion:
    """See `ModelStore.register`.

    Raises:
        OSError: the artifact is missing, or the workspace cannot be written.
    """
    workspace, origin = database.workspace, registration.origin
    folder = workspace.model(model)
    is_jobs_own = origin.job_id is not None and artifact == workspace.job(origin.job_id).model_dir
    make_folder(folder.root)
    try:
        version = _register(database, folder, artifact, registration)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # Another file system. The long copy must not keep other writers waiting.
        with copied(artifact, folder.root) as copy:
            version = _register(database, folder, copy, registration)
        if is_jobs_own:
            remove(artifact)
    if is_jobs_own:
        leave_link(artifact, folder.version(version.number).root)
    return version


def adopt(database: Database, model: str, job_id: str) -> ModelVersion | None:
    """See `ModelStore.adopt`."""
    folder = database.workspace.model(model)
    if not folder.root.is_dir():
        return None
    with database.write() as connection:
        rows.adopt(connection, folder)
        return rows.version_of_job(connection, model, job_id)


def _register(database: Database, folder: ModelFolder, artifact: Path, registration: Registration) -> ModelVersion:
    model = folder.root.name
    with database.write() as connection:
        rows.adopt(connection, folder)
        version = rows.version_of_job(connection, model, registration.origin.job_id)
        if version is None:
            made = folder.version(rows.next_number(connection, folder))
            move_in(artifact, made, registration.origin, registration.signature, registration.statistics)
            version = read_version(made)
            rows.write_version(connection, version)
            rows.add_version_event(connection, version)
        _point_default(connection, folder, version, always=registration.set_default)
    return version


def _point_default(connection: sqlite3.Connection, folder: ModelFolder, version: ModelVersion, *, always: bool) -> None:
    model = read_known(connection, folder, rows.numbers(connection, folder))
    if always and model.aliases[DEFAULT] != version.number:
        model = pointed_at(model, DEFAULT, version.number)
    elif folder.aliases.exists():
        return
    write_aliases(connection, folder, model, DEFAULT, version.create_time)
