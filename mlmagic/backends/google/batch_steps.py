"""What is done here for a batch prediction in the cloud: rows become instances before, answers become files after.

Each is a program of its own, so that neither Arrow nor a large table is ever in the kernel. It says what it does in the
job's log, and may be killed: the next one does it again. It holds the step's lock until it ends, whoever started it: of
a kernel that was killed it goes on, and the next process waits for it rather than write to the same files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mlmagic.runtime.diagnosis import diagnose
from mlmagic.runtime.ending import Ending, cannot_start, quietly, read_tail
from mlmagic.runtime.inspection import Interrupted
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.job import JobSpec, JobState
from mlmagic.workspace.files import explained, make_folder, open_to_append, write_atomic
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.processes import ProcessIdentity, is_alive

_PROGRAM = "mlmagic.serving.batch.elsewhere"
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 10.0


def run_step(
    folder: JobFolder, spec: JobSpec, step: str, go_on: Callable[[], None], environment: Mapping[str, str]
) -> Ending | None:
    """Do a step, `prepare` or `finish`, and return how the job ends if it cannot be done.

    A program of an earlier process that is still at it is waited for; what that one has done is not done again.

    Args:
        folder: the job's, whose lock is held.
        spec: the job's.
        step: which.
        go_on: is called again and again, and may raise `Interrupted`: then the program is ended.
        environment: variables by which Google's libraries find the emulator, for input in its buckets.

    Raises:
        Interrupted: as `go_on` did.
        WorkspaceError: its log cannot be written.
    """
    made = {"prepare": folder.batch_prepared, "finish": folder.predictions}[step]
    with explained(f"write the log of job {folder.id}"):
        make_folder(folder.batch)
        make_folder(folder.logs)
    with _step_lock(folder, go_on) as lock:
        if made.exists():
            return None
        return _run(folder, spec, step, go_on, environment=environment, lock=lock)


def end_step(folder: JobFolder) -> None:
    """End the program that an earlier process has left behind, if there is one.

    Raises:
        WorkspaceError: its lock cannot be opened.
    """
    if folder.batch_step_lock.exists():
        with contextlib.suppress(Interrupted), _step_lock(folder, _interrupt):
            pass


def _run(
    folder: JobFolder, spec: JobSpec, step: str, go_on: Callable[[], None], *, environment: Mapping[str, str], lock: int
) -> Ending | None:
    with explained(f"write the log of job {folder.id}"):
        log = open_to_append(folder.log())
    working = Path(spec.working_directory or folder.workspace.root.parent)
    command = [spec.python or sys.executable, "-P", "-m", _PROGRAM, step, str(folder.batch), *spec.args]
    try:
        start = os.fstat(log).st_size
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=working,
                env={**os.environ, **environment, "AIP_MODEL_DIR": str(folder.model_dir), "CUDA_VISIBLE_DEVICES": "-1"},
                start_new_session=True,
                pass_fds=[lock],
            )
        except OSError as refused:
            return cannot_start(refused, command, working)
    finally:
        os.close(log)
    # Without it, who waits for the program can only wait.
    if (identity := ProcessIdentity.of(process.pid)) is not None:
        quietly(lambda: write_atomic(folder.batch_step, dumps(identity), sync=False))
    status = _wait(process, go_on)
    if status == 0:
        return None
    error = diagnose(status, read_tail(folder.log(), start=start), translate=str, disk_is_full=False)
    return Ending(state=JobState.FAILED, exit_code=status, error=error, message=error.message)


@contextlib.contextmanager
def _step_lock(folder: JobFolder, go_on: Callable[[], None]) -> Iterator[int]:
    """Hold the lock of a step, after the program that has it; as `go_on` raises, that program is ended."""
    with explained(f"lock {folder.batch_step_lock}"):
        descriptor = open_to_append(folder.batch_step_lock)
    try:
        try:
            while not _is_taken(descriptor):
                go_on()
                time.sleep(_LOOK_SECONDS)
        except BaseException:
            _end_left(folder, descriptor)
            raise
        yield descriptor
    finally:
        os.close(descriptor)


def _is_taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_left(folder: JobFolder, descriptor: int) -> None:
    try:
        left = loads(ProcessIdentity, folder.batch_step.read_bytes())
    except (OSError, DecodeError):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with contextlib.suppress(ProcessLookupError):
            if is_alive(left):
                os.kill(left.pid, number)
        while time.monotonic() < deadline:
            if _is_taken(descriptor):
                return
            time.sleep(_LOOK_SECONDS)


def _interrupt() -> None:
    raise Interrupted


def _wait(process: subprocess.Popen[bytes], go_on: Callable[[], None]) -> int:
    try:
        while (status := process.poll()) is None:
            go_on()
            time.sleep(_LOOK_SECONDS)
    except BaseException:
        _end(process)
        raise
    return status


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
