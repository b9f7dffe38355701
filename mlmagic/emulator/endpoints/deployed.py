"""Deployed models as the engine serves them: each an endpoint of the engine's workspace, with workers of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlmagic.emulator.errors import ApiError, failed_precondition
from mlmagic.errors import MlmagicError, NotFoundError
from mlmagic.serving.client import Reply
from mlmagic.serving.endpoints import LocalEndpoints
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec, EndpointState, EngineChoice, Scaling
from mlmagic.workspace.layout import Workspace

_PREFIX = "deployed-"
_START_SECONDS = 600.0
_PLACE = "/v1/projects/p/locations/l/endpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is to be served for a deployed model."""

    name: str
    """See `serving_name`."""
    model: str
    """As the engine calls it."""
    number: int
    scaling: Scaling


class DeployedModels:
    """Starts, changes, asks and ends what serves deployed models. It goes on when the emulator ends."""

    def __init__(self, workspace: Workspace, *, engine: EngineChoice = EngineChoice.SESSION) -> None:
        """Take the engine's workspace; TensorFlow is what the images run, whatever would be quicker here."""
        self._endpoints = LocalEndpoints(workspace)
        self._engine = engine

    def start(self, served: Served) -> None:
        """Serve a version, and return when it answers.

        Raises:
            ApiError: it cannot be served; nothing is left of it then.
        """
        name, now = served.name, datetime.now(UTC)
        spec = EndpointSpec(
            name=name,
            model=served.model,
            deployed=(DeployedVersion(number=served.number, engine=self._engine),),
            scaling=served.scaling,
            port=0,
            create_time=now,
            update_time=now,
        )
        try:
            created = self._endpoints.create(spec)
        except MlmagicError as error:
            raise failed_precondition(f"Model server could not be started: {error}") from error
        record = self._endpoints.wait(name, created.spec.generation, _START_SECONDS)
        if record.status.state not in {EndpointState.READY, EndpointState.IDLE, EndpointState.UPDATING}:
            log = self._endpoints.logs(name).strip()[-2000:]
            self.end(name)
            why = record.status.error or "it did not become ready in time"
            raise failed_precondition(f"Model server never became ready: {why}\n{log}".rstrip())

    def scale(self, name: str, scaling: Scaling) -> None:
        """Change how many workers a deployed model has.

        Raises:
            ApiError: the engine refuses.
        """
        try:
            self._endpoints.change(name, lambda spec: dataclasses.replace(spec, scaling=scaling))
        except MlmagicError as error:
            raise ApiError(status="INTERNAL", message=str(error)) from error

    def ask(self, name: str, verb: str, body: bytes) -> Reply:
        """Return what the model's server answers to `predict` or `rawPredict`; it is started again if it is down.

        Raises:
            ApiError: UNAVAILABLE: there was no answer.
        """
        try:
            headers = {"content-type": "application/json"}
            return self._endpoints.client(name).request("POST", f"{_PLACE}/{name}:{verb}", body, headers)
        except MlmagicError as error:
            raise ApiError(status="UNAVAILABLE", message=f"The model server does not answer: {error}") from error

    def end(self, name: str) -> None:
        """Stop serving; does nothing where nothing is served."""
        with contextlib.suppress(NotFoundError):
            self._endpoints.delete(name)

    def end_others(self, names: Collection[str]) -> None:
        """End what no endpoint knows of: an emulator was killed while it deployed or undeployed it."""
        for record in self._endpoints.list():
            if record.spec.name.startswith(_PREFIX) and record.spec.name not in names:
                self.end(record.spec.name)

    def close(self) -> None:
        """Hang up."""
        self._endpoints.close()


def serving_name(endpoint: str, deployed_id: str) -> str:
    """Return what the engine calls a deployed model; clients may have chosen the same id in two endpoints."""
    return f"{_PREFIX}{hashlib.sha256(endpoint.encode()).hexdigest()[:12]}-{deployed_id}"


def scaling_of(resources: Mapping[str, Any]) -> Scaling:
    """Return how many workers a deployed model gets: what it asks for, as far as this machine has processors."""
    processors = os.cpu_count() or 1
    least = int(resources.get("min_replica_count", 1))
    most = max(least, int(resources.get("max_replica_count", 0)))
    return Scaling(min_replicas=min(least, processors), max_replicas=min(most, processors))
