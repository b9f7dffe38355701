"""Calls to Vertex AI's PredictionService: JSON as it is. Google's messages are slow to import and to fill."""

from __future__ import annotations

from typing import Any

from mlmagic.backends.google.client.connection import Connection
from mlmagic.errors import MlmagicError, PredictionError

Json = dict[str, Any]


class PredictionCalls:
    """Online predictions, and what others need to ask for them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def address(self, endpoint: str) -> str:
        """Return the resource `projects/P/locations/R/endpoints/N` as a URL."""
        return f"{self._connection.vertex}/v1/{endpoint}"

    def token(self) -> str:
        """Return what a request needs in its header `Authorization: Bearer TOKEN`, good for an hour or less.

        Raises:
            BackendError: there are no credentials, or they have expired.
        """
        self._connection.log_in()
        return str(self._connection.credentials.token)

    def predict(self, endpoint: str, body: bytes) -> Json:
        """Return what an endpoint answers to `{"instances": [...]}`.

        Raises:
            PredictionError: the request does not fit, or the model failed.
            NotFoundError, BackendError: there is no such endpoint, or no answer.
        """
        headers = {"content-type": "application/json"}
        address = f"{self.address(endpoint)}:predict"

        def call() -> Json:
            return self._connection.asked("POST", address, data=body, headers=headers)

        try:
            return self._connection.repeated("ask the endpoint", call)
        except MlmagicError as error:
            if (said := _of_the_model(error)) is None:
                raise
            raise PredictionError(said) from error


def _of_the_model(error: MlmagicError) -> str | None:
    """Return what the model's server said, where it was that which refused."""
    beginning = "cannot ask the endpoint: Google refuses it: "
    return error.message.removeprefix(beginning) if error.message.startswith(beginning) else None
