"""Connections: accepted from the socket that all workers share, spoken to by uvicorn, closed without loss."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.server import ServerState

    from mlmagic.serving.app.application import Application

KEEP_ALIVE_SECONDS = 75
"""Longer than clients and proxies keep connections as a rule, so that it is not this side that closes them."""
HEAD_SECONDS = 60.0
"""For a request's head to come in."""
_LOOK_SECONDS = 1.0
_DRAIN_LOOK_SECONDS = 0.1
_IDLE_SECONDS = 5.0
"""A client that has sent nothing for so long is unlikely to send something in the moment in which it is hung up on."""
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_SECONDS = 0.2


class Server:
    """Accepts one connection at a time, so that workers that are less busy get more of them."""

    def __init__(self, application: Application, listener: socket.socket) -> None:
        self._listener = listener
        self._config = _config(application)
        self._state = _state()
        self._idle: dict[Any, tuple[int, float]] = {}
        self._accepting: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._is_accepting = False

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._state.connections)

    def start(self) -> None:
        """Begin to accept."""
        self._ticking = asyncio.create_task(self._tick())
        self._is_accepting = True
        self._resume()

    def stop(self) -> None:
        """Accept no more."""
        if self._is_accepting:
            self._is_accepting = False
            asyncio.get_running_loop().remove_reader(self._listener)
            # Somebody else may want the port: an endpoint that is deleted and made again.
            self._listener.close()

    async def drain(self, seconds: float) -> None:
        """Accept no more, and return when there is no connection left, or time is up.

        The application closes each connection with its next answer; those without a request are closed after a while.
        """
        self.stop()
        deadline = time.monotonic() + seconds
        while (self._state.connections or self._accepting) and time.monotonic() < deadline:
            self._close_idle(_IDLE_SECONDS)
            await asyncio.sleep(_DRAIN_LOOK_SECONDS)
        self._close_idle(0.0)

    def hold_back(self) -> None:
        """Leave connections to other workers for a moment; those that nobody takes wait."""
        if self._is_accepting:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._listener)
            loop.call_later(_PAUSE_SECONDS, self._resume)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            # Another worker was faster.
            return
        except OSError as error:
            if error.errno in _NO_DESCRIPTOR:
                self.hold_back()
            return
        connection.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
        if connection.family in {socket.AF_INET, socket.AF_INET6}:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.create_task(self._connect(connection))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            await loop.connect_accepted_socket(lambda: self._protocol(loop), connection)

    def _protocol(self, loop: asyncio.AbstractEventLoop) -> Any:
        return self._config.http_protocol_class(  # type: ignore[call-arg]
            config=self._config, server_state=self._state, app_state={}, _loop=loop
        )

    def _resume(self) -> None:
        if self._is_accepting:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    async def _tick(self) -> None:
        while True:
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            self._look()
            await asyncio.sleep(_LOOK_SECONDS)

    def _look(self) -> None:
        """Note which connections are without a request since when, and close those whose request never comes."""
        now = time.monotonic()
        idle = {}
        for connection in self._connections():
            cycle = connection.cycle
            if cycle is None or cycle.response_complete:
                known, since = self._idle.get(connection, (0, now))
                idle[connection] = (id(cycle), since if known == id(cycle) else now)
        self._idle = idle
        # Those that were answered before have uvicorn's own timer, unless a part of a head has come.
        self._close_idle(HEAD_SECONDS, only_unfinished=True)

    def _connections(self) -> list[HttpToolsProtocol]:
        return list(cast("set[HttpToolsProtocol]", self._state.connections))

    def _close_idle(self, seconds: float, *, only_unfinished: bool = False) -> None:
        now = time.monotonic()
        for connection in self._connections():
            cycle = connection.cycle
            if cycle is not None and not cycle.response_complete:
                continue
            known, since = self._idle.setdefault(connection, (id(cycle), now))
            if known != id(cycle):
                self._idle[connection] = (id(cycle), now)
            elif now - since >= seconds and not (only_unfinished and connection.timeout_keep_alive_task is not None):
                connection.transport.close()


def _config(application: Application) -> Config:
    import uvicorn

    from mlmagic.serving.app.direct import DirectProtocol

    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config = uvicorn.Config(
        application,
        http=DirectProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    config.load()
    return config


def _state() -> ServerState:
    from uvicorn.server import ServerState

    return ServerState()
