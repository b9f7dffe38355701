"""RawPredict over gRPC: what the model's server answers, as it is, on a connection that is kept.

Google's messages stay out of it: to import them takes seconds, and numbers that went through a Struct are all floats.
"""

from __future__ import annotations

import ipaddress
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlmagic.backends.google.client.connection import TIMEOUT_SECONDS, Connection, has_taken_too_long
from mlmagic.backends.google.refusals import LoggedOutError, UnavailableError
from mlmagic.errors import MlmagicError

if TYPE_CHECKING:
    import grpc

_METHOD = "/google.cloud.aiplatform.v1.PredictionService/RawPredict"
_WHO = "x-vertex-ai-deployed-model-id"
_CONNECT_SECONDS = 5.0
_PAUSE_SECONDS = 600.0
"""For so long nothing is asked this way where it did not work: a proxy, or a firewall, stays where it is."""
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    # A network that was left, or a router that forgot the connection, says nothing: a call that waits asks for a sign.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """What came back."""

    body: bytes
    deployed: str | None
    """The id of the deployed model that gave it, where that is told."""


class RawPredictionCalls:
    """Asks endpoints over gRPC, as long as that works. Safe for several threads."""

    def __init__(self, connection: Connection) -> None:
        """Make no channel yet."""
        self._connection = connection
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._process = 0
        self._paused_until = 0.0
        self._has_answered = False

    def ask(self, endpoint: str, body: bytes) -> RawAnswer | None:
        """Return the answer to a body of JSON; None where the endpoint is to be asked the other way.

        That is where no channel can be made, where it broke off, and for all errors until the first answer: they may be
        those of something between here and Google.

        Raises:
            LoggedOutError: there are no credentials, or they cannot be renewed.
            MlmagicError: Google, or the model, refuses it.
        """
        try:
            with self._connection.asking("ask the endpoint", is_repeated=True):
                channel = self._ready()
                answer = None if channel is None else self._call(channel, endpoint, body)
        except LoggedOutError as error:
            if not _is_of_server(error):
                raise
            # Over HTTP a token that is not taken is renewed; where that does not help, it is told there.
            return None
        except MlmagicError as error:
            is_final = not isinstance(error, UnavailableError) or has_taken_too_long(error)
            if self._has_answered and is_final:
                raise
            if not self._has_answered and isinstance(error, UnavailableError):
                self._pause()
            return None
        self._has_answered = self._has_answered or answer is not None
        return answer

    def close(self) -> None:
        """Hang up. The next call connects again."""
        with self._lock:
            channel, self._channel = self._channel, None
        # One that a parent process has made is the parent's.
        if channel is not None and self._process == os.getpid():
            channel.close()

    def _ready(self) -> grpc.Channel | None:
        """Return a channel that is connected, or was."""
        with self._lock:
            # Looked at in here: who has waited while another connected in vain does not try it too.
            if time.monotonic() < self._paused_until:
                return None
            if self._channel is None or self._process != os.getpid():
                self._channel, self._process = _connected(self._connection), os.getpid()
            if self._channel is None:
                self._pause()
            return self._channel

    def _pause(self) -> None:
        self._paused_until = time.monotonic() + _PAUSE_SECONDS

    def _call(self, channel: grpc.Channel, endpoint: str, body: bytes) -> RawAnswer:
        import grpc
        from google.api.httpbody_pb2 import HttpBody
        from google.api_core.exceptions import ServiceUnavailable

        sent = HttpBody(content_type="application/json", data=body).SerializeToString()
        request, metadata = write_request(endpoint, sent), self._metadata(endpoint)
        ask = channel.unary_unary(_METHOD, response_deserializer=HttpBody.FromString)
        try:
            answer, call = ask.with_call(request, timeout=TIMEOUT_SECONDS, metadata=metadata)
        except grpc.RpcError as error:
            raise _as_over_http(error) from error
        except ValueError as error:
            # Another thread has hung up.
            raise ServiceUnavailable(str(error)) from error
        told = {**dict(call.initial_metadata() or ()), **dict(call.trailing_metadata() or ())}
        return RawAnswer(body=answer.data, deployed=told.get(_WHO))

    def _metadata(self, endpoint: str) -> list[tuple[str, str]]:
        from google.api_core.gapic_v1.routing_header import to_grpc_metadata
        from google.auth.transport.requests import Request

        headers: dict[str, str] = {}
        with self._connection.lock:
            self._connection.credentials.before_request(Request(), "POST", self._connection.vertex, headers)
        return [*((name.lower(), value) for name, value in headers.items()), to_grpc_metadata({"endpoint": endpoint})]


def _is_of_server(error: LoggedOutError) -> bool:
    from google.api_core.exceptions import Unauthorized

    return isinstance(error.__cause__, Unauthorized)


def _as_over_http(error: grpc.RpcError) -> Exception:
    """Return Google's error that the same refusal is over HTTP."""
    from google.api_core.exceptions import (
        BadRequest,
        Cancelled,
        FailedPrecondition,
        OutOfRange,
        ServiceUnavailable,
        from_grpc_error,
    )

    told = from_grpc_error(error)
    if isinstance(told, FailedPrecondition | OutOfRange):
        return BadRequest(told.message)
    # Who asks never cancels: another thread has hung up.
    return ServiceUnavailable(told.message) if isinstance(told, Cancelled) else told


def write_request(endpoint: str, body: bytes) -> bytes:
    """Return a RawPredictRequest, of which 1 is the endpoint and 2 the HttpBody."""
    parts = ((1, endpoint.encode()), (2, body))
    return b"".join(bytes([number << 3 | 2]) + _varint(len(part)) + part for number, part in parts)


def _varint(number: int) -> bytes:
    told = bytearray()
    while number > 0x7F:
        told.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*told, number])


def _connected(connection: Connection) -> grpc.Channel | None:
    """Return a channel, once it is connected; None if it cannot be, or may not."""
    import grpc

    if (target := _target(connection)) is None:
        return None
    host, is_plain = target
    if is_plain:
        channel = grpc.insecure_channel(host, options=(*_OPTIONS, ("grpc.enable_http_proxy", 0)))
    else:
        channel = grpc.secure_channel(host, grpc.ssl_channel_credentials(), options=_OPTIONS)
    try:
        is_ready = _becomes_ready(channel)
    except BaseException:
        channel.close()
        raise
    if is_ready:
        return channel
    channel.close()
    return None


def _becomes_ready(channel: grpc.Channel) -> bool:
    """Wait for a connection, or for the first sign that there will be none."""
    import grpc

    seen: list[grpc.ChannelConnectivity] = []
    is_over = threading.Event()

    def see(state: grpc.ChannelConnectivity) -> None:
        if state in {grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.TRANSIENT_FAILURE}:
            seen.append(state)
            is_over.set()

    channel.subscribe(see, try_to_connect=True)
    is_over.wait(_CONNECT_SECONDS)
    channel.unsubscribe(see)
    return seen[:1] == [grpc.ChannelConnectivity.READY]


def _target(connection: Connection) -> tuple[str, bool] | None:
    """Return where gRPC is spoken, and whether without TLS: the token goes along, so on this machine alone."""
    if (host := connection.settings.rpc_endpoint) is not None:
        return (host, True) if ipaddress.ip_address(host.rpartition(":")[0].strip("[]")).is_loopback else None
    url = urlsplit(connection.vertex)
    if url.scheme != "https" or url.path.strip("/"):
        return None
    return (url.netloc if url.port else f"{url.netloc}:443"), False
