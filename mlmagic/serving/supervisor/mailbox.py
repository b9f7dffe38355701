"""The socket on which a supervisor is told something: datagrams of this user alone, each with a descriptor at most."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path

_LONGEST = 4096


class Mailbox:
    """A Unix datagram socket in a folder that is this user's."""

    def __init__(self, path: Path) -> None:
        """Begin to listen.

        Raises:
            OSError: the socket cannot be made.
        """
        self.path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
            self._socket.bind(os.fspath(path))
            path.chmod(0o600)
            self._inode = path.stat().st_ino
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Can be read when somebody has called."""
        return self._socket.fileno()

    def receive(self) -> list[tuple[dict[str, str], int | None]]:
        """Return the messages that came since, each with the descriptor that came with it, which is the caller's."""
        received = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data, descriptors, _, _ = socket.recv_fds(self._socket, _LONGEST, 1)
                for descriptor in descriptors:
                    os.set_inheritable(descriptor, False)  # noqa: FBT003 - as above
                message = _read(data)
                if message is None:
                    for descriptor in descriptors:
                        os.close(descriptor)
                else:
                    received.append((message, descriptors[0] if descriptors else None))
        return received

    def close(self) -> None:
        """Stop listening; whoever calls from now on finds nobody."""
        with contextlib.suppress(FileNotFoundError):
            # Another may listen there by now.
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()
        self._socket.close()


def _read(data: bytes) -> dict[str, str] | None:
    try:
        message = json.loads(data)
    except ValueError:
        return None
    is_message = isinstance(message, dict) and all(isinstance(value, str) for value in message.values())
    return message if is_message else None
