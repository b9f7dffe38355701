"""Models: numbered versions that never change, and the aliases that point at them."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.errors import NotFoundError, nearest
from mlmagic.spec.model import Model, ModelOrigin, ModelSummary, ModelVersion, Signature
from mlmagic.spec.names import ModelReference
from mlmagic.workspace import model_rows as rows
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.files import explained
from mlmagic.workspace.model_aliases import (
    DEFAULT,
    LATEST,
    check_alias,
    no_such_alias,
    pointed_at,
    without,
    write_aliases,
)
from mlmagic.workspace.model_deletion import (
    Users,
    remove_conversions,
    remove_version,
    require_all_deletable,
    require_deletable,
    users_of,
)
from mlmagic.workspace.model_registration import Registration, adopt, register
from mlmagic.workspace.model_summaries import read_known, summaries

if TYPE_CHECKING:
    import sqlite3

# `list` is also a method below, where annotations would take it for that.
Versions = list[ModelVersion]
Models = list[Model]
Summaries = list[ModelSummary]
Numbers = list[int]
Names = list[str]
Deployed = dict[int, Names]


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
        registration = Registration(
            origin=dataclasses.replace(origin, create_time=now),
            signature=signature,
            statistics=statistics,
            set_default=set_default,
        )
        with explained(f"register a version of model {model}"):
            return register(self._database, model, artifact_dir, registration)

    def adopt(self, model: str, job_id: str) -> ModelVersion | None:
        """Return the version that a job has made, and give it the row that its supervisor was killed before writing."""
        return adopt(self._database, model, job_id)

    def get(self, model: str) -> Model:
        """Return a model with its aliases; `latest` is not among them, for nobody sets it.

        Raises:
            NotFoundError: there is no such model.
            WorkspaceError: its aliases cannot be read.
        """
        with self._database.read() as connection:
            return self._read(connection, model)

    def versions(self, model: str) -> Versions:
        """Return a model's versions in order of number; none if there is no such model."""
        with self._database.read() as connection:
            return rows.records(connection, model, rows.numbers(connection, self._workspace.model(model)))

    def has_versions(self, model: str) -> bool:
        """Say whether there is a model of that name."""
        with self._database.read() as connection:
            return bool(rows.numbers(connection, self._workspace.model(model)))

    def page(self, model: str, newest: int) -> tuple[Model, int, Versions]:
        """Return a model, how many versions it has, and the newest of them with those that an alias points at.

        Raises:
            NotFoundError: there is no such model.
            WorkspaceError: its aliases cannot be read.
        """
        with self._database.read() as connection:
            record = self._read(connection, model)
            known = rows.numbers(connection, self._workspace.model(model))
            shown = {*known[-newest:], *(number for number in record.aliases.values() if number in known)}
            return record, len(known), rows.records(connection, model, sorted(shown))

    def list(self) -> Models:
        """Return all models in order of name."""
        return [summary.model for summary in self.summaries()]

    def summaries(self) -> Summaries:
        """Return all models in order of name, each with its default and latest version and where it is deployed."""
        endpoints: dict[str, Names] = {}
        for spec in EndpointStore(self._database).list():
            endpoints.setdefault(spec.model, []).append(spec.name)
        with self._database.read() as connection:
            return summaries(connection, self._workspace, endpoints)

    def resolve(self, reference: ModelReference) -> ModelVersion:
        """Return the version that is meant.

        Raises:
            NotFoundError: there is no such model, version or alias.
            WorkspaceError: the model's aliases cannot be read.
        """
        with self._database.read() as connection:
            known = self._require_numbers(connection, reference.model)
            number = reference.version
            if number is None:
                number = known[-1] if reference.alias == LATEST else self._number_of(connection, reference)
            return rows.select(connection, self._workspace.model(reference.model), number)

    def _number_of(self, connection: sqlite3.Connection, reference: ModelReference) -> int:
        model = self._read(connection, reference.model)
        alias = reference.alias or DEFAULT
        if alias not in model.aliases:
            raise no_such_alias(model, alias)
        return model.aliases[alias]

    def set_default(self, model: str, number: int, *, now: datetime | None = None) -> Model:
        """Make a version the one that is meant where none is named.

        Raises:
            NotFoundError: there is no such model or version.
            WorkspaceError: the aliases cannot be read or written.
        """
        return self.set_alias(model, DEFAULT, number, now=now)

    def set_alias(self, model: str, alias: str, number: int, *, now: datetime | None = None) -> Model:
        """Let an alias point at a version, whether or not it pointed at another.

        Raises:
            UsageError: no alias can be called so.
            NotFoundError: there is no such model or version.
            WorkspaceError: the aliases cannot be read or written.
        """
        folder = self._workspace.model(model)
        check_alias(alias)
        with self._database.write() as connection, explained(f"set the {alias} of model {model}"):
            before = self._read(connection, model)
            rows.select(connection, folder, number)
            after = pointed_at(before, alias, number)
            return after if after == before else write_aliases(connection, folder, after, alias, _time(now))

    def remove_alias(self, model: str, alias: str, *, now: datetime | None = None) -> Model:
        """Forget an alias.

        Raises:
            UsageError: it is one that every model has.
            NotFoundError: there is no such model, or it has no such alias.
            WorkspaceError: the aliases cannot be read or written.
        """
        check_alias(alias)
        with self._database.write() as connection, explained(f"remove the alias {alias} of model {model}"):
            after = without(self._read(connection, model), alias)
            return write_aliases(connection, self._workspace.model(model), after, alias, _time(now))

    def deployed(self, model: str) -> Deployed:
        """Return the versions of a model that are deployed, and behind which endpoints."""
        return EndpointStore(self._database).deployed(model)

    def users(self, model: str) -> Users:
        """Return who uses which versions of a model, so that they cannot be deleted."""
        with self._database.read() as connection:
            return users_of(connection, model, self.deployed(model))

    def delete(self, version: ModelVersion, *, now: datetime | None = None) -> None:
        """Remove a version; its number is not given again.

        Raises:
            ConflictError: an endpoint serves it, a job predicts with it, an alias points at it, or there is no other.
            NotFoundError: it is not there any more.
        """
        folder = self._workspace.model(version.model)
        with explained(f"delete {version}"):
            with self._database.write() as connection:
                model = self._read(connection, version.model)
                found = rows.select(connection, folder, version.number)
                known = rows.numbers(connection, folder)
                users = users_of(connection, version.model, self.deployed(version.model))
                require_deletable(model, version.number, known, users)
                removed = remove_version(connection, folder, found, _time(now))
            shutil.rmtree(removed, ignore_errors=True)
            remove_conversions(self._workspace, version)

    def delete_model(self, model: str, *, now: datetime | None = None) -> Versions:
        """Remove a model with all its versions and aliases, and return the versions; no number is given again.

        Raises:
            ConflictError: an endpoint serves it, or a job predicts with it.
            NotFoundError: there is no such model.
        """
        folder = self._workspace.model(model)
        with explained(f"delete model {model}"):
            with self._database.write() as connection:
                found = rows.records(connection, model, self._require_numbers(connection, model))
                require_all_deletable(model, users_of(connection, model, self.deployed(model)))
                # First: what is left if this process is killed has its first version as its default.
                folder.aliases.unlink(missing_ok=True)
                removed = [remove_version(connection, folder, version, _time(now)) for version in found]
            for path, version in zip(removed, found, strict=True):
                shutil.rmtree(path, ignore_errors=True)
                remove_conversions(self._workspace, version)
        return found

    def path(self, version: ModelVersion) -> Path:
        """Return the version's folder; the artifact lies in it at `origin.artifact_path`."""
        return self._workspace.version(version.model, version.number).root

    def _read(self, connection: sqlite3.Connection, model: str) -> Model:
        known = self._require_numbers(connection, model)
        return read_known(connection, self._workspace.model(model), known)

    def _require_numbers(self, connection: sqlite3.Connection, model: str) -> Numbers:
        """Return the numbers of a model's versions, one at least."""
        if known := rows.numbers(connection, self._workspace.model(model)):
            return known
        names = rows.model_names(connection)
        hint = nearest(model, names) or (
            "`%models` lists all models."
            if names
            else f"The workspace {self._workspace.root} has no models yet: a job that writes one makes the first."
        )
        raise NotFoundError(f"there is no model {model!r}.", hint=hint)


def _time(now: datetime | None) -> datetime:
    return now or datetime.now(UTC)
