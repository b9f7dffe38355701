"""Starting a supervisor that is nobody's child, so that it outlives kernel, server and notebook runner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mlmagic.errors import BackendError
from mlmagic.runtime.contract import outer_environment
from mlmagic.workspace.files import open_to_append
from mlmagic.workspace.layout import JobFolder

_ENTRY = Path(__file__).parents[2] / "runtime" / "__main__.py"


def start_supervisor(folder: JobFolder) -> None:
    """Start the supervisor of a job; return once it is on its own, before it has done anything.

    It runs under this interpreter, isolated from the notebook's folder and PYTHONPATH, whose files could pass for
    modules of the standard library. It keeps none of this process's files, sockets and terminal.

    Raises:
        BackendError: the system refuses to start a process.
    """
    command = [sys.executable, "-I", str(_ENTRY), str(folder.root)]
    try:
        with os.fdopen(open_to_append(folder.supervisor_log), "ab") as output:
            # The child forks the supervisor and exits at once: nothing is left to be reaped later.
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A job that this process itself belongs to must not find the new one among what it started.
                env=outer_environment(os.environ),
                cwd="/",
                start_new_session=True,
                check=True,
            )
    except (OSError, subprocess.CalledProcessError) as error:
        raise BackendError(
            f"job {folder.id} could not be started: {error}",
            hint="Run it again once the machine has room for another process.",
        ) from error
