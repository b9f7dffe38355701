"""The worker's side: copies wait in a short queue, and a thread sends them. It never holds up a request."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from pathlib import Path
from random import Random

from mlmagic.serving.app.request import Dialect
from mlmagic.serving.shadow.copies import Copied, pack
from mlmagic.spec.endpoint import Shadow

MOST_WAITING = 1024
"""Copies that the shadow has not answered; what comes beyond them is dropped."""
_MOST_BYTES = 16 << 20
_LARGEST_COPY = 4 << 20
_SEND_SECONDS = 0.05
"""Between two looks: a thread that woke for each request would cost that request time."""
_CONNECT_SECONDS = 0.5
_LEAVE_SECONDS = 2.0


class ShadowTap:
    """Takes copies of answered requests from an event loop, and counts those that the shadow did not come to.

    Args:
        plan: which version it is for, and the share of the requests.
        address: the socket on which the shadow listens, once it does.
        random: what draws.
    """

    def __init__(self, plan: Shadow, address: Path, *, random: Random | None = None) -> None:
        self.plan = plan
        self._address = address
        self._random = random or Random()  # noqa: S311 - it draws a sample
        self._queue: deque[Copied] = deque()
        # Each is written by one thread alone.
        self._taken = self._taken_bytes = self._refused = 0
        self._settled = self._settled_bytes = self._lost = 0
        self._sent: deque[Copied] = deque()
        self._connection: socket.socket | None = None
        self._tried_at = float("-inf")
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Copies that the shadow did not come to."""
        return self._refused + self._lost

    def offer(self, version: int, dialect: Dialect, request: bytes, reply: bytes, seconds: float) -> None:
        """Take a copy of a request that was answered, or drop it. Returns at once, and never raises."""
        if version == self.plan.version or (self.plan.share < 1 and self._random.random() >= self.plan.share):
            return
        size = len(request) + len(reply)
        is_full = self._taken - self._settled >= MOST_WAITING or self._taken_bytes - self._settled_bytes > _MOST_BYTES
        if is_full or size > _LARGEST_COPY:
            self._refused += 1
            return
        self._taken += 1
        self._taken_bytes += size
        self._queue.append(Copied(dialect, seconds, request, reply))

    def close(self) -> None:
        """Take nothing more; what waits is given up."""
        self._is_closing.set()
        self._thread.join(_LEAVE_SECONDS)

    def _run(self) -> None:
        while not self._is_closing.wait(_SEND_SECONDS):
            try:
                self._hear()
                self._send()
            except OSError:
                self._hang_up()
        self._hang_up()

    def _send(self) -> None:
        copies = []
        while self._queue:
            copies.append(self._queue.popleft())
        if not copies:
            return
        # What is sent is the shadow's to answer; from here on it is lost if that ends.
        self._sent.extend(copies)
        connection = self._connected()
        if connection is None:
            self._hang_up()
            return
        data = memoryview(pack(copies))
        while data and not self._is_closing.is_set():
            try:
                data = data[connection.send(data) :]
            except BlockingIOError:
                # It does not read: as long as that lasts, the queue fills, and the rest is dropped.
                self._hear()
                self._is_closing.wait(_SEND_SECONDS)

    def _hear(self) -> None:
        """Take note of what the shadow has done."""
        if self._connection is None:
            return
        with contextlib.suppress(BlockingIOError):
            while done := self._connection.recv(1 << 16):
                for _ in done:
                    self._settle(self._sent.popleft())
            raise ConnectionResetError

    def _connected(self) -> socket.socket | None:
        now = time.monotonic()
        if self._connection is None and now - self._tried_at >= _CONNECT_SECONDS:
            self._tried_at = now
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            try:
                connection.settimeout(_SEND_SECONDS)
                connection.connect(str(self._address))
            except OSError:
                connection.close()
            else:
                connection.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
                self._connection = connection
        return self._connection

    def _hang_up(self) -> None:
        """Give up what was sent and not answered."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lost += len(self._sent)
        while self._sent:
            self._settle(self._sent.popleft())

    def _settle(self, copy: Copied) -> None:
        self._settled_bytes += copy.size
        self._settled += 1
