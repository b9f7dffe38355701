"""Programs that begin as copies of this process, with all that it has imported."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, Self

from mlmagic.runtime.becoming import become, close_descriptors, shed
from mlmagic.runtime.program import ColdLauncher, Program, ReplicaProgram
from mlmagic.workspace.files import open_to_append

_RUN_AT_START = frozenset({"sitecustomize", "usercustomize"})


class Spare:
    """A child that was forked ahead of time, and waits to be told which program it is.

    Made before the supervisor begins, it has nothing of the supervisor: no frames below its own, no handlers, no files.
    """

    def __init__(self, pid: int, writer: int) -> None:
        self.pid = pid
        self._writer = writer

    @classmethod
    def fork(cls) -> Self | ReplicaProgram:
        """Return the spare; in the spare itself, the program once it is told, so that its stack can be left first."""
        reader, writer = os.pipe()
        with _blocked_signals():
            pid = os.fork()
            if pid == 0:
                os.close(writer)
                return _wait_for_program(reader)
        os.close(reader)
        _lead_group(pid)
        return cls(pid, writer)

    def start(self, program: ReplicaProgram) -> Program | None:
        """Tell the spare what it is; None if it is gone."""
        try:
            with os.fdopen(self._writer, "wb") as stream:
                stream.write(_encode(program))
        except BrokenPipeError:
            Program(self.pid).kill()
            return None
        return Program(self.pid)


class ForkLauncher:
    """Starts programs as forks: spares where there are any left, else of this process as it is now."""

    def __init__(self, path: Sequence[str], spares: Sequence[Spare] = ()) -> None:
        self._path = tuple(path)
        self._spares = deque(spares)

    def start(self, program: ReplicaProgram) -> Program:
        """See `Launcher.start`. What brings modules of its own in the place of imported ones is started cold."""
        _check(program)
        if _shadows(program.package_dir):
            return ColdLauncher().start(program)
        while self._spares:
            started = self._spares.popleft().start(program)
            if started is not None:
                return started
        with _blocked_signals():
            pid = os.fork()
            if pid == 0:
                _become(program, self._path)
        _lead_group(pid)
        return Program(pid)


def _check(program: ReplicaProgram) -> None:
    """Find out beforehand what a child could no longer tell.

    Raises:
        OSError: the program could not be started there.
    """
    os.close(os.open(program.cwd, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    if not os.access(program.cwd, os.X_OK):
        raise PermissionError(13, os.strerror(13), str(program.cwd))
    os.close(open_to_append(program.log))


def _shadows(package_dir: Path) -> bool:
    """Say whether a new interpreter would import something else under a name that is imported here already."""
    names = {name.partition(".")[0] for name in os.listdir(package_dir)}  # noqa: PTH208 - runs before each start
    return any(name in sys.modules for name in names - {"mlmagic"}) or not names.isdisjoint(_RUN_AT_START)


def _blocked_signals() -> contextlib.AbstractContextManager[None]:
    """Keep signals for a child until it handles them in its own way."""
    return _SignalMask()


class _SignalMask(contextlib.AbstractContextManager[None]):
    def __enter__(self) -> None:
        self._process = os.getpid()
        self._before = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())

    def __exit__(self, *_: object) -> None:
        if os.getpid() == self._process:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)


def _lead_group(pid: int) -> None:
    # The child does the same: whoever is first, neither goes on before it is so. It may have ended already.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)


def _become(program: ReplicaProgram, path: Sequence[str]) -> NoReturn:
    try:
        os.setpgid(0, 0)
        shed()
        become(program, path)
    finally:
        # In no case may the supervisor's code go on here.
        os._exit(1)


def _wait_for_program(reader: int) -> ReplicaProgram:
    try:
        os.setpgid(0, 0)
        close_descriptors(keep=[reader])
        shed()
        with os.fdopen(reader, "rb") as stream:
            data = stream.read()
        return _decode(data)
    except BaseException:  # noqa: BLE001 - the end of the supervisor, or SIGINT: in no case may its code go on here
        os._exit(1)


def _encode(program: ReplicaProgram) -> bytes:
    document = {
        "python": program.python,
        "module": program.module,
        "args": program.args,
        "environment": dict(program.environment),
        "cwd": str(program.cwd),
        "log": str(program.log),
        "package_dir": str(program.package_dir),
    }
    return json.dumps(document).encode("ascii")


def _decode(data: bytes) -> ReplicaProgram:
    document = json.loads(data)
    return ReplicaProgram(
        python=document["python"],
        module=document["module"],
        args=tuple(document["args"]),
        environment=document["environment"],
        cwd=Path(document["cwd"]),
        log=Path(document["log"]),
        package_dir=Path(document["package_dir"]),
    )
