"""All endpoints of a workspace in one list: whatever is asked of one goes to the backend that it is on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.backends.endpoints import Address, EndpointBackend, Records
from mlmagic.spec.endpoint import EndpointRecord, EndpointSpec
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore

if TYPE_CHECKING:
    from mlmagic.workspace.layout import Workspace

LOCAL = "local"


class EndpointRouter:
    """Backends behind one face: an `EndpointBackend`."""

    name = "all"

    def __init__(
        self,
        workspace: Workspace,
        *,
        reader: Callable[[str], EndpointBackend],
        actor: Callable[[str], EndpointBackend],
    ) -> None:
        """Make one; no backend is asked for anything.

        Args:
            workspace: where the specs of all of them are.
            reader: gives a backend to look at endpoints with; starts nothing.
            actor: gives a backend that does something.
        """
        self._store = EndpointStore(Database(workspace))
        self._reader = reader
        self._actor = actor

    def create(self, spec: EndpointSpec) -> EndpointRecord:
        """Make an endpoint on the backend that the spec names: see `EndpointBackend`."""
        return self._actor(spec.backend).create(spec)

    def change(self, name: str, edit: Callable[[EndpointSpec], EndpointSpec]) -> EndpointRecord:
        """See `EndpointBackend`."""
        return self._acting(name).change(name, edit)

    def get(self, name: str) -> EndpointRecord:
        """See `EndpointBackend`."""
        return self._reading(name).get(name)

    def list(self) -> Records:
        """See `EndpointBackend`."""
        names = sorted({LOCAL, *(spec.backend for spec in self._store.readable())})
        found = [record for name in names for record in self._reader(name).list()]
        return sorted(found, key=lambda record: record.spec.name)

    def wake(self, name: str) -> EndpointRecord:
        """See `EndpointBackend`."""
        return self._acting(name).wake(name)

    def wait(
        self,
        name: str,
        generation: int,
        seconds: float,
        on_look: Callable[[EndpointRecord], None] | None = None,
    ) -> EndpointRecord:
        """See `EndpointBackend`."""
        return self._reading(name).wait(name, generation, seconds, on_look)

    def stop(self, name: str) -> EndpointRecord:
        """See `EndpointBackend`."""
        return self._acting(name).stop(name)

    def delete(self, name: str) -> None:
        """See `EndpointBackend`."""
        self._acting(name).delete(name)

    def address(self, name: str) -> Address:
        """See `EndpointBackend`."""
        return self._reading(name).address(name)

    def token_file(self, name: str) -> Path | None:
        """See `EndpointBackend`."""
        return self._reading(name).token_file(name)

    def logs(self, name: str) -> str:
        """See `EndpointBackend`."""
        return self._reading(name).logs(name)

    def close(self) -> None:
        """Do nothing: whoever made the backends closes them."""

    def _reading(self, name: str) -> EndpointBackend:
        return self._reader(self._store.get(name).backend)

    def _acting(self, name: str) -> EndpointBackend:
        return self._actor(self._store.get(name).backend)
