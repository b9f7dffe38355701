"""The endpoint's listening socket, and what becomes of connections while no worker accepts them."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable

from mlmagic.serving.supervisor.apology import Apology
from mlmagic.serving.supervisor.listening import adopt, is_bound_to, listen
from mlmagic.spec.endpoint import EndpointSpec

_PATIENCE_SECONDS = 3.0
"""For workers of a supervisor that was killed to hand the socket over."""


class Gate:
    """Owns the socket. `asked` is called when a connection comes while it watches for one."""

    def __init__(self, endpoint: str, asked: Callable[[], None]) -> None:
        self.error: str | None = None
        """Why there is no socket, if that will not change by itself soon."""
        self._endpoint = endpoint
        self._asked = asked
        self._listener: socket.socket | None = None
        self._apology: Apology | None = None
        self._is_watching = False
        self._since = time.monotonic()

    @property
    def is_open(self) -> bool:
        """There is a socket."""
        return self._listener is not None

    @property
    def listener(self) -> socket.socket:
        """The socket, which must be there."""
        if self._listener is None:
            raise RuntimeError("the endpoint does not listen yet")
        return self._listener

    def adopt(self, descriptor: int) -> None:
        """Take a listening socket that was handed over, if there is none yet."""
        if self._listener is None:
            self._listener, self.error = adopt(descriptor), None
        else:
            os.close(descriptor)

    async def open(self, spec: EndpointSpec) -> bool:
        """Listen where the spec says, and say whether this can be; `error` tells why it cannot."""
        if self._listener is not None and is_bound_to(self._listener, spec.host, spec.port):
            self.error = None
            return True
        try:
            listener = await asyncio.to_thread(listen, spec.host, spec.port)
        except OSError as error:
            if time.monotonic() - self._since > _PATIENCE_SECONDS:
                self.error = f"cannot listen on port {spec.port} of {spec.host}: {error.strerror or error}"
            return False
        # Workers that have the old one drain; what waits in its queue they have seen by then.
        await self._renounce()
        self._listener, self.error = listener, None
        return True

    async def set(self, *, is_apologizing: bool, is_watching: bool) -> None:
        """Answer connections with an apology, or only watch for one, or leave them to the workers."""
        if self._listener is None:
            return
        if is_apologizing and self._apology is None:
            self._apology = await Apology.open(self._listener, self._endpoint)
        elif not is_apologizing and self._apology is not None:
            self._apology.close()
            self._apology = None
        if (is_watching and not is_apologizing) != self._is_watching:
            self._is_watching = not self._is_watching
            loop = asyncio.get_running_loop()
            if self._is_watching:
                loop.add_reader(self._listener, self._on_connection)
            else:
                loop.remove_reader(self._listener)

    async def close(self) -> None:
        """Listen no more; what waits in the queue goes with the last worker that has the socket."""
        await self._renounce()

    async def _renounce(self) -> None:
        await self.set(is_apologizing=False, is_watching=False)
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _on_connection(self) -> None:
        # Once is enough: the connection waits, and the socket stays readable.
        asyncio.get_running_loop().remove_reader(self.listener)
        self._is_watching = False
        self._asked()
