"""The user's program: started in a process group of its own, waited for, ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlmagic.runtime.members import end_members
from mlmagic.workspace.files import open_to_append


class Program:
    """A running program. Its output goes straight to the log, through no process that could die."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str], cwd: Path) -> None:
        """Start it.

        Raises:
            OSError: it cannot be started, as when there is no such interpreter or folder.
        """
        descriptor = open_to_append(log)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=dict(environment),
                cwd=cwd,
                process_group=0,
            )
        finally:
            os.close(descriptor)
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, -N for signal N, or None while it runs."""
        return self._process.poll()

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the program and to what it started in its group; once it was waited for, to nobody."""
        if self._process.returncode is None:
            try:
                os.killpg(self.pid, number)
            except (ProcessLookupError, PermissionError):
                # macOS answers EPERM where the only member of the group is a zombie.
                return

    def end_group(self) -> None:
        """End what an ended program left in its group, where there is no `/proc` to find it otherwise."""
        if not sys.platform.startswith("linux"):
            # The number of a group is not given away while it has members.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def kill(self) -> int:
        """End its group at once, and return the exit status."""
        self.signal_group(signal.SIGKILL)
        return self._process.wait()


def program_command(python: str | None, module: str, args: Sequence[str]) -> list[str]:
    """Return the command that runs a trainer package's module: unbuffered, blind to files beside the notebook."""
    return [python or sys.executable, "-u", "-P", "-m", module, *args]


def end_leftovers(job_id: str, *, grace: float = 0.0) -> int:
    """End what a program has left running, in the calling supervisor's session or elsewhere; return how many it was."""
    own_session = os.getsid(0)
    return len(end_members(job_id, session=own_session if own_session == os.getpid() else None, grace=grace))
