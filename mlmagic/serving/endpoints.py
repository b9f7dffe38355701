"""Endpoints on this machine: specs in the workspace, each kept by a supervisor of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.backends.endpoints import Address, Records, failed_error, is_settled, look_until
from mlmagic.errors import BackendError, MissingDependencyError, NotFoundError, WorkspaceError
from mlmagic.serving.client import EndpointClient
from mlmagic.spec.endpoint import EndpointRecord, EndpointSpec, EndpointState
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore

if TYPE_CHECKING:
    from mlmagic.workspace.layout import Workspace

_PACKAGES = ("uvicorn", "orjson", "uvloop", "httptools")
_LOG_BYTES = 1 << 20


class LocalEndpoints:
    """The endpoints of a workspace, served by processes of this machine: an `EndpointBackend`."""

    name = "local"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._store = EndpointStore(Database(workspace))
        self._lock = threading.Lock()
        self._clients: dict[str, EndpointClient] = {}

    def create(self, spec: EndpointSpec) -> EndpointRecord:
        """Make an endpoint and start it: see `EndpointBackend`.

        Raises:
            MissingDependencyError: a package that serves is not installed.
        """
        _check_packages()
        with self._port(spec) as port:
            self._store.create(dataclasses.replace(spec, port=port))
            self._start(spec.name)
        return self.get(spec.name)

    def change(self, name: str, edit: Callable[[EndpointSpec], EndpointSpec]) -> EndpointRecord:
        """Write the spec, and tell the supervisor if there is one: see `EndpointBackend`."""
        from mlmagic.serving.supervisor.launch import wake_supervisor

        spec = self._store.change(name, edit)
        # Its supervisor may have refused that spec already, and written the one before.
        record = dataclasses.replace(self.get(name), spec=spec)
        if record.status.state is not EndpointState.DOWN:
            wake_supervisor(self._workspace, name)
        return record

    def get(self, name: str) -> EndpointRecord:
        """Return what is true now: see `EndpointBackend`."""
        from mlmagic.serving.supervisor.launch import read_endpoint

        return read_endpoint(self._workspace, name)

    def list(self) -> Records:
        """Return all endpoints: see `EndpointBackend`."""
        found = []
        for spec in self._own():
            # One may be deleted just now, or become unreadable.
            with contextlib.suppress(NotFoundError, WorkspaceError):
                found.append(self.get(spec.name))
        return found

    def wake(self, name: str) -> EndpointRecord:
        """Start what is DOWN: see `EndpointBackend`."""
        if self.get(name).status.state is EndpointState.DOWN:
            _check_packages()
            self._start(name)
        return self.get(name)

    def wait(
        self,
        name: str,
        generation: int,
        seconds: float,
        on_look: Callable[[EndpointRecord], None] | None = None,
    ) -> EndpointRecord:
        """Wait for a generation to be served or refused: see `EndpointBackend`. `on_look` is told what was read."""
        return look_until(lambda record: is_settled(record, generation), lambda: self.get(name), seconds, on_look)

    def stop(self, name: str) -> EndpointRecord:
        """End its processes: see `EndpointBackend`."""
        from mlmagic.serving.supervisor.launch import stop_supervisor

        self._store.get(name)
        self._hang_up(name)
        stop_supervisor(self._workspace, name)
        return self.get(name)

    def delete(self, name: str) -> None:
        """Stop and forget it: see `EndpointBackend`."""
        self.stop(name)
        self._store.delete(name)

    def address(self, name: str) -> Address:
        """Return how it is asked: see `EndpointBackend`."""
        from mlmagic.serving.supervisor.token import ensure_token

        record = self.wake(name)
        if record.status.state is EndpointState.FAILED:
            raise failed_error(record)
        token = ensure_token(self._workspace, name) if record.spec.needs_token else None
        return Address(url=record.url, token=token)

    def token_file(self, name: str) -> Path | None:
        """Return where its token lies: see `EndpointBackend`."""
        from mlmagic.workspace.runtime_folder import RuntimeFolder

        if not self._store.get(name).needs_token:
            return None
        return RuntimeFolder.make(self._workspace, os.environ).token(name)

    def logs(self, name: str) -> str:
        """Return what its processes printed: see `EndpointBackend`."""
        self._store.get(name)
        try:
            with self._workspace.endpoint(name).log.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG_BYTES))
                return file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def client(self, name: str) -> EndpointClient:
        """Return what asks the endpoint, with connections that it keeps.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        spec = self._store.get(name)
        with self._lock:
            client = self._clients.get(name)
            if client is None or client.model != spec.model:
                client = self._clients[name] = EndpointClient(lambda: self.address(name), spec.model)
            client.limits = spec.limits
            return client

    def close(self) -> None:
        """Hang up everywhere. The endpoints go on."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def _own(self) -> Iterator[EndpointSpec]:
        return (spec for spec in self._store.readable() if spec.backend == self.name)

    def _start(self, name: str) -> None:
        from mlmagic.serving.supervisor.launch import ensure_supervisor

        ensure_supervisor(self._workspace, name)

    def _hang_up(self, name: str) -> None:
        with self._lock:
            client = self._clients.pop(name, None)
        if client is not None:
            client.close()

    @contextlib.contextmanager
    def _port(self, spec: EndpointSpec) -> Iterator[int]:
        """Give the port that was asked for, or a free one that nobody else of this user takes meanwhile."""
        from mlmagic.runtime.ports import Ports
        from mlmagic.workspace.runtime_folder import RuntimeFolder

        # Those of endpoints that are stopped are free, and yet not to be had.
        known = {other.port: other.name for other in self._own() if other.name != spec.name}
        if spec.port:
            _check_port(spec, known)
            yield spec.port
            return
        ports = Ports(RuntimeFolder.make(self._workspace, os.environ).ports)
        try:
            found = ports.hold(len(known) + 1, seed=f"{self._workspace.root} {spec.name}")
            port = next(port for port in found if port not in known)
            # It is free on this machine's own address, which may not be the one that is asked for.
            _check_port(dataclasses.replace(spec, port=port), known)
            yield port
        except OSError as error:
            raise BackendError(f"there is no port for the endpoint {spec.name!r}: {error}.") from error
        finally:
            ports.close()


def _check_port(spec: EndpointSpec, known: Mapping[int, str]) -> None:
    from mlmagic.serving.supervisor.listening import listen

    reason = f"it is that of the endpoint {known[spec.port]!r}" if spec.port in known else None
    hint = "Choose another port, or none: then it gets one that is free."
    if reason is None:
        try:
            listen(spec.host, spec.port).close()
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
                hint = "A host is an address of this machine: 127.0.0.1 for itself alone, 0.0.0.0 for all who reach it"
    if reason is not None:
        raise BackendError(
            f"the endpoint {spec.name!r} cannot listen on port {spec.port} of {spec.host}: {reason}.",
            hint=hint,
        )


def _check_packages() -> None:
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise MissingDependencyError(
            f"an endpoint needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed here.",
            hint='Install them: %pip install "mlmagic[serve]"',
        )
