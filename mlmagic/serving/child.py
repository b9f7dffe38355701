"""A serving process as its parent sees it: process, connection, log."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mlmagic.serving import frames

# Without the working directory on its path: a `random.py` beside the notebook is none of its business.
_WORKER = (sys.executable, "-P", "-m", "mlmagic.serving.worker")
_LOG_TAIL_BYTES = 1 << 14
_LOG_TAIL_LINES = 10
_LONGEST_LOG = 1 << 20
_GRACE_SECONDS = 2.0


class ChildDiedError(Exception):
    """The process ended. `how` says it in words; `log` has the last lines that it printed."""

    def __init__(self, how: str, log: list[str]) -> None:
        self.how = how
        self.log = log
        super().__init__(how)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quicker:
    """What answers as an artifact does, and is loaded in a part of the time."""

    model: Path
    """The ONNX model that it was converted to."""
    signature: Path
    """The file with the version's signature: reading that from the artifact takes as long as loading it."""


class Child:
    """A running `mlmagic.serving.worker`. Not safe to use from several threads at once."""

    def __init__(self, artifact: Path, quicker: Quicker | None = None) -> None:
        """Start it.

        Args:
            artifact: what it loads.
            quicker: what it loads in its place, if it can.

        Raises:
            OSError: the system refuses a process, a file or a socket.
        """
        # Without a name: it goes when both sides are gone, however they went. Appended to, so that it can be emptied.
        self._last = 0
        with contextlib.ExitStack() as unless_started:
            self._log = unless_started.enter_context(tempfile.TemporaryFile("a+b"))
            self._connection, theirs = socket.socketpair()
            unless_started.enter_context(self._connection)
            with theirs:
                # A default timeout of this process, such as Beam sets for Google, would be theirs too.
                theirs.setblocking(True)  # noqa: FBT003 - the name of the method says what it means
                self.process = _start(artifact, quicker, theirs.fileno(), self._log)
            unless_started.pop_all()

    @property
    def is_alive(self) -> bool:
        """It has not ended."""
        return self.process.poll() is None

    def hear(self, seconds: float) -> dict[str, Any]:
        """Return the header that comes next.

        Raises:
            ChildDiedError: the process ended instead.
            TimeoutError: nothing came.
        """
        return self._receive(time.monotonic() + seconds)[0]

    def ask(
        self, columns: Mapping[str, Any], seconds: float, wanted: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Send columns, and return header and columns of the answer. `wanted` says what, if not predictions.

        Raises:
            ChildDiedError: the process ended instead.
            TimeoutError: no answer came.
        """
        if os.fstat(self._log.fileno()).st_size > _LONGEST_LOG:
            os.ftruncate(self._log.fileno(), 0)
        self._last += 1
        deadline = time.monotonic() + seconds
        self._connection.settimeout(seconds)
        try:
            frames.send(self._connection, {"id": self._last, **(wanted or {})}, columns)
        except TimeoutError:
            raise
        except OSError:
            raise self._death() from None
        return self._receive(deadline)

    def hang_up(self) -> None:
        """Close the connection, from any thread: the process ends, and who waits for an answer is told so."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """End the process and forget its log."""
        self.hang_up()
        try:
            self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._connection.close()
        self._log.close()

    def _receive(self, deadline: float) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            return frames.receive(self._connection, deadline)
        except TimeoutError:
            raise
        except (EOFError, OSError):
            raise self._death() from None

    def _death(self) -> ChildDiedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_GRACE_SECONDS)
        return ChildDiedError(told_end(self.process.poll()), self._last_lines())

    def _last_lines(self) -> list[str]:
        size = os.fstat(self._log.fileno()).st_size
        tail = os.pread(self._log.fileno(), _LOG_TAIL_BYTES, max(0, size - _LOG_TAIL_BYTES))
        lines = [line.rstrip() for line in tail.decode(errors="replace").splitlines() if line.strip()]
        return lines[-_LOG_TAIL_LINES:]


def _start(artifact: Path, quicker: Quicker | None, connection: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    more = [] if quicker is None else [str(quicker.model), str(quicker.signature)]
    return subprocess.Popen(
        [*_WORKER, str(artifact), str(connection), str(os.getpid()), *more],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=[connection],
        env=environment(os.environ),
        cwd="/",
        # Out of reach of the interrupts that Jupyter and terminals send to the kernel's whole group.
        start_new_session=True,
    )


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that loads models."""
    kept = {name: value for name, value in environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "MPLBACKEND"}}
    # A warm process must not take the whole GPU from the training jobs beside it.
    return {"TF_CPP_MIN_LOG_LEVEL": "1", "TF_FORCE_GPU_ALLOW_GROWTH": "true", "KERAS_BACKEND": "tensorflow", **kept}


def told_end(status: int | None) -> str:
    """Return how a process ended, to go on after its name."""
    if status is None:
        return "closed its connection"
    if status == 0:
        return "was closed"
    if status > 0:
        return f"ended with exit code {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    out_of_memory = " (out of memory?)" if name == "SIGKILL" else ""
    return f"was ended by {name}{out_of_memory}"
