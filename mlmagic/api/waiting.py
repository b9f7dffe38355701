"""Waiting for jobs: looking again, seldom enough to cost nothing and often enough to be quick."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlmagic.backends.router import Router
from mlmagic.errors import WaitTimeout
from mlmagic.spec.job import JobRecord

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend

FIRST_PAUSE = 0.05
"""Seconds between two looks at something that has just moved."""
LONGEST_PAUSE = 1.0

_GROWTH = 1.4


def longer(pause: float) -> float:
    """Return how long to pause when the pause before brought nothing new."""
    return min(pause * _GROWTH, LONGEST_PAUSE)


def check_reachable(backend: Backend, job_id: str) -> None:
    """See that a job's backend can be asked: one that cannot would be waited for for ever.

    Raises:
        UsageError: it is not set up here.
        MissingDependencyError: what it needs is not installed.
        BackendError: it refuses to tell.
    """
    if isinstance(backend, Router):
        backend.look(job_id)


def wait_for_end(
    backend: Backend,
    job_id: str,
    *,
    timeout: float | None = None,
    on_update: Callable[[JobRecord], None] | None = None,
    on_look: Callable[[JobRecord], None] | None = None,
) -> JobRecord:
    """Return the job's record once it has ended.

    Args:
        backend: where it runs.
        job_id: which job.
        timeout: how many seconds to wait at most.
        on_update: called with the record, at first and whenever it changed.
        on_look: called with the record each time that it was read, about once a second.

    Raises:
        WaitTimeout: it has not ended in time; it goes on.
        UsageError: its backend is not set up here; see `check_reachable`.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    pause, told = FIRST_PAUSE, None
    check_reachable(backend, job_id)
    while True:
        record = backend.get(job_id)
        if record != told and on_update is not None:
            on_update(record)
        if on_look is not None:
            on_look(record)
        if record.state.is_final:
            return record
        left = LONGEST_PAUSE if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise WaitTimeout(
                f"{job_id} is still {record.state} after {timeout:g} s; it goes on.",
                hint=f"Wait longer: %jobs wait {job_id}",
            )
        # A job that has just moved is likely to move again soon.
        is_news = told is None or record.state is not told.state
        pause = FIRST_PAUSE if is_news else longer(pause)
        told = record
        time.sleep(min(pause, left))
