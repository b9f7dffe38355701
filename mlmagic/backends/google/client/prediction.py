"""Calls to Vertex AI's PredictionService: JSON as it is. Google's messages are slow to import and to fill."""

from __future__ import annotations

import json
from typing import Any

from mlmagic.backends.google.client.connection import Connection
from mlmagic.backends.google.client.raw_prediction import RawAnswer, RawPredictionCalls
from mlmagic.errors import MlmagicError, PredictionError

Json = dict[str, Any]


class PredictionCalls:
    """Online predictions, and what others need to ask for them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._raw = RawPredictionCalls(connection)
        # Which version answered stands in the metadata; unverified for Google's gRPC, which documents it for HTTP.
        self._is_told_who = True

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

    def predict(self, endpoint: str, body: bytes, *, only: str | None = None) -> Json:
        """Return what an endpoint answers to `{"instances": [...]}`: over gRPC, or where that does not work over HTTP.

        Args:
            endpoint: `projects/P/locations/R/endpoints/N`.
            body: of the request.
            only: the id of the deployed model that has all the requests, where one has.

        Raises:
            PredictionError: the request does not fit, or the model failed.
            NotFoundError, BackendError: there is no such endpoint, or no answer.
        """
        try:
            return self._predict_raw(endpoint, body, only) or self._predict(endpoint, body)
        except MlmagicError as error:
            if (said := _of_the_model(error)) is None:
                raise
            raise PredictionError(said) from error

    def close(self) -> None:
        """Hang up. The next call connects again."""
        self._raw.close()

    def _predict_raw(self, endpoint: str, body: bytes, only: str | None) -> Json | None:
        if only is None and not self._is_told_who:
            return None
        if (answer := self._raw.ask(endpoint, body)) is None:
            return None
        self._is_told_who = answer.deployed is not None
        if (who := answer.deployed or only) is None:
            return None
        return {**_read(answer), "deployedModelId": who}

    def _predict(self, endpoint: str, body: bytes) -> Json:
        headers = {"content-type": "application/json"}
        address = f"{self.address(endpoint)}:predict"
        return self._connection.repeated(
            "ask the endpoint",
            lambda: self._connection.asked("POST", address, data=body, headers=headers),
            waits_once=True,
        )


def _read(answer: RawAnswer) -> Json:
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise PredictionError(f"the model's server gave an answer that is no JSON object: {answer.body[:80]!r}.")
    return document


def _of_the_model(error: MlmagicError) -> str | None:
    """Return what the model's server said, where it was that which refused."""
    beginning = "cannot ask the endpoint: Google refuses it: "
    return error.message.removeprefix(beginning) if error.message.startswith(beginning) else None
