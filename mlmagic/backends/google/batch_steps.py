"""What is done here for a batch prediction in the cloud: rows become instances before, answers become files after.

Each is a program of its own, so that neither Arrow nor a large table is ever in the kernel. It says what it does in the
job's log, and may be killed: the next one does it again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mlmagic.runtime.diagnosis import diagnose
from mlmagic.runtime.ending import Ending, cannot_start, read_tail
from mlmagic.spec.job import JobSpec, JobState
from mlmagic.workspace.files import explained, make_folder, open_to_append
from mlmagic.workspace.layout import JobFolder

_PROGRAM = "mlmagic.serving.batch.elsewhere"
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 10.0


def run_step(
    folder: JobFolder, spec: JobSpec, step: str, go_on: Callable[[], None], environment: Mapping[str, str]
) -> Ending | None:
    """Do a step, `prepare` or `finish`, and return how the job ends if it cannot be done.

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
    with explained(f"write the log of job {folder.id}"):
        make_folder(folder.batch)
        make_folder(folder.logs)
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
            )
        except OSError as refused:
            return cannot_start(refused, command, working)
    finally:
        os.close(log)
    status = _wait(process, go_on)
    if status == 0:
        return None
    error = diagnose(status, read_tail(folder.log(), start=start), translate=str, disk_is_full=False)
    return Ending(state=JobState.FAILED, exit_code=status, error=error, message=error.message)


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
