"""The machine that a container runs on: it starts programs, passes signals on to them, and may be preempted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, cast

from mlmagic.emulator.container.output import EntryLog, Output

PREEMPTION = signal.SIGUSR1
"""What tells a container that its machine is taken away."""
GRACE_SECONDS = 30.0
"""How long a preempted machine goes on after SIGTERM. Unverified for training; Compute Engine's documented time."""
_LOOK_SECONDS = 0.2


class Preempted(Exception):  # noqa: N818 - nothing went wrong
    """The machine was taken away while a program ran."""


class Machine:
    """Runs one program at a time, for as long as nobody ends it."""

    def __init__(self, log: Path, *, grace: float = GRACE_SECONDS) -> None:
        self._grace = grace
        self._is_preempted = False
        self._end_signal: int | None = None
        signal.signal(PREEMPTION, self._on_preemption)
        signal.signal(signal.SIGTERM, self._on_end)
        # Last, for the file is the sign that this process can be preempted.
        self._entries = EntryLog(log)

    def _on_preemption(self, _number: int, _frame: FrameType | None) -> None:
        self._is_preempted = True

    def _on_end(self, number: int, _frame: FrameType | None) -> None:
        self._end_signal = number

    @property
    def is_ending(self) -> bool:
        """Somebody cancelled the job."""
        return self._end_signal is not None

    def say(self, text: str, *, severity: str = "INFO") -> None:
        """Put lines of the container's own into the log."""
        data = f"{text}\n".encode()
        with contextlib.suppress(OSError):
            os.write(1, data)
        self._entries.write(severity, data.splitlines())

    def wait(self, seconds: float) -> None:
        """Let time pass, as long as nobody ends the job."""
        deadline = time.monotonic() + seconds
        while not self.is_ending and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_SECONDS))

    def run(self, command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> int:
        """Run a program to its end, and return its exit status: -N if signal N ended it.

        Raises:
            Preempted: the machine was taken away under it; nothing of the program is left.
            OSError: it cannot be started.
        """
        if self.is_ending:
            return -int(signal.SIGTERM)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=cwd,
            process_group=0,
        )
        with process:
            output = Output(cast("IO[bytes]", process.stdout), cast("IO[bytes]", process.stderr), self._entries)
            try:
                self._follow(process, output)
            finally:
                _signal(process, signal.SIGKILL)
                output.finish()
        if self._is_preempted and not self.is_ending:
            self._is_preempted = False
            raise Preempted
        return process.returncode

    def _follow(self, process: subprocess.Popen[bytes], output: Output) -> None:
        deadline, is_told = float("inf"), False
        while process.poll() is None and time.monotonic() < deadline:
            if (self.is_ending or self._is_preempted) and not is_told:
                is_told = True
                _signal(process, signal.SIGTERM)
                # Of a cancelled job it is the engine that loses its patience.
                deadline = float("inf") if self.is_ending else time.monotonic() + self._grace
            if output.is_open:
                output.read(_LOOK_SECONDS)
            else:
                time.sleep(_LOOK_SECONDS)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the program and what it started in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
