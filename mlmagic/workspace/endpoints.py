"""Endpoints: what each is to serve. Their folders are all there is of them; no row tells of one."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlmagic.errors import ConflictError, NotFoundError, WorkspaceError, nearest
from mlmagic.spec import codec
from mlmagic.spec.endpoint import EndpointSpec, EndpointStatus
from mlmagic.spec.names import is_name
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoint_folder import EndpointFolder
from mlmagic.workspace.events import add_event
from mlmagic.workspace.files import explained, make_folder, write_atomic

if TYPE_CHECKING:
    import sqlite3

# `list` is also a method below, where annotations would take it for that.
Specs = list[EndpointSpec]
Names = list[str]


class EndpointStore:
    """The endpoints of a workspace. Any number of processes may use one at the same time.

    Every change of a spec is made under the database's one lock for writers, as the deletion of a version is: so no
    version is deployed and deleted at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._workspace = database.workspace

    def create(self, spec: EndpointSpec) -> EndpointSpec:
        """Write a new endpoint's spec.

        Raises:
            ConflictError: there is one of that name.
            NotFoundError: a version that it deploys is not there.
        """
        with self._database.write() as connection, explained(f"make the endpoint {spec.name}"):
            folder = self._workspace.endpoint(spec.name)
            if folder.spec.exists():
                raise ConflictError(f"there is an endpoint {spec.name!r} already.")
            # Of one that was being deleted when its process was killed.
            folder.status.unlink(missing_ok=True)
            folder.rollout.unlink(missing_ok=True)
            folder.remote.unlink(missing_ok=True)
            folder.asked.unlink(missing_ok=True)
            # Also where its last requests were still being turned into Parquet: they were another endpoint's.
            shutil.rmtree(folder.requests, ignore_errors=True)
            self._write(connection, spec, "created")
        return spec

    def change(self, name: str, edit: Callable[[EndpointSpec], EndpointSpec]) -> EndpointSpec:
        """Write what `edit` makes of the spec, as its next generation; where it changes nothing, nothing is written.

        Raises:
            NotFoundError: there is no such endpoint, or a version that it deploys is not there.
        """
        with self._database.write() as connection, explained(f"change the endpoint {name}"):
            before = self.get(name)
            after = edit(before)
            if after == before:
                return before
            after = dataclasses.replace(after, generation=before.generation + 1, update_time=datetime.now(UTC))
            self._write(connection, after, "changed")
        return after

    def delete(self, name: str) -> None:
        """Remove an endpoint's folder. Its supervisor, if there is one, ends when it sees that.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        with self._database.write() as connection, explained(f"delete the endpoint {name}"):
            self.get(name)
            folder = self._workspace.endpoint(name)
            # The spec first: without it there is no endpoint, whenever this process is killed.
            folder.spec.unlink()
            shutil.rmtree(folder.root, ignore_errors=True)
            add_event(connection, f"endpoint:{name}", "deleted", {}, datetime.now(UTC))

    def get(self, name: str) -> EndpointSpec:
        """Return an endpoint's spec.

        Raises:
            NotFoundError: there is no such endpoint.
            WorkspaceError: its file cannot be read.
        """
        spec = self._read(self._workspace.endpoint(name))
        if spec is None:
            known = self._names()
            hint = nearest(name, known) or (
                f"Endpoints: {', '.join(known)}." if known else "There are none yet: %deploy MODEL makes one."
            )
            raise NotFoundError(f"there is no endpoint {name!r}.", hint=hint)
        return spec

    def status(self, name: str) -> EndpointStatus | None:
        """Return what the endpoint's supervisor last said, which may have died since; None if it never spoke."""
        try:
            return codec.loads(EndpointStatus, self._workspace.endpoint(name).status.read_bytes())
        except (OSError, codec.DecodeError):
            return None

    def list(self) -> Specs:
        """Return all endpoints in order of name.

        Raises:
            WorkspaceError: the file of one cannot be read.
        """
        specs = [self._read(self._workspace.endpoint(name)) for name in self._names()]
        return [spec for spec in specs if spec is not None]

    def readable(self) -> Specs:
        """Return the endpoints whose files can be read, in order of name: for what one alone must not hold up."""
        return self._sorted_out()[0]

    def unreadable(self) -> dict[str, WorkspaceError]:
        """Return by name why the others cannot be read, and what to do."""
        return self._sorted_out()[1]

    def deployed(self, model: str) -> dict[int, Names]:
        """Return the versions of a model that are deployed, shadows among them, and behind which endpoints."""
        found: dict[int, Names] = {}
        for spec in self.list():
            for number in _numbers(spec) if spec.model == model else ():
                found.setdefault(number, []).append(spec.name)
        return found

    def _write(self, connection: sqlite3.Connection, spec: EndpointSpec, kind: str) -> None:
        for number in _numbers(spec):
            if not self._workspace.version(spec.model, number).origin.exists():
                raise NotFoundError(f"model {spec.model!r} has no version {number}.")
        folder = self._workspace.endpoint(spec.name)
        make_folder(folder.root)
        write_atomic(folder.spec, codec.dumps(spec))
        traffic = {str(version.number): version.traffic for version in spec.deployed}
        payload = {"generation": spec.generation, "model": spec.model, "traffic": traffic}
        add_event(connection, f"endpoint:{spec.name}", kind, payload, spec.update_time)

    def _read(self, folder: EndpointFolder) -> EndpointSpec | None:
        try:
            return codec.loads(EndpointSpec, folder.spec.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, codec.DecodeError) as error:
            raise WorkspaceError(
                f"the endpoint {folder.root.name!r} cannot be read from {folder.spec}: {error}.",
                hint="Mend the file, or remove the folder and deploy again.",
            ) from error

    def _sorted_out(self) -> tuple[Specs, dict[str, WorkspaceError]]:
        specs: Specs = []
        errors: dict[str, WorkspaceError] = {}
        for name in self._names():
            try:
                spec = self._read(self._workspace.endpoint(name))
            except WorkspaceError as error:
                errors[name] = error
            else:
                specs += [] if spec is None else [spec]
        return specs, errors

    def _names(self) -> Names:
        """Return the names of endpoints. What a process left that was killed while deleting one is none."""
        try:
            names = sorted(path.name for path in self._workspace.endpoints.iterdir() if is_name(path.name))
        except FileNotFoundError:
            return []
        return [name for name in names if self._workspace.endpoint(name).spec.exists()]


def _numbers(spec: EndpointSpec) -> list[int]:
    """Return the versions that it needs."""
    numbers = [version.number for version in spec.deployed]
    is_apart = spec.shadow is not None and spec.shadow.version not in numbers
    return [*numbers, spec.shadow.version] if spec.shadow is not None and is_apart else numbers
