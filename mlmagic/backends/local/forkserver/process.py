"""The agent's end of a fork server."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlmagic.backends.local.forkserver.messages import Inbox, encode
from mlmagic.workspace.files import open_to_append

_ENTRY = Path(__file__).with_name("__main__.py")


class ServerProcess:
    """A fork server as its agent sees it: started, asked, listened to, ended. Nothing here waits for it."""

    def __init__(
        self, python: str, preload: Sequence[str], *, environment: Mapping[str, str], log: Path, is_warm: bool
    ) -> None:
        """Start it.

        Raises:
            OSError: there is no such interpreter, or no room for another process.
        """
        self.is_warm = is_warm
        self.is_ready = False
        self.last_used = self.start_time = time.monotonic()
        self._inbox = Inbox()
        self._outbox = bytearray()
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
        try:
            with theirs, os.fdopen(open_to_append(log), "ab") as output:
                # The flags that programs are run with, for the programs that this process becomes.
                self._process = subprocess.Popen(
                    [python, "-u", "-P", str(_ENTRY), str(theirs.fileno()), *preload],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=dict(environment),
                    cwd="/",
                    pass_fds=[theirs.fileno()],
                    # A key that interrupts the agent is not meant for it.
                    start_new_session=True,
                )
        except BaseException:
            self._socket.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def descriptor(self) -> int:
        """Can be read when it has said something, or has ended."""
        return self._socket.fileno()

    def ask(self, message: dict[str, Any]) -> None:
        """Send a message, as far as there is room; the rest follows with the next call of any method."""
        self.last_used = time.monotonic()
        self._outbox += encode(message)
        self._flush()

    def receive(self) -> tuple[list[dict[str, Any]], bool]:
        """Return what it has said since, and whether that was the last."""
        self._flush()
        is_over = False
        with contextlib.suppress(BlockingIOError, InterruptedError):
            while not is_over:
                try:
                    data = self._socket.recv(1 << 16)
                except ConnectionError:
                    data = b""
                is_over = not data
                self._inbox.add(data)
        messages = []
        while (message := self._inbox.take()) is not None:
            messages.append(message)
        return messages, is_over

    def end(self) -> None:
        """Let it end by itself, which it does at once unless it hangs."""
        self.last_used = time.monotonic()
        self._socket.close()

    def kill(self) -> None:
        """End it at once; what was forked from it goes on."""
        self._socket.close()
        self._process.kill()

    def is_gone(self) -> bool:
        """Say whether the process has ended, and take its status."""
        return self._process.poll() is not None

    def wait(self) -> None:
        """Wait for its end."""
        self._process.wait()

    def _flush(self) -> None:
        # What cannot be sent any more is found out by `receive`.
        with contextlib.suppress(OSError):
            while self._outbox:
                del self._outbox[: self._socket.send(self._outbox)]
