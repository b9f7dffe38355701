"""The process of a shadow as its supervisor sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from mlmagic.serving.shadow.work import ShadowWork
from mlmagic.serving.supervisor.channel import Channel
from mlmagic.serving.supervisor.worker import how_it_ended, worker_environment
from mlmagic.spec.codec import decode, encode
from mlmagic.spec.shadow import ShadowCounts

_ENTRY = Path(__file__).parents[1] / "shadow" / "__main__.py"
_SILENT_SECONDS = 30.0
_LOADING_SECONDS = 600.0
_LOOK_SECONDS = 0.02


class ShadowProcess:
    """Lives in the supervisor's loop."""

    def __init__(self, process: subprocess.Popen[bytes], work: ShadowWork, changed: Callable[[], None]) -> None:
        self.process = process
        self.counts = ShadowCounts()
        self.engine: str | None = None
        """None as long as it is not loaded."""
        self.error: str | None = None
        """Why it cannot be loaded, or how it ended."""
        self._work = work
        self._changed = changed
        self._heard_at = time.monotonic()
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    def start(cls, work: ShadowWork, python: str | None, changed: Callable[[], None]) -> Self:
        """Start it. `changed` is called whenever there is news of it.

        Raises:
            OSError: the system refuses.
        """
        ours, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as unless_started:
            unless_started.enter_context(ours)
            process = subprocess.Popen(
                [python or sys.executable, "-P", str(_ENTRY), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=worker_environment(os.environ),
                cwd="/",
                start_new_session=True,
            )
            unless_started.pop_all()
        shadow = cls(process, work, changed)
        shadow._listening = asyncio.create_task(shadow._listen(ours))
        return shadow

    @property
    def is_alive(self) -> bool:
        """It has not ended."""
        return self._listening is not None and not self._listening.done()

    def check(self, now: float) -> None:
        """End it if it hangs: a model may never come back."""
        patience = _LOADING_SECONDS
        if self.engine is not None:
            patience = self._work.limits.timeout_seconds + _SILENT_SECONDS
        if self.is_alive and now - self._heard_at > patience:
            self.error = "hung and was ended"
            self.kill()

    def kill(self) -> None:
        """End it at once: nobody waits for its answers."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)

    async def end(self) -> None:
        """End it, and return when it is gone."""
        self.kill()
        if self._listening is not None:
            await asyncio.wait([self._listening])

    async def _listen(self, connection: socket.socket) -> None:
        channel = await Channel.open(connection)
        channel.tell(encode(self._work))
        while (told := await channel.hear()) is not None:
            if "error" in told:
                self.error = str(told["error"])
                break
            if not told["is_stuck"]:
                self._heard_at = time.monotonic()
            self.counts, self.engine = decode(ShadowCounts, told["counts"]), str(told["engine"])
            self._changed()
        channel.close()
        if self.error is not None:
            self.kill()
        while self.process.poll() is None:  # noqa: ASYNC110 - nothing tells of the end of a child
            await asyncio.sleep(_LOOK_SECONDS)
        self.error = self.error or f"its process {how_it_ended(self.process.returncode)}"
        self._changed()
