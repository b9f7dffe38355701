"""Endpoints of Vertex AI, or of the emulator of it: their records are in the workspace like all others."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlmagic.backends.endpoints import Address, Records, failed_error, is_settled, look_until
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.endpoints_logs import newest_lines
from mlmagic.backends.google.endpoints_remote import EndpointNotes, read_notes
from mlmagic.backends.google.endpoints_status import is_at_rest, last_request, note_request, now, only_one, record_of
from mlmagic.backends.google.endpoints_sync import EndpointSync
from mlmagic.backends.google.endpoints_tender import Tender
from mlmagic.backends.google.refusals import LoggedOutError, UnavailableError
from mlmagic.backends.google.settings import GoogleSettings, emulator_settings, read_settings
from mlmagic.backends.google.vertex_models import container_of, follow_aliases
from mlmagic.errors import BackendError, MlmagicError, NotFoundError
from mlmagic.spec.endpoint import EndpointGoal, EndpointRecord, EndpointSpec, EndpointState
from mlmagic.spec.names import ModelReference
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

_LOOK_FACTOR = 5
"""An endpoint that rests is looked at so much less often than a job."""
_QUIET_SECONDS = 30.0
"""After no answer came, nothing is asked for so long."""
_LOGIN_SECONDS = 5.0
"""The same while nobody is logged in: whoever logs in wants to see what has become of his endpoints."""
_END_SECONDS = 900.0


class GoogleEndpoints:
    """The endpoints of a workspace in Google Cloud: an `EndpointBackend`.

    A call writes down what is wanted, and a thread of this process brings it about; if it is killed, the next process
    that looks at the endpoint does.
    """

    def __init__(self, workspace: Workspace, *, name: str = "google", config: Mapping[str, str] | None = None) -> None:
        """Make a backend; Google is not asked for anything, and nothing of it is imported.

        Args:
            workspace: where the records are.
            name: `google` or `emulator`.
            config: what `read_settings` takes; of the emulator, `emulator_root`.
        """
        self.name = name
        self._workspace = workspace
        self._config = config or {}
        self._store = EndpointStore(Database(workspace))
        self._models = ModelStore(Database(workspace))
        self._lock = threading.RLock()
        self._clients: list[GoogleClient] = []
        self._quiet_until: dict[str, float] = {}
        self._silence: tuple[float, str] | None = None
        """Until when nothing is asked, and why: no answer came."""
        self._sync = EndpointSync(workspace, self._connect)
        self._tender = Tender(self._sync, self._unfinished, 0.1 if name == "emulator" else 1.0)

    def create(self, spec: EndpointSpec) -> EndpointRecord:
        """Write the endpoint down, and begin to make it: see `EndpointBackend`.

        Raises:
            UsageError: nothing is set up, or Vertex AI cannot serve a version.
        """
        self._settings()
        self._check(spec)
        self._store.create(spec)
        self._tender.wake()
        return self._read(spec.name)

    def change(self, name: str, edit: Callable[[EndpointSpec], EndpointSpec]) -> EndpointRecord:
        """Write down what is to be served: see `EndpointBackend`."""

        def checked(spec: EndpointSpec) -> EndpointSpec:
            _require_kept(spec)
            after = edit(spec)
            self._check(after)
            return after

        self._tender.trouble.pop(name, None)
        spec = self._store.change(name, checked)
        self._tender.wake()
        # What is wanted may have been refused already, and what was before written in its place.
        return dataclasses.replace(self._read(name), spec=spec)

    def get(self, name: str) -> EndpointRecord:
        """Return what was last heard, which is now if Google answers: see `EndpointBackend`."""
        self._look(self._store.get(name))
        return self._read(name)

    def list(self) -> Records:
        """Return all endpoints: see `EndpointBackend`."""
        found = []
        for spec in self._store.readable():
            if spec.backend == self.name:
                try:
                    found.append(self.get(spec.name))
                except NotFoundError:
                    continue  # deleted just now
        return found

    def wake(self, name: str) -> EndpointRecord:
        """Deploy again what was stopped: see `EndpointBackend`."""
        if self._store.get(name).goal is EndpointGoal.STOP:
            self._sync.follow(name)
            self._want(name, EndpointGoal.SERVE)
        return self._read(name)

    def wait(
        self,
        name: str,
        generation: int,
        seconds: float,
        on_look: Callable[[EndpointRecord], None] | None = None,
    ) -> EndpointRecord:
        """Wait for a generation to be served or refused: see `EndpointBackend`."""
        return self._until(name, lambda record: is_settled(record, generation), seconds, on_look)

    def stop(self, name: str) -> EndpointRecord:
        """Take the models away, so that nothing costs anything, and return when they are: see `EndpointBackend`.

        Raises:
            BackendError: Google refuses, or does not answer; it is stopped once it does.
        """
        generation = self._want(name, EndpointGoal.STOP)
        record = self._until(name, lambda record: _is_over(record, generation), _END_SECONDS)
        return self._ended(record, generation, "stopped")

    def delete(self, name: str) -> None:
        """Delete it there and forget it here, and return when that is done: see `EndpointBackend`.

        Raises:
            BackendError: Google refuses, or does not answer; it is deleted once it does.
        """
        generation = self._want(name, EndpointGoal.DELETE)
        try:
            record = self._until(name, lambda record: _is_over(record, generation), _END_SECONDS)
        except NotFoundError:
            return
        self._ended(record, generation, "deleted")

    def address(self, name: str) -> Address:
        """Return how it is asked: see `EndpointBackend`. One that was stopped stays so: serving costs money there.

        Raises:
            BackendError: it does not serve, or there are no credentials.
        """
        record = self.get(name)
        client, remote = self._serving(record)
        return Address(url=client.prediction.address(remote), token=client.prediction.token())

    def token_file(self, name: str) -> Path | None:
        """Return None: tokens of Google are good for an hour, and lie in no file. See `EndpointBackend`."""
        self._store.get(name)
        return None

    def logs(self, name: str) -> str:
        """Return what was done, and what its containers printed: see `EndpointBackend`."""
        self._store.get(name)
        folder = self._workspace.endpoint(name)
        notes = read_notes(folder)
        try:
            own = folder.log.read_text(errors="replace")
        except FileNotFoundError:
            own = ""
        try:
            return own + (newest_lines(self._connect(notes), notes.name) if notes and notes.name else "")
        except MlmagicError as error:
            return f"{own}The log of its containers cannot be read: {error.message}\n"

    def predict(self, name: str, body: bytes) -> dict[str, Any]:
        """Return what the endpoint answers to `{"instances": [...]}`, with the `deployedModelId` that gave it.

        Raises:
            PredictionError: the instances do not fit, or the model failed.
            BackendError: it does not serve, or gives no answer.
        """
        record = self._read(name)
        client, remote = self._serving(record)
        note_request(self._workspace.endpoint(name))
        return client.prediction.predict(remote, body, only=only_one(record))

    def follow_aliases(self, model: str, *, tell: Callable[[str], None] | None = None) -> None:
        """Let a model's aliases in Vertex AI's registry point where they point here.

        Args:
            model: whose.
            tell: is told who is waited for.

        Raises:
            MlmagicError: Google refused, or cannot be asked.
        """
        if self._workspace.model(model).uploaded.exists():
            follow_aliases(self._connect(None), self._workspace, model, tell=tell)

    def close(self) -> None:
        """End the thread, and hang up. The endpoints go on."""
        self._tender.close()
        for client in self._clients:
            client.prediction.close()

    def _want(self, name: str, goal: EndpointGoal) -> int:
        def edit(spec: EndpointSpec) -> EndpointSpec:
            if goal is not EndpointGoal.DELETE:
                _require_kept(spec)
            # Also one that has refused that before, which is asked once more.
            return dataclasses.replace(spec, goal=goal, update_time=now())

        self._tender.trouble.pop(name, None)  # what it is asked for now may go better
        generation = self._store.change(name, edit).generation
        self._tender.wake()
        return generation

    def _check(self, spec: EndpointSpec) -> None:
        for deployed in spec.deployed:
            version = self._models.resolve(ModelReference(spec.model, version=deployed.number))
            container_of(self._workspace, version, spec.image)

    def _until(
        self,
        name: str,
        is_over: Callable[[EndpointRecord], bool],
        seconds: float,
        on_look: Callable[[EndpointRecord], None] | None = None,
    ) -> EndpointRecord:
        def is_enough(record: EndpointRecord) -> bool:
            is_lost = name in self._tender.trouble and record.spec.goal is not EndpointGoal.SERVE
            return is_over(record) or is_lost

        return look_until(is_enough, lambda: self.get(name), seconds, on_look)

    def _ended(self, record: EndpointRecord, generation: int, what: str) -> EndpointRecord:
        name, status = record.spec.name, record.status
        if status.refused_generation >= generation:
            raise BackendError(f"the endpoint {name!r} could not be {what}: {status.error}")
        if status.state is EndpointState.STOPPING:
            told = status.note or "Google takes its time."
            raise BackendError(
                f"the endpoint {name!r} is not {what} yet. {told}", hint=f"It goes on: %endpoints describe {name}"
            )
        return record

    def _serving(self, record: EndpointRecord) -> tuple[GoogleClient, str]:
        notes = read_notes(self._workspace.endpoint(record.spec.name))
        if record.status.state is EndpointState.FAILED:
            raise failed_error(record)
        if notes is None or notes.name is None or record.status.state not in _ANSWERING:
            raise BackendError(
                f"the endpoint {record.spec.name!r} does not serve: it is {record.status.state}.",
                hint=f"Start it: %endpoints start {record.spec.name}"
                if record.status.state is EndpointState.DOWN
                else f"See how far it is: %endpoints describe {record.spec.name}",
            )
        return self._connect(notes), notes.name

    def _look(self, spec: EndpointSpec) -> None:
        """Ask Google how the endpoint is, if it is time to; what is to be done for it, the thread does."""
        if not is_at_rest(spec, read_notes(self._workspace.endpoint(spec.name))):
            self._tender.wake_if_idle()
            return
        with self._lock:
            moment = time.monotonic()
            if (silence := self._silence) is not None and moment < silence[0]:
                # Whoever looks at several waits for one of them.
                if spec.goal is EndpointGoal.SERVE:
                    self._tender.trouble[spec.name] = silence[1]
                return
            if moment < self._quiet_until.get(spec.name, 0.0):
                return
            self._quiet_until[spec.name] = moment + _QUIET_SECONDS
        try:
            if self._sync.look(spec.name):
                self._tender.wake()
            seconds = self._settings().poll_seconds * _LOOK_FACTOR
        except NotFoundError:
            return
        except MlmagicError as error:
            self._tender.trouble[spec.name] = error.message
            if isinstance(error, UnavailableError):
                seconds = _LOGIN_SECONDS if isinstance(error, LoggedOutError) else _QUIET_SECONDS
                until = time.monotonic() + seconds
                self._silence = (until, error.message)
                self._quiet_until[spec.name] = until
            return
        self._tender.trouble.pop(spec.name, None)
        self._silence = None
        self._quiet_until[spec.name] = time.monotonic() + seconds

    def _read(self, name: str) -> EndpointRecord:
        spec = self._store.get(name)
        notes = read_notes(self._workspace.endpoint(name))
        address = None
        if notes is not None and notes.name is not None:
            host = f"https://{notes.region}-aiplatform.googleapis.com"
            with contextlib.suppress(MlmagicError):  # nothing is set up here
                host = self._settings().endpoint or host
            address = f"{host}/v1/{notes.name}"
        asked = last_request(self._workspace.endpoint(name))
        return record_of(spec, notes, address=address, asked=asked, trouble=self._tender.trouble.get(name))

    def _unfinished(self) -> tuple[str, ...]:
        try:
            mine = [spec for spec in self._store.readable() if spec.backend == self.name]
        except MlmagicError:
            return ()
        return tuple(s.name for s in mine if not is_at_rest(s, read_notes(self._workspace.endpoint(s.name))))

    def _settings(self) -> GoogleSettings:
        if self.name == "emulator":
            return emulator_settings(Path(self._config.get("emulator_root") or self._workspace.emulator))
        return read_settings(self._config)

    def _connect(self, notes: EndpointNotes | None) -> GoogleClient:
        """Return the client for where an endpoint is, with the settings as they are now."""
        settings = base = self._settings()
        if notes is not None:
            settings = dataclasses.replace(base, project=notes.project, region=notes.region)
        with self._lock:
            for client in [each for each in self._clients if each.is_logged_out or not _is_of(each, base)]:
                # An emulator that was started again has another address; who logs in again has other credentials.
                self._clients.remove(client)
                client.prediction.close()
            known = next((client for client in self._clients if client.settings == settings), None)
            if known is None:
                self._clients.append(known := GoogleClient(settings))
            return known


_ANSWERING = frozenset({EndpointState.READY, EndpointState.UPDATING})


def _is_of(client: GoogleClient, settings: GoogleSettings) -> bool:
    """Say whether a client has these settings, but for where its endpoints are."""
    return client.settings == dataclasses.replace(
        settings, project=client.settings.project, region=client.settings.region
    )


def _is_over(record: EndpointRecord, generation: int) -> bool:
    return max(record.status.generation, record.status.refused_generation) >= generation


def _require_kept(spec: EndpointSpec) -> None:
    """See that the endpoint is not being deleted.

    Raises:
        BackendError: it is.
    """
    if spec.goal is EndpointGoal.DELETE:
        raise BackendError(
            f"the endpoint {spec.name!r} is being deleted.", hint=f"How far that is: %endpoints describe {spec.name}"
        )
