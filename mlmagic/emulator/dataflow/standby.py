"""A process that has imported Beam, which takes seconds, and waits for a pipeline: it runs one, and ends.

The job's own process, which the engine started and watches, hands the pipeline over and waits for its end. If it is
killed, the connection breaks, and with it ends what runs here. Where nobody waits, it runs the pipeline itself.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from mlmagic.errors import WorkspaceError
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.runtime_folder import RuntimeFolder

IDLE_SECONDS = 600.0
"""How long one waits: it holds 200 MB."""
_MODULE = "mlmagic.emulator.dataflow.warm"
_SOCKET = "beam.sock"
_BEGUN = b"+"
_LONGEST_PATH = 4096


class Standby:
    """Keeps one such process for an emulator. Safe for threads."""

    def __init__(self, engine: Path) -> None:
        self.socket: str | None = None
        """Where it listens; None where no folder for that can be had."""
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(WorkspaceError):
            folder = RuntimeFolder.make(Workspace(engine), os.environ)
            self.socket = str(folder.root / _SOCKET)

    def ensure(self) -> None:
        """Start one if none waits."""
        with self._lock:
            if self.socket is None or (self._child is not None and self._is_waiting(self._child)):
                return
            self._let_go()
            with contextlib.suppress(OSError):
                self._child = subprocess.Popen(
                    [sys.executable, "-P", "-m", _MODULE, self.socket],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )

    def close(self) -> None:
        """Let one that waits end; one that works goes on."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()

    def _is_waiting(self, child: subprocess.Popen[bytes]) -> bool:
        """Say whether a child still waits, or begins to; one that took a pipeline has closed its standard input."""
        if child.poll() is not None or child.stdin is None or child.stdin.closed:
            return False
        watched = select.poll()
        watched.register(child.stdin, 0)
        return not watched.poll(0)


def hand_over(path: str, folder: Path) -> int | None:
    """Let the process that waits run a pipeline's folder, and return its exit status; None: there was none."""
    with socket.socket(socket.AF_UNIX) as channel:
        try:
            channel.connect(path)
            socket.send_fds(channel, [str(folder).encode()], [1, 2])
            if channel.recv(1) != _BEGUN:
                return None
        except OSError:
            return None
        with contextlib.suppress(OSError):
            return int(channel.recv(1) or b"1")
        return 1


def listen(path: str) -> socket.socket:
    """Return a socket that listens there, instead of whoever has before."""
    listener = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - as `bind` takes it
    listener.bind(path)
    listener.listen(1)
    return listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A pipeline that is run here."""

    folder: Path
    channel: socket.socket
    """To the job's own process: if that is killed, this one ends."""
    has_ended: threading.Event
    """Whether the pipeline has: then the job's process is told its status, and may end first."""


def take_one(listener: socket.socket, path: str) -> Taken | None:
    """Wait for a pipeline's folder, and become its process; None: nobody came, or the emulator has ended."""
    with listener:
        ready, _, _ = select.select([listener.fileno(), 0], [], [], IDLE_SECONDS)
        # Whoever comes later finds nobody, and helps himself.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - as `bind` takes it
        if listener.fileno() not in ready:
            return None
        channel, _ = listener.accept()
    data, descriptors, _, _ = socket.recv_fds(channel, _LONGEST_PATH, 2)
    for number, descriptor in enumerate(descriptors, 1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # The emulator sees by it that another one is to wait.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    folder = Path(os.fsdecode(data))
    os.chdir(folder)
    channel.sendall(_BEGUN)
    taken = Taken(folder=folder, channel=channel, has_ended=threading.Event())
    threading.Thread(target=_end_with, args=(taken,), daemon=True).start()
    return taken


def _end_with(taken: Taken) -> None:
    """End this process when the job's own is gone."""
    with contextlib.suppress(OSError):
        taken.channel.recv(1)
    if not taken.has_ended.is_set():
        os._exit(1)


def serve(path: str) -> int:
    """Import Beam, run one pipeline, and return the exit status."""
    # At once: who comes while Beam is imported waits less than who begins now.
    listener = listen(path)
    import apache_beam.internal.pickler
    import apache_beam.io.gcp.gcsio
    import apache_beam.runners.portability.fn_api_runner  # noqa: F401 - so that they are there

    from mlmagic.emulator.dataflow.main import run_here

    taken = take_one(listener, path)
    if taken is None:
        return 0
    status = run_here(taken.folder)
    taken.has_ended.set()
    with contextlib.suppress(OSError):
        taken.channel.sendall(str(status).encode())
    return status
