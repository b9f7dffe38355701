"""What is done for a job before Google has it, told in its record, and to whoever waits for that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.workspace.jobs import JobStore

_PAUSE_SECONDS = 1.0
"""Between two times that the progress of one thing is told."""


@contextmanager
def told(jobs: JobStore, record: JobRecord, tell: Callable[[str], None] | None) -> Iterator[Callable[[str], None]]:
    """Yield what takes texts such as `uploading 120 MB to gs://b (20%)`; the record has the last one meanwhile.

    Args:
        jobs: where the record is.
        record: of a job that is QUEUED.
        tell: is told each thing when it begins, without its progress.
    """
    begun: set[str] = set()
    last = float("-inf")

    def write(message: str | None) -> None:
        # Of a job that is to end, or is gone, there is nothing more to tell.
        with suppress(ConflictError, NotFoundError):
            queued = JobState.QUEUED
            jobs.advance(record.id, expect={queued}, to=queued, now=datetime.now(UTC), message=message)

    def say(text: str) -> None:
        nonlocal last
        thing = text.partition(" (")[0]
        if thing not in begun and tell is not None:
            tell(f"{record.spec.display_name}: {thing}")
        if thing not in begun or time.monotonic() >= last + _PAUSE_SECONDS:
            last = time.monotonic()
            write(text)
        begun.add(thing)

    try:
        yield say
    finally:
        if begun:
            write(record.message)
