"""The socket on which an agent is called: datagrams of this user alone."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")
_LONGEST = 4096


class Mailbox:
    """A Unix datagram socket in a folder that is this user's."""

    def __init__(self, path: Path) -> None:
        """Begin to listen.

        Raises:
            OSError: the socket cannot be made.
        """
        self._path = path
        self._socket, self._inode = _listen(path)

    def fileno(self) -> int:
        """Can be read when somebody has called."""
        return self._socket.fileno()

    def receive(self) -> list[dict[str, str]]:
        """Return the messages that came since; what is no message of this user is left out."""
        messages = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data, ancillary, _, _ = self._socket.recvmsg(_LONGEST, socket.CMSG_SPACE(_CREDENTIALS.size))
                if _is_own(ancillary) and (message := _read(data)) is not None:
                    messages.append(message)
        return messages

    def renew(self) -> None:
        """Listen again where somebody has removed the socket's file, as systems do that tidy up.

        Raises:
            OSError: the socket cannot be made.
        """
        if _inode(self._path) != self._inode:
            self._socket.close()
            self._socket, self._inode = _listen(self._path)

    def close(self) -> None:
        """Stop listening; whoever calls from now on finds nobody."""
        if _inode(self._path) == self._inode:
            self._path.unlink(missing_ok=True)
        self._socket.close()


def _listen(path: Path) -> tuple[socket.socket, int | None]:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        listener.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
        if hasattr(socket, "SO_PASSCRED"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        listener.bind(os.fspath(path))
        path.chmod(0o600)
    except BaseException:
        listener.close()
        raise
    return listener, _inode(path)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _is_own(ancillary: list[tuple[int, int, bytes]]) -> bool:
    """Say whether this user has sent a message, where the system tells; the folder keeps others out anyway."""
    if not hasattr(socket, "SCM_CREDENTIALS"):
        return True
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return bool(_CREDENTIALS.unpack(data[: _CREDENTIALS.size])[1] == os.geteuid())
    return False


def _read(data: bytes) -> dict[str, str] | None:
    try:
        message = json.loads(data)
    except ValueError:
        return None
    is_message = isinstance(message, dict) and all(isinstance(value, str) for value in message.values())
    return message if is_message else None
