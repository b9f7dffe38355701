"""Brings endpoints of Vertex AI to what their specs say: a request at a time, each noted down before and after.

Any process of the workspace may go on where another was killed. An endpoint is found again by its labels, what is
under way by the operation's name or among those of the endpoint, and a model that is deployed by its id.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.endpoints_plan import Step, Verb, difference, followed, next_step, replicas
from mlmagic.backends.google.endpoints_remote import (
    EndpointNotes,
    RemoteEndpoint,
    held_endpoint,
    read_notes,
    write_notes,
)
from mlmagic.backends.google.endpoints_status import is_at_rest, now
from mlmagic.backends.google.names import WORKSPACE_LABEL, label_value, workspace_label
from mlmagic.backends.google.refusals import UnavailableError
from mlmagic.backends.google.uploads import Uploader
from mlmagic.backends.google.vertex_models import ensure_uploaded
from mlmagic.errors import BackendError, MissingDependencyError, MlmagicError, NotFoundError
from mlmagic.spec.endpoint import EndpointGoal, EndpointSpec
from mlmagic.spec.names import ModelReference
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.files import append, explained
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

ENDPOINT_LABEL = "mlmagic-endpoint"
DEFAULT_MACHINE = "n1-standard-2"
_ATTEMPTS = 3
_BEGUN = MappingProxyType(
    {
        Verb.DEPLOY: "DeployModelOperationMetadata",
        Verb.UNDEPLOY: "UndeployModelOperationMetadata",
        Verb.SCALE: "MutateDeployedModelOperationMetadata",
    }
)
"""What we ask for → of what kind the operation is."""

Connect = Callable[[EndpointNotes | None], GoogleClient]


class Progress(StrEnum):
    """How far an endpoint is."""

    MOVED = "moved"
    """Something was done, and more can be at once."""
    WAITS = "waits"
    """For Google, or for another process that does the same."""
    RESTS = "rests"


class EndpointSync:
    """Does what is to be done for endpoints: a lock for each lets one thread of one process at a time."""

    def __init__(self, workspace: Workspace, connect: Connect) -> None:
        self._workspace = workspace
        self._store = EndpointStore(Database(workspace))
        self._models = ModelStore(Database(workspace))
        self._connect = connect
        self._label = workspace_label(str(workspace.root))

    def advance(self, name: str) -> Progress:
        """Do the next thing for an endpoint.

        Raises:
            UnavailableError: no answer came; what is kept tells how to go on.
            MlmagicError: Google cannot be asked by this process.
        """
        folder = self._workspace.endpoint(name)
        if not folder.spec.exists():
            return Progress.RESTS
        with held_endpoint(folder) as is_ours:
            if not is_ours:
                return Progress.WAITS
            try:
                spec, notes = self._store.get(name), read_notes(folder)
            except NotFoundError:
                return Progress.RESTS
            if is_at_rest(spec, notes):
                return Progress.RESTS
            client = self._connect(notes)
            notes = notes or EndpointNotes(
                project=client.settings.project, region=client.settings.region, update_time=now()
            )
            try:
                return self._go_on(client, spec, notes)
            except (UnavailableError, MissingDependencyError):
                raise
            except MlmagicError as error:
                self._refuse(spec, read_notes(folder) or notes, error)
                return Progress.MOVED
            except Exception as error:  # whatever it is: nobody may wait for ever for what cannot come
                told = BackendError(f"mlmagic failed over it: {type(error).__name__}: {error}")
                self._refuse(spec, read_notes(folder) or notes, told)
                raise

    def look(self, name: str) -> bool:
        """Compare an endpoint that rests with the alias that it follows, and with what Google says of it now.

        Returns:
            Whether there is something to be done for it.

        Raises:
            UnavailableError: no answer came.
            MlmagicError: Google cannot be asked by this process.
        """
        folder = self._workspace.endpoint(name)
        with held_endpoint(folder) as is_ours:
            spec, notes = self._store.get(name), read_notes(folder)
            if not is_ours or notes is None or notes.name is None or not is_at_rest(spec, notes):
                return False
            if spec.goal is not EndpointGoal.SERVE or notes.served is None:
                return False
            if self.follow(name):
                return True
            try:
                there = self._connect(notes).endpoints.get(notes.name)
            except NotFoundError:
                error = "it was deleted in Google Cloud by somebody else"
                self._say(name, error)
                write_notes(folder, _forgotten(notes, refused=spec.generation, error=error))
                return False
            seen = difference(spec, there)
            note = None if seen is None else f"Somebody else has changed it: {seen}."
            if note != notes.note:
                write_notes(folder, dataclasses.replace(notes, note=note, update_time=now()))
            return False

    def follow(self, name: str) -> bool:
        """Let an endpoint serve the version that its alias points at by now, and say whether that is another one.

        A job may have moved the alias, in any process; who moves it in a notebook tells the endpoint at once.
        """
        notes = read_notes(self._workspace.endpoint(name))
        refused = 0 if notes is None else notes.refused_version
        before = self._store.get(name)
        try:
            after = self._store.change(name, lambda spec: followed(spec, self._models, refused=refused))
        except NotFoundError:
            return False  # the model or the version was deleted just now
        if after.generation != before.generation:
            self._say(name, f"{after.model}@{after.deployed[0].number} is {after.follows} now")
        return after.generation != before.generation

    def _go_on(self, client: GoogleClient, spec: EndpointSpec, notes: EndpointNotes) -> Progress:
        if notes.operation is not None:
            return self._follow(client, spec, notes)
        if notes.name is None:
            if spec.goal is not EndpointGoal.SERVE and notes.sent_time is None:
                return self._rest(spec, notes)
            return self._locate(client, spec, notes)
        try:
            there = client.endpoints.get(notes.name)
        except NotFoundError:
            # Deleted by somebody else: that is what was wanted, or it is made anew.
            gone = self._keep(spec, _forgotten(notes, refused=notes.refused_generation, error=notes.error))
            return Progress.MOVED if spec.goal is EndpointGoal.SERVE else self._rest(spec, gone)
        step = next_step(spec, there, notes.deployed)
        if step is None:
            return self._rest(spec, notes)
        try:
            return self._do(client, spec, notes, step)
        except NotFoundError:
            # Somebody else may have been quicker: then there is another next step, or the endpoint is gone.
            if _still_there(client, there) == there:
                raise
            return Progress.MOVED

    def _follow(self, client: GoogleClient, spec: EndpointSpec, notes: EndpointNotes) -> Progress:
        """See how far that is what takes Google time."""
        try:
            operation = client.endpoints.operation(notes.operation or "")
        except NotFoundError:
            # Google keeps operations for a while only; what came of it, the endpoint tells.
            self._keep(spec, dataclasses.replace(notes, operation=None, doing=None))
            return Progress.MOVED
        if not operation.is_done:
            return Progress.WAITS
        is_again = operation.is_to_be_repeated and notes.attempts < _ATTEMPTS
        attempts = notes.attempts + 1 if is_again else 0
        self._keep(spec, dataclasses.replace(notes, operation=None, doing=None, attempts=attempts))
        if operation.error is not None and not is_again:
            raise BackendError(f"Vertex AI refuses it ({notes.doing}): {operation.error}")
        return Progress.MOVED

    def _locate(self, client: GoogleClient, spec: EndpointSpec, notes: EndpointNotes) -> Progress:
        """Find the endpoint that an earlier try has made; else make it."""
        labels = {WORKSPACE_LABEL: self._label, ENDPOINT_LABEL: label_value(spec.name)}
        found = client.endpoints.list(" AND ".join(f'labels.{key}="{value}"' for key, value in labels.items()))
        if found:
            known = tuple(int(each) for each in found[0].deployed if each.isdecimal())
            self._keep(spec, dataclasses.replace(notes, name=found[0].name, deployed=known))
            return Progress.MOVED
        if notes.sent_time is not None and _age(notes.sent_time) < client.settings.settle_seconds:
            return Progress.WAITS
        if spec.goal is not EndpointGoal.SERVE:
            return self._rest(spec, notes)
        self._say(spec.name, "makes the endpoint")
        notes = self._keep(spec, dataclasses.replace(notes, sent_time=now()))
        operation = client.endpoints.create({"display_name": spec.name, "labels": labels})
        self._keep(
            spec,
            dataclasses.replace(
                notes, name=operation.partition("/operations/")[0], operation=operation, doing="makes the endpoint"
            ),
        )
        return Progress.MOVED

    def _do(self, client: GoogleClient, spec: EndpointSpec, notes: EndpointNotes, step: Step) -> Progress:
        name, doing = notes.name or "", step.told(spec.model)
        self._say(spec.name, doing)
        match step.verb:
            case verb if (begun := self._begun(client, name, verb)) is not None:
                operation = begun
            case Verb.DEPLOY:
                operation = self._deploy(client, spec, notes, step)
            case Verb.UNDEPLOY:
                operation = client.endpoints.undeploy(name, step.deployed_id, step.traffic)
            case Verb.SCALE:
                operation = client.endpoints.scale(
                    name, {"id": step.deployed_id, "dedicated_resources": _machines(spec)}
                )
            case Verb.DELETE:
                operation = client.endpoints.delete(name)
            case _:
                client.endpoints.split(name, spec.name, step.traffic)
                return Progress.MOVED
        known = read_notes(self._workspace.endpoint(spec.name)) or notes
        self._keep(spec, dataclasses.replace(known, operation=operation, doing=doing))
        return Progress.MOVED

    def _deploy(self, client: GoogleClient, spec: EndpointSpec, notes: EndpointNotes, step: Step) -> str:
        number = int(step.deployed_id)
        version = self._models.resolve(ModelReference(spec.model, version=number))
        self._keep(spec, dataclasses.replace(notes, deployed=tuple(sorted({*notes.deployed, number}))))
        uploader = Uploader(client, self._workspace)
        uploader.say = lambda text: self._say(spec.name, text)
        model = ensure_uploaded(client, self._workspace, version, image=spec.image, uploader=uploader)
        deployed = {
            "id": step.deployed_id,
            "model": model,
            "display_name": str(version),
            "dedicated_resources": _machines(spec),
        }
        return client.endpoints.deploy(notes.name or "", deployed, step.traffic)

    def _begun(self, client: GoogleClient, name: str, verb: Verb) -> str | None:
        """Return what is under way of that kind, of a process that was killed before it could note that down."""
        if verb not in _BEGUN:
            return None
        found = (operation for operation in client.endpoints.under_way(name) if operation.kind == _BEGUN[verb])
        return next((operation.name for operation in found), None)

    def _rest(self, spec: EndpointSpec, notes: EndpointNotes) -> Progress:
        """Note down that the endpoint is as it should be; of one that is deleted nothing is left."""
        if spec.goal is EndpointGoal.DELETE:
            self._store.delete(spec.name)
            return Progress.RESTS
        # The error of a change that was taken back is of use until the next one.
        is_returned = spec.generation == notes.returned_generation
        error = notes.error if is_returned else None
        self._say(spec.name, "serves as it should" if spec.goal is EndpointGoal.SERVE else "is stopped")
        refused = notes.refused_version if is_returned else 0
        rested = dataclasses.replace(notes, served=spec, error=error, note=None, attempts=0, refused_version=refused)
        self._keep(spec, rested)
        return Progress.RESTS

    def _refuse(self, spec: EndpointSpec, notes: EndpointNotes, error: MlmagicError) -> None:
        told = " ".join(" ".join([error.message, "; ".join(error.problems), error.hint or ""]).split())
        self._say(spec.name, f"generation {spec.generation} is refused: {told}")
        served = notes.served
        notes = dataclasses.replace(
            notes, refused_generation=spec.generation, error=told, operation=None, doing=None, attempts=0
        )
        if spec.follows is not None:
            notes = dataclasses.replace(notes, refused_version=spec.deployed[0].number)
        if spec.goal is EndpointGoal.SERVE and served is not None and served.goal is EndpointGoal.SERVE:
            notes = dataclasses.replace(notes, returned_generation=spec.generation + 1)
        # First: whoever is killed now leaves an endpoint that has refused.
        self._keep(spec, notes)
        if notes.returned_generation > spec.generation and served is not None:
            self._store.change(spec.name, lambda now_wanted: _returned(now_wanted, spec.generation, served))

    def _keep(self, spec: EndpointSpec, notes: EndpointNotes) -> EndpointNotes:
        return write_notes(self._workspace.endpoint(spec.name), dataclasses.replace(notes, update_time=now()))

    def _say(self, name: str, line: str) -> None:
        path = self._workspace.endpoint(name).log
        with explained(f"write {path}"):
            append(path, f"{now():%Y-%m-%d %H:%M:%S} {line}\n".encode())


def _still_there(client: GoogleClient, before: RemoteEndpoint) -> RemoteEndpoint | None:
    try:
        return client.endpoints.get(before.name)
    except NotFoundError:
        return None


def _machines(spec: EndpointSpec) -> dict[str, Any]:
    low, high = replicas(spec.scaling)
    machine = {"machine_type": spec.machine or DEFAULT_MACHINE}
    return {"machine_spec": machine, "min_replica_count": low, "max_replica_count": high}


def _returned(spec: EndpointSpec, refused: int, served: EndpointSpec) -> EndpointSpec:
    """Return the spec with what was served before, unless somebody has asked for something else meanwhile."""
    if spec.generation != refused:
        return spec
    return dataclasses.replace(spec, deployed=served.deployed, follows=served.follows, scaling=served.scaling)


def _forgotten(notes: EndpointNotes, *, refused: int, error: str | None) -> EndpointNotes:
    return EndpointNotes(
        project=notes.project, region=notes.region, update_time=now(), refused_generation=refused, error=error
    )


def _age(time: datetime) -> float:
    return (now() - time).total_seconds()
