"""Calls to Vertex AI's ModelService: models, their versions and aliases."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.backends.google.client.connection import Connection, call_options

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import ModelServiceClient


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteVersion:
    """A version of a model in Vertex AI's registry."""

    model: str
    """`projects/P/locations/R/models/M`."""
    number: str
    """Vertex AI's."""
    aliases: tuple[str, ...]
    artifact: str
    """`gs://…`."""
    image: str

    @property
    def name(self) -> str:
        """What jobs and endpoints take: `projects/P/locations/R/models/M@2`."""
        return f"{self.model}@{self.number}"


class ModelCalls:
    """Models of the settings' project and region."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def upload(self, model: Mapping[str, Any], *, model_id: str | None = None, parent_model: str | None = None) -> str:
        """Begin to make a model, or a version of `parent_model`, and return the operation's name. Never tried twice.

        Args:
            model: the API's message in snake_case.
            model_id: of a new model.
            parent_model: the name of one that is there.

        Raises:
            UnavailableError: no answer came; it may be under way.
            BackendError: Google refused.
            ConflictError: there is such a model already.
        """
        with self._connection.asking("upload the model"):
            from google.cloud.aiplatform_v1 import Model, UploadModelRequest

            request = UploadModelRequest(
                parent=self._connection.settings.parent,
                model=Model(dict(model)),
                model_id=model_id,
                parent_model=parent_model,
            )
            return str(self.service.upload_model(request, **call_options()).operation.name)

    def get(self, name: str) -> RemoteVersion:
        """Return the version that `…/models/M`, `…/models/M@2` or `…/models/M@alias` means.

        Raises:
            NotFoundError: there is none.
        """
        return _version(
            self._connection.repeated("look at the model", lambda: self.service.get_model(name=name, **call_options()))
        )

    def point(self, name: str, aliases: Sequence[str]) -> RemoteVersion:
        """Let aliases point at the version `…/models/M@2`; one with a `-` before it no longer does."""

        def call() -> Any:
            return self.service.merge_version_aliases(name=name, version_aliases=list(aliases), **call_options())

        return _version(self._connection.repeated("move the aliases", call))

    @functools.cached_property
    def service(self) -> ModelServiceClient:
        """Google's own client, whose import takes seconds."""
        with self._connection.lock:
            from google.cloud.aiplatform_v1 import ModelServiceClient

            return ModelServiceClient(
                transport="rest",
                client_options={"api_endpoint": self._connection.vertex},
                credentials=self._connection.credentials,
            )


def _version(model: Any) -> RemoteVersion:
    return RemoteVersion(
        model=model.name.partition("@")[0],
        number=model.version_id,
        aliases=tuple(model.version_aliases),
        artifact=model.artifact_uri,
        image=model.container_spec.image_uri,
    )
