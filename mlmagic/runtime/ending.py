"""How an attempt ended, in words for the user and for the log."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlmagic.runtime.diagnosis import TAIL_BYTES
from mlmagic.spec.job import JobError, JobState
from mlmagic.workspace.files import open_to_append

LOG_PREFIX = "mlmagic: "
"""What mlmagic's own lines in a program's log begin with."""
STOPPED_EARLY = "stopped early: "
"""What the message of a job begins with that was told to stop, and had not ended before."""


REMOVED = JobError(
    message="its folder was removed while it ran, and what it wrote there is gone",
    hint="Cancel a job before removing what it works on, and run it again.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ended."""

    state: JobState
    exit_code: int | None = None
    error: JobError | None = None
    model_version: str | None = None
    dataset_version: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Where it is not TensorBoard's scalars that tell them."""
    message: str | None = None
    is_retriable: bool = False
    """The program failed by itself, and may do better another time."""
    is_stopped_early: bool = False
    """It was told to, so that nothing is registered of what it has not finished."""
    raw_traceback: str | None = None
    """The error's traceback as the log has it."""


def failed(message: str, *, exit_code: int | None = None, hint: str | None = None) -> Ending:
    """Return the ending of a job that failed for a reason other than its program's own."""
    return Ending(
        state=JobState.FAILED, exit_code=exit_code, error=JobError(message=message, hint=hint), message=message
    )


def cannot_start(error: OSError, command: Sequence[str], cwd: Path) -> Ending:
    """Return the ending of a job whose program the system refused."""
    if not cwd.is_dir():
        return failed(f"the program could not be started: its folder {cwd} does not exist")
    return failed(
        f"the program could not be started: {command[0]}: {error.strerror}",
        hint="Is the Python environment of the notebook still there?",
    )


def timed_out(timeout: float | None, status: int | None) -> Ending:
    """Return the ending of a job that took too long."""
    return failed(
        f"the program ran longer than its timeout of {timeout or 0:g} s",
        exit_code=status,
        hint="Give it more time with --timeout, or less to do.",
    )


def stopped_early(reason: str, status: int | None) -> Ending:
    """Return the ending of a job that was told to stop while it still ran."""
    return Ending(state=JobState.SUCCEEDED, exit_code=status, message=f"{STOPPED_EARLY}{reason}", is_stopped_early=True)


def of_replica(name: str, message: str) -> str:
    """Return `worker-1 failed: ValueError: x`, or `worker-1 was ended by SIGKILL`."""
    if message.startswith("the program "):
        return name + message.removeprefix("the program")
    return f"{name} failed: {message}"


def log_lines(ending: Ending, retry: str | None = None) -> list[str]:
    """Return what is appended to the log: the traceback as the notebook has it, where that says more, and the end.

    `retry` says that there will be another attempt.
    """
    lines: list[str] = []
    error = ending.error
    if error is not None and error.traceback is not None and error.traceback != ending.raw_traceback:
        lines += [f"{LOG_PREFIX}in your notebook:", *error.traceback.splitlines()]
    if retry is not None:
        lines.append(f"{LOG_PREFIX}{retry}")
    elif error is not None:
        lines.append(f"{LOG_PREFIX}failed: {error.message}")
        lines += [f"{LOG_PREFIX}{error.hint}"] if error.hint else []
    elif ending.message:
        lines.append(f"{LOG_PREFIX}{ending.message}")
    return lines


def append_to_log(log: Path, lines: Sequence[str]) -> None:
    """Append lines, beginning on a line of their own whatever the program printed last.

    Raises:
        OSError: the disk is full, or the log cannot be written.
    """
    if not lines:
        return
    with os.fdopen(open_to_append(log), "rb+") as stream:
        size = stream.seek(0, os.SEEK_END)
        starts_anew = size == 0
        if size:
            stream.seek(-1, os.SEEK_END)
            starts_anew = stream.read(1) == b"\n"
        stream.seek(0, os.SEEK_END)
        stream.write((("" if starts_anew else "\n") + "\n".join(lines) + "\n").encode("utf-8", "replace"))


def read_tail(log: Path, limit: int = TAIL_BYTES, *, start: int = 0) -> str:
    """Return the end of what a log has from a byte on as text; an empty one where there is none."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(start, size - limit))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def quietly(action: Callable[[], object]) -> bool:
    """Do what is good to have but must not cost the record of how the job ended; say whether it worked."""
    try:
        action()
    except OSError:
        return False
    return True
