"""Waiting for a child, a signal or a moment, whichever comes first, without polling in small steps."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from types import FrameType, TracebackType
from typing import Self

# Ignored, but by a handler: what is ignored outright stays ignored in the user's program.
_WITHOUT_EFFECT = (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP)


class Watch:
    """Wakes the main thread up at signals; as a context, it holds the signal handlers."""

    def __init__(self) -> None:
        self.told_to_end = False
        """SIGTERM came."""
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else _pipe()
        self._previous = {number: signal.signal(number, self._nothing) for number in _WITHOUT_EFFECT}
        self._previous[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._end)
        self._previous_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._previous_fd)
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        os.close(self._reader)
        os.close(self._writer)

    def sleep(self, seconds: float) -> None:
        """Return after this time, or earlier when a child ended or a signal came."""
        select.select([self._reader], [], [], max(0.0, seconds))
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.told_to_end = True

    def _nothing(self, _number: int, _frame: FrameType | None) -> None:
        return None


def _pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    return reader, writer
