"""Models: numbered versions that never change, and the aliases that point at them."""

from __future__ import annotations

import dataclasses
import errno
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.errors import NotFoundError, WorkspaceError, nearest
from mlmagic.spec import codec
from mlmagic.spec.model import Model, ModelOrigin, ModelVersion, Signature
from mlmagic.spec.names import ModelReference
from mlmagic.workspace.database import Database
from mlmagic.workspace.events import add_event
from mlmagic.workspace.files import explained, make_folder, write_atomic
from mlmagic.workspace.layout import ModelFolder
from mlmagic.workspace.moving import copied, leave_link, remove, version_numbers
from mlmagic.workspace.version_folder import move_in, read_version

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class _Making:
    """What becomes of an artifact."""

    origin: ModelOrigin
    signature: Signature | None
    statistics: bytes | None
    set_default: bool


class ModelStore:
    """The models of a workspace. Any number of processes may use one at the same time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._workspace = database.workspace

    def register(
        self,
        model: str,
        artifact_dir: Path,
        *,
        origin: ModelOrigin,
        signature: Signature | None = None,
        statistics: bytes | None = None,
        set_default: bool = False,
        now: datetime,
    ) -> ModelVersion:
        """Make the artifact the model's next version: it is moved, and where it lay in its job's folder a link stays.

        The version is there as a whole or not at all, whenever this process is killed; called again for the same job,
        it returns the version that the job has already. `statistics` is the file of what it was trained on.

        Raises:
            WorkspaceError: the artifact is missing, or the workspace cannot be written.
        """
        folder = self._workspace.model(model)
        making = _Making(dataclasses.replace(origin, create_time=now), signature, statistics, set_default)
        with explained(f"register a version of model {model}"):
            make_folder(folder.root)
            try:
                version = self._register(folder, artifact_dir, making)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                # Another file system. The long copy must not keep other writers waiting.
                with copied(artifact_dir, folder.root) as copy:
                    version = self._register(folder, copy, making)
                if self._is_jobs_own(artifact_dir, origin):
                    remove(artifact_dir)
            if self._is_jobs_own(artifact_dir, origin):
                leave_link(artifact_dir, self.path(version))
        return version

    def _register(self, folder: ModelFolder, artifact: Path, making: _Making) -> ModelVersion:
        model = folder.root.name
        with self._database.write() as connection:
            _adopt(connection, folder)
            version = _version_of_job(connection, model, making.origin.job_id)
            if version is None:
                number = _next_number(connection, folder)
                move_in(artifact, folder.version(number), making.origin, making.signature, making.statistics)
                version = read_version(folder.version(number))
                write_version(connection, version)
                _add_version_event(connection, version)
            self._point_default(connection, version, always=making.set_default)
        return version

    def adopt(self, model: str, job_id: str) -> ModelVersion | None:
        """Return the version that a job has made, and give it the row that its supervisor was killed before writing."""
        folder = self._workspace.model(model)
        if not folder.root.is_dir():
            return None
        with self._database.write() as connection:
            _adopt(connection, folder)
            return _version_of_job(connection, model, job_id)

    def _point_default(self, connection: sqlite3.Connection, version: ModelVersion, *, always: bool) -> None:
        folder = self._workspace.model(version.model)
        model = _read_model(connection, folder)
        if always and model.aliases["default"] != version.number:
            model = dataclasses.replace(model, aliases={**model.aliases, "default": version.number})
        elif folder.aliases.exists():
            return
        _write_model(connection, folder, model, version.create_time)

    def get(self, model: str) -> Model:
        """Return a model with its aliases; `latest` is not among them, for nobody sets it.

        Raises:
            NotFoundError: there is no such model.
            WorkspaceError: its aliases cannot be read.
        """
        with self._database.read() as connection:
            self._require_model(connection, model)
            return _read_model(connection, self._workspace.model(model))

    def versions(self, model: str) -> list[ModelVersion]:
        """Return a model's versions in order of number; none if there is no such model."""
        query = "SELECT record FROM versions WHERE model = ? ORDER BY number"
        with self._database.read() as connection:
            return [codec.loads(ModelVersion, text) for (text,) in connection.execute(query, (model,))]

    def list(self) -> list[Model]:
        """Return all models in order of name."""
        with self._database.read() as connection:
            names = connection.execute("SELECT DISTINCT model FROM versions ORDER BY model").fetchall()
            return [_read_model(connection, self._workspace.model(name)) for (name,) in names]

    def resolve(self, reference: ModelReference) -> ModelVersion:
        """Return the version that is meant.

        Raises:
            NotFoundError: there is no such model, version or alias.
            WorkspaceError: the model's aliases cannot be read.
        """
        with self._database.read() as connection:
            self._require_model(connection, reference.model)
            number = reference.version
            if number is None:
                number = self._number_of(connection, reference)
            return _select(connection, reference.model, number)

    def _number_of(self, connection: sqlite3.Connection, reference: ModelReference) -> int:
        if reference.alias == "latest":
            return _last_number(connection, reference.model)
        aliases = _read_model(connection, self._workspace.model(reference.model)).aliases
        alias = reference.alias or "default"
        if alias not in aliases:
            known = sorted({*aliases, "latest"})
            hint = nearest(alias, known) or f"It has {', '.join(known)}."
            raise NotFoundError(f"model {reference.model!r} has no alias {alias!r}.", hint=hint)
        return aliases[alias]

    def set_default(self, model: str, number: int, *, now: datetime | None = None) -> Model:
        """Make a version the one that is meant where none is named.

        Raises:
            NotFoundError: there is no such model or version.
            WorkspaceError: the aliases cannot be read or written.
        """
        folder = self._workspace.model(model)
        with self._database.write() as connection, explained(f"set the default of model {model}"):
            self._require_model(connection, model)
            _select(connection, model, number)
            changed = _read_model(connection, folder)
            if changed.aliases["default"] != number:
                changed = dataclasses.replace(changed, aliases={**changed.aliases, "default": number})
                _write_model(connection, folder, changed, now or datetime.now(UTC))
        return changed

    def path(self, version: ModelVersion) -> Path:
        """Return the version's folder; the artifact lies in it at `origin.artifact_path`."""
        return self._workspace.version(version.model, version.number).root

    def _require_model(self, connection: sqlite3.Connection, model: str) -> None:
        names = [name for (name,) in connection.execute("SELECT DISTINCT model FROM versions")]
        if model not in names:
            hint = nearest(model, names) or (
                "`%models` lists all models."
                if names
                else f"The workspace {self._workspace.root} has no models yet: a job that writes one makes the first."
            )
            raise NotFoundError(f"there is no model {model!r}.", hint=hint)

    def _is_jobs_own(self, artifact: Path, origin: ModelOrigin) -> bool:
        return origin.job_id is not None and artifact == self._workspace.job(origin.job_id).model_dir


def _adopt(connection: sqlite3.Connection, folder: ModelFolder) -> None:
    for adopted in adopt_versions(connection, folder)[0]:
        _add_version_event(connection, adopted)


def adopt_versions(connection: sqlite3.Connection, folder: ModelFolder) -> tuple[list[ModelVersion], list[str]]:
    """Give rows to versions that have none, because a process was killed or the database is new.

    Returns:
        Those versions, and what to tell of folders that hold none.
    """
    model = folder.root.name
    known = {number for (number,) in connection.execute("SELECT number FROM versions WHERE model = ?", (model,))}
    adopted, problems = [], []
    for number in sorted(version_numbers(folder.root) - known):
        try:
            adopted.append(read_version(folder.version(number)))
        except (OSError, codec.DecodeError) as error:
            problems.append(f"left out {folder.version(number).root}: {error}")
        else:
            write_version(connection, adopted[-1])
    return adopted, problems


def write_version(connection: sqlite3.Connection, version: ModelVersion) -> None:
    """Insert a version's row in the transaction that the connection is in."""
    connection.execute(
        "INSERT INTO versions (model, number, job_id, record) VALUES (?, ?, ?, ?)",
        (version.model, version.number, version.origin.job_id, codec.dumps(version, indent=None)),
    )


def _add_version_event(connection: sqlite3.Connection, version: ModelVersion) -> None:
    add_event(connection, f"model:{version.model}", "version", {"version": str(version)}, version.create_time)


def _version_of_job(connection: sqlite3.Connection, model: str, job_id: str | None) -> ModelVersion | None:
    query = "SELECT record FROM versions WHERE model = ? AND job_id = ? ORDER BY number"
    row = connection.execute(query, (model, job_id)).fetchone()
    return codec.loads(ModelVersion, row[0]) if row else None


def _select(connection: sqlite3.Connection, model: str, number: int) -> ModelVersion:
    query = "SELECT record FROM versions WHERE model = ? AND number = ?"
    row = connection.execute(query, (model, number)).fetchone()
    if row is None:
        last = _last_number(connection, model)
        hint = "It has version 1 alone." if last == 1 else f"It has versions 1 to {last}."
        raise NotFoundError(f"model {model!r} has no version {number}.", hint=hint)
    return codec.loads(ModelVersion, row[0])


def _last_number(connection: sqlite3.Connection, model: str) -> int:
    row = connection.execute("SELECT max(number) FROM versions WHERE model = ?", (model,)).fetchone()
    return int(row[0] or 0)


def _next_number(connection: sqlite3.Connection, folder: ModelFolder) -> int:
    return max(_last_number(connection, folder.root.name), *version_numbers(folder.root), 0) + 1


def _read_model(connection: sqlite3.Connection, folder: ModelFolder) -> Model:
    """Return a model that has versions. Until an alias is set, its first version is the default."""
    query = "SELECT record FROM versions WHERE model = ? ORDER BY number LIMIT 1"
    first = codec.loads(ModelVersion, connection.execute(query, (folder.root.name,)).fetchone()[0])
    try:
        model = codec.loads(Model, folder.aliases.read_bytes())
    except FileNotFoundError:
        model = Model(name=first.model, create_time=first.create_time)
    except (OSError, codec.DecodeError) as error:
        raise WorkspaceError(
            f"the aliases of model {folder.root.name!r} cannot be read from {folder.aliases}: {error}.",
            hint="Mend the file, or remove it: then version 1 is the default.",
        ) from error
    return dataclasses.replace(model, aliases={"default": first.number, **model.aliases})


def _write_model(connection: sqlite3.Connection, folder: ModelFolder, model: Model, now: datetime) -> None:
    write_atomic(folder.aliases, codec.dumps(model))
    payload = {"alias": "default", "version": model.aliases["default"]}
    add_event(connection, f"model:{model.name}", "alias", payload, now)
