"""Asking an endpoint over HTTP: connections that are kept, and patience while it starts or changes."""

from __future__ import annotations

import http.client
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mlmagic.backends.endpoints import Address
from mlmagic.errors import PredictionError
from mlmagic.serving.column_bodies import read_outputs, require_finite, write_columns
from mlmagic.spec.endpoint import Limits
from mlmagic.spec.model import Signature

ANSWER_SECONDS = 600.0
"""For a worker to start, and to answer."""
PATIENCE_SECONDS = 120.0
"""For as long it is asked again where it says that it cannot answer now, or hangs up."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_MOST_IDLE = 8
_BUSY = frozenset({http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    """By names in lower case."""

    @property
    def version(self) -> str | None:
        """The version that answered, such as `taxi@2`."""
        return self.headers.get("x-mlmagic-version")


class _Lost(Exception):  # noqa: N818 - nobody's mistake
    """The connection was refused, or broke before there was an answer."""

    def __init__(self, reason: Exception, *, was_kept: bool) -> None:
        super().__init__(str(reason) or type(reason).__name__)
        self.was_kept = was_kept


class EndpointClient:
    """Asks one endpoint, from as many threads at once as like.

    Predictions change nothing, so whatever gets no answer is asked again. `locate` says where the endpoint is: it is
    called at first and whenever something went wrong, since a new supervisor has a new token; it raises where waiting
    is of no use.
    """

    def __init__(
        self,
        locate: Callable[[], Address],
        model: str,
        *,
        limits: Limits | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.model = model
        self.limits = limits or Limits()
        self._locate = locate
        self._answer_seconds = answer_seconds
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._address: Address | None = None
        self._idle: list[http.client.HTTPConnection] = []

    def predict(self, body: bytes, *, version: int | None = None, key: str | None = None) -> Reply:
        """Return the answer to the JSON body of a prediction; `key` keeps to one version while the split stays.

        Raises:
            PredictionError: the request does not fit, or there was no answer.
            BackendError: the endpoint cannot be started.
        """
        chosen = "" if version is None else f"/versions/{version}"
        headers = {"content-type": "application/json", **({"x-mlmagic-key": key} if key else {})}
        reply = self.request("POST", f"/v1/models/{self.model}{chosen}:predict", body, headers)
        if reply.status != http.client.OK:
            raise _refusal(reply, self.model if version is None else f"{self.model}@{version}")
        return reply

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Return the answer to a request, whatever its status; asked again while that may help.

        Raises:
            PredictionError: there was none.
            BackendError: the endpoint cannot be started.
        """
        deadline, pause, was_denied = time.monotonic() + self._patience_seconds, _FIRST_PAUSE, False
        while True:
            wait = pause
            try:
                reply = self._exchange(method, path, body, headers or {})
            except _Lost as lost:
                self.close()
                if lost.was_kept:
                    # It was closed while nobody asked.
                    continue
                if time.monotonic() + wait > deadline:
                    told = f"the endpoint of {self.model} does not answer: {lost}."
                    raise PredictionError(told, hint="See how it is: %endpoints") from lost
            else:
                if reply.status == http.client.UNAUTHORIZED and not was_denied:
                    was_denied = True
                    self.close()
                    continue
                wait = max(wait, min(_retry_after(reply), _LONGEST_PAUSE))
                if reply.status not in _BUSY or time.monotonic() + wait > deadline:
                    return reply
                self._address = None
            time.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def close(self) -> None:
        """Hang up, and forget where the endpoint was. The next call finds it again."""
        with self._lock:
            idle, self._idle, self._address = self._idle, [], None
        for connection in idle:
            connection.close()

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        with self._lock:
            address = self._address
            connection = self._idle.pop() if self._idle and address else None
        if address is None:
            self._address = address = self._locate()
        was_kept = connection is not None
        connection = connection or self._connection(address)
        known = {"authorization": f"Bearer {address.token}"} if address.token else {}
        try:
            connection.request(method, path, body, {**known, **headers})
            answer = connection.getresponse()
            content = answer.read()
        except TimeoutError:
            connection.close()
            told = f"{self.model} gave no answer in {self._answer_seconds:g} s."
            raise PredictionError(told, hint="Send fewer instances at a time.") from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _Lost(error, was_kept=was_kept) from error
        except BaseException:
            # Interrupted: what would come yet is no answer to the next request.
            connection.close()
            raise
        self._keep(connection, address)
        return Reply(
            status=answer.status, body=content, headers={name.lower(): value for name, value in answer.getheaders()}
        )

    def _connection(self, address: Address) -> http.client.HTTPConnection:
        # Without regard to proxies: it is this machine's, or one that was named.
        parts = urlsplit(address.url)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=self._answer_seconds)

    def _keep(self, connection: http.client.HTTPConnection, address: Address) -> None:
        with self._lock:
            # Closed already where the server said that it would.
            if connection.sock is not None and self._address == address and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()


class EndpointPredictor:
    """An endpoint as what answers columns with outputs; all calls of one are answered by one version."""

    def __init__(self, client: EndpointClient, signature: Signature, *, version: int | None = None) -> None:
        self.signature = signature
        self.answered_by: str | None = None
        """The version that gave the last answer."""
        self._client = client
        self._version = version
        self._key = secrets.token_hex(8)

    def predict(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs by name, for columns that fit the signature. What is too large for a request is halved.

        Raises:
            PredictionError: the model failed, or there was no answer, or a number is none of JSON's.
            BackendError: the endpoint cannot be started.
        """
        require_finite(columns, self.signature, self._client.model)
        body = write_columns(columns, self.signature)
        count = len(next(iter(columns.values()))) if columns else 0
        limits = self._client.limits
        if count > 1 and (len(body) > limits.body_bytes or count > limits.instances):
            half = count // 2
            parts = [{name: column[part] for name, column in columns.items()} for part in _halves(half)]
            first, second = (self.predict(part) for part in parts)
            return {name: joined(output, second[name]) for name, output in first.items()}
        reply = self._client.predict(body, version=self._version, key=self._key)
        self.answered_by = reply.version
        return read_outputs(reply.body, self.signature, self._client.model)


def _halves(half: int) -> tuple[slice, slice]:
    return slice(None, half), slice(half, None)


def joined(first: Any, second: Any) -> Any:
    """Return two halves of an output as one."""
    import numpy as np

    if isinstance(first, list) or isinstance(second, list):
        return [*first, *second]
    return np.concatenate([first, second])


def _retry_after(reply: Reply) -> float:
    told = reply.headers.get("retry-after", "")
    return float(told) if told.isdecimal() else 0.0


def _refusal(reply: Reply, label: str) -> PredictionError:
    """Return the error for an answer that is none: the server's words, each problem on its line."""
    try:
        error = json.loads(reply.body)["error"]
    except (ValueError, KeyError, TypeError):
        error = reply.body.decode(errors="replace")
    if isinstance(error, dict):
        error = error.get("message", "")
    message, *rest = str(error).strip().split("\n")
    lines = [line.strip() for line in rest if line.strip()]
    problems = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    hint = " ".join(line for line in lines if not line.startswith("- ")) or None
    return PredictionError(message or f"{label} answered with status {reply.status}.", problems=problems, hint=hint)
