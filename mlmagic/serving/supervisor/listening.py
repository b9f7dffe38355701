"""The socket on which an endpoint listens."""

from __future__ import annotations

import contextlib
import os
import socket

BACKLOG = 4096
"""Connections that the system keeps until somebody accepts them; it may allow fewer."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        OSError: the port is taken, or the host is none of this machine.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # Connections of the last process that have ended keep the port for a minute otherwise.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
    except BaseException:
        listener.close()
        raise
    return listener


def adopt(descriptor: int) -> socket.socket:
    """Return the listening socket that this process got, by inheritance or in a message."""
    listener = socket.socket(fileno=descriptor)
    listener.setblocking(False)  # noqa: FBT003 - as above
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - as above
    return listener


def is_bound_to(listener: socket.socket, host: str, port: int) -> bool:
    """Say whether the socket listens there."""
    with contextlib.suppress(OSError):
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        name = listener.getsockname()
        return name[0] in addresses and name[1] == port
    return False
