"""What the exams do with a backend: submit programs, wait, read logs."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from mlmagic.backends.base import Backend
from mlmagic.spec.job import JobRecord, JobSpec, JobState
from mlmagic.spec.job import PackageReference as Reference
from mlmagic.spec.package import CellShape, TrainerPackage

PATIENCE_SECONDS = 120.0
"""After this long, a job that should have ended fails its test."""

COLD = "it needs Python alone"
"""Why none of these programs is forked from a process that has imported TensorFlow."""

FOREVER = "import time\nprint('begun')\nwhile True:\n    time.sleep(0.02)\n"


def make_package(source: str, **modules: str) -> TrainerPackage:
    """Return a package whose `trainer.task` is this source, with more modules beside it."""
    texts = {"__init__": "", "task": source, **modules}
    files = {f"trainer/{name}.py": text.encode() for name, text in texts.items()}
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
    return TrainerPackage(shape=CellShape.GIVEN, files=files, digest=digest)


def submit(backend: Backend, source: str, *, name: str = "exam", **fields: Any) -> JobRecord:
    """Submit a program."""
    package = make_package(source)
    reference = Reference(digest=package.digest, cold_reason=COLD)
    return backend.submit(JobSpec(display_name=name, package=reference, **fields), package)


def wait_for(backend: Backend, job_id: str, *states: JobState) -> JobRecord:
    """Return the record once the job is in one of the states, or final where none is named."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        record = backend.get(job_id)
        if record.state in states or record.state.is_final:
            return record
        time.sleep(0.02)
    raise AssertionError(f"{job_id} was still {record.state} after {PATIENCE_SECONDS} s")


def wait_for_text(backend: Backend, job_id: str, text: str) -> None:
    """Return once the log has the text."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while text not in read_log(backend, job_id):
        if backend.get(job_id).state.is_final or time.monotonic() > deadline:
            raise AssertionError(f"{job_id} never printed {text!r} but {read_log(backend, job_id)!r}")
        time.sleep(0.02)


def read_log(backend: Backend, job_id: str) -> str:
    """Return all that the log has now."""
    text, offset = "", 0
    while chunk := backend.logs(job_id, offset=offset):
        text, offset = text + chunk.text, chunk.next_offset
        if not chunk.text:
            break
    return text


def run(backend: Backend, source: str, **fields: Any) -> JobRecord:
    """Submit a program and return its record at the end."""
    return wait_for(backend, submit(backend, source, **fields).id)
