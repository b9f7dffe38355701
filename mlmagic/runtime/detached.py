"""Starting a process that outlives this one, and keeps none of its files, sockets and terminal."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlmagic.errors import BackendError
from mlmagic.runtime.contract import outer_environment
from mlmagic.workspace.files import open_to_append


def start_detached(
    command: Sequence[str],
    log: Path,
    *,
    longest_log: int,
    descriptors: Sequence[int],
    what: str,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a program that forks what is to stay and exits at once: nothing is left to be reaped later.

    Args:
        command: its words.
        log: where its output goes.
        longest_log: bytes beyond which the log is emptied before.
        descriptors: of this process, which it inherits.
        what: the subject of the error's sentence.
        environment: variables that it gets in addition.

    Raises:
        BackendError: the system refuses to start a process.
    """
    try:
        with os.fdopen(open_to_append(log), "ab") as output:
            # Those that cannot even begin say so each time, and tidy up nothing.
            if output.tell() > longest_log:
                output.truncate(0)
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**detached_environment(), **(environment or {})},
                cwd="/",
                pass_fds=descriptors,
                start_new_session=True,
                check=True,
            )
    except (OSError, subprocess.CalledProcessError) as error:
        raise BackendError(
            f"{what} could not be started: {error}",
            hint="Run it again once the machine has room for another process.",
        ) from error


def detached_environment() -> dict[str, str]:
    """Return this process's variables without those of Python, of notebooks and of jobs.

    What is detached starts interpreters for itself, and must not be found among what a job started that it is started
    from.
    """
    return {name: value for name, value in outer_environment(os.environ).items() if not name.startswith("PYTHON")}
