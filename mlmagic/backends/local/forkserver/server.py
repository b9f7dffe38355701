"""A fork server: imports once, then is copied for each job. It has one thread, and nothing that its end would lose.

It reads requests from the one socket that it inherited, and ends when the other side does. Each copy is the supervisor
of a job, in a session of its own, that goes on by itself.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from mlmagic.backends.local.forkserver.messages import Inbox, encode
from mlmagic.backends.local.forkserver.staleness import ImportPath
from mlmagic.runtime.becoming import close_descriptors, default_signals, redirect
from mlmagic.runtime.environments import EnvironmentStore
from mlmagic.runtime.rehearsal import rehearse
from mlmagic.workspace.files import open_to_append
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.runtime_folder import RuntimeFolder

LOOK_SECONDS = 30.0
"""How often a server that has nothing to do looks whether it is stale."""
_OOM_SCORE = 300
"""Where memory runs out, a job goes before the agent and the servers."""
_TASKS = Path("/proc/self/task")


@dataclass(frozen=True, slots=True)
class Job:
    """What a forked supervisor is to do."""

    folder: JobFolder
    environment: Mapping[str, str] | None
    replicas: int
    """How many programs are likely to be started; 0 where they are to be started cold."""


class UnusableError(Exception):
    """This server must not be forked."""


class Server:
    """The process that is forked. `path` is `sys.path` as the interpreter started with it."""

    def __init__(self, channel: socket.socket, *, path: Sequence[str]) -> None:
        self._channel = channel
        self._inbox = Inbox()
        self._imports = ImportPath(path)

    def prepare(self, preload: Sequence[str]) -> None:
        """Import what jobs need, and tell that this server is ready; end if it is not fit to be."""
        begin = time.perf_counter()
        try:
            for module in preload:
                importlib.import_module(module)
            rehearse()
            gc.collect()
            # What is there now is never looked at again by the collector, so that copies go on sharing it.
            gc.freeze()
            self._fork_once()
        except Exception as error:  # noqa: BLE001 - whatever an import raises
            self._end({"unusable": _reason(error)})
        # Python calls it while it waits for a request, and then goes on waiting.
        signal.signal(signal.SIGCHLD, _reap)
        self._send({"ready": round(time.perf_counter() - begin, 3)})

    def next_job(self) -> Job:
        """Fork for each request; return in the copies alone, and end when there is nobody left to ask."""
        while True:
            request = self._next_request()
            if stale := self._why_stale():
                self._end({"stale": stale})
            try:
                pid = os.fork()
            except OSError as error:
                self._send({"job": request["job"], "error": error.strerror or str(error)})
                continue
            if pid == 0:
                # Its descriptor is closed with all others, and its number may soon be another file's.
                self._channel.detach()
                return _begin(request)
            self._send({"job": request["job"], "pid": pid})

    def _fork_once(self) -> None:
        """See that there is one thread. A first fork ends those that a library starts again when it needs them."""
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        _check_threads()

    def _next_request(self) -> dict[str, Any]:
        self._channel.settimeout(LOOK_SECONDS)
        while (request := self._inbox.take()) is None:
            try:
                data = self._channel.recv(1 << 16)
            except TimeoutError:
                if stale := self._why_stale():
                    self._end({"stale": stale})
                continue
            except OSError:
                data = b""
            if not data:
                os._exit(0)
            self._inbox.add(data)
        return request

    def _why_stale(self) -> str | None:
        try:
            _check_threads()
        except UnusableError as error:
            return str(error)
        folder = self._imports.change()
        return folder and f"something was installed or removed in {folder}"

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._channel.sendall(encode(message))
        except OSError:
            os._exit(0)

    def _end(self, message: dict[str, Any]) -> NoReturn:
        self._send(message)
        os._exit(0)


def _reap(_number: int, _frame: FrameType | None) -> None:
    """Take the status of copies that have ended, which nobody asks for; their processor time is added to ours."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _begin(request: dict[str, Any]) -> Job:
    """Make the copy a process of its own; errors end it here, for the server's code must not go on in it."""
    folder = JobFolder(Path(request["folder"]))
    try:
        os.setsid()
        default_signals()
        output = open_to_append(folder.supervisor_log)
        redirect(output)
        close_descriptors()
        _go_first_when_memory_runs_out()
        return Job(folder, _environment(request), request["replicas"])
    except BaseException:  # noqa: BLE001
        import traceback

        traceback.print_exc()
        os._exit(1)


def _environment(request: dict[str, Any]) -> dict[str, str] | None:
    digest = request["environment"]
    return digest and EnvironmentStore(RuntimeFolder(Path(request["runtime_folder"]))).get(digest)


def _go_first_when_memory_runs_out() -> None:
    try:
        score = Path("/proc/self/oom_score_adj")
        score.write_text(str(min(1000, int(score.read_text("ascii")) + _OOM_SCORE)), "ascii")
    except OSError:
        # A container may forbid it; there, the largest goes first all the same.
        return


def _check_threads() -> None:
    if _TASKS.exists() and (count := len(os.listdir(_TASKS))) != 1:  # noqa: PTH208 - runs before each fork
        raise UnusableError(f"the fork server has {count} threads")


def _reason(error: Exception) -> str:
    if isinstance(error, UnusableError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return f"{sys.executable} has no module {error.name}"
    return f"{sys.executable} cannot import what jobs need: {type(error).__name__}: {error}"
