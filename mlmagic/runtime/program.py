"""A replica's program: what is to run, who starts it, and the process that it becomes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlmagic.workspace.files import open_to_append


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaProgram:
    """What a replica runs, and under which circumstances."""

    python: str | None
    """The interpreter; None for the one that this process runs under."""
    module: str
    args: tuple[str, ...]
    environment: Mapping[str, str]
    """All of it: nothing else is inherited."""
    cwd: Path
    log: Path
    """Gets standard output and standard error, appended."""
    package_dir: Path
    """Comes first on the program's path; PYTHONPATH in `environment` begins with it."""

    @property
    def command(self) -> list[str]:
        """The command that does the same from nothing."""
        return program_command(self.python, self.module, self.args)


class Program:
    """A running program: a child of this process and the leader of its own process group."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, -N for signal N, or None while it runs."""
        if self._status is None:
            self._wait(os.WNOHANG)
        return self._status

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the program and to what it started in its group; once it was waited for, to nobody."""
        if self._status is None:
            # macOS answers EPERM where the only member of the group is a zombie.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _wait(self, options: int) -> None:
        try:
            pid, status = os.waitpid(self.pid, options)
        except ChildProcessError:
            # Reaped by somebody else: it has ended, and nobody can say how.
            self._status = -signal.SIGKILL
            return
        if pid == self.pid:
            self._status = os.waitstatus_to_exitcode(status)

    def end_group(self) -> None:
        """End what an ended program left in its group, where there is no `/proc` to find it otherwise."""
        if not sys.platform.startswith("linux"):
            # The number of a group is not given away while it has members.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def kill(self) -> int:
        """End its group at once, and return the exit status."""
        self.signal_group(signal.SIGKILL)
        while self._status is None:
            self._wait(0)
        return self._status


class Launcher(Protocol):
    """A way to start programs."""

    def start(self, program: ReplicaProgram) -> Program:
        """Start a program with /dev/null as its input, in a process group of its own.

        Its output goes straight to the log, through no process that could die.

        Raises:
            OSError: it cannot be started, as when there is no such interpreter or folder.
        """
        ...


class ColdLauncher:
    """Starts the interpreter from nothing."""

    def start(self, program: ReplicaProgram) -> Program:
        """See `Launcher.start`."""
        descriptor = open_to_append(program.log)
        try:
            process = _Started(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=dict(program.environment),
                cwd=program.cwd,
                process_group=0,
            )
        finally:
            os.close(descriptor)
        return Program(process.pid)


class _Started(subprocess.Popen[bytes]):
    def __del__(self) -> None:
        """Do nothing: the status is for `Program` to read, which the base class would take away from it."""


def program_command(python: str | None, module: str, args: Sequence[str]) -> list[str]:
    """Return the command that runs a trainer package's module: unbuffered, blind to files beside the notebook."""
    return [python or sys.executable, "-u", "-P", "-m", module, *args]
