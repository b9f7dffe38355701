"""A trial's job while it runs: whether it has ended, and what it has reported so far."""

from __future__ import annotations

import contextlib
import json
import time

from mlmagic.backends.base import Backend
from mlmagic.errors import NotFoundError, WorkspaceError
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.study import Trial
from mlmagic.tuning.measurements import Measurements, MetricReader
from mlmagic.workspace.layout import JobFolder

CHECK_SECONDS = 1.0
"""How often a job is asked for without a sign of a change: its supervisor may have been killed."""
MEASURE_SECONDS = 0.5
"""How often what it reports is read while it runs."""
MEASURE_SHARE = 0.05
"""At most so much of the time is spent with reading it, however much a program writes."""


class RunningTrial:
    """Looks at one trial. A look that finds nothing new costs a look at a file's time."""

    def __init__(self, trial: Trial, folder: JobFolder, metric: str, backend: Backend) -> None:
        self.number = trial.number
        self.record: JobRecord | None = None
        """As it was last seen; None before, and where it was deleted."""
        self._folder = folder
        self._backend = backend
        self._reader = MetricReader(folder, metric, keeps=True)
        self._written = -1
        self._next_check = 0.0
        self._next_measure = 0.0

    def look(self) -> bool:
        """Say whether its job has ended, or is gone.

        Raises:
            WorkspaceError: its record cannot be read.
        """
        if not (self._is_written() or time.monotonic() >= self._next_check):
            return False
        self._next_check = time.monotonic() + CHECK_SECONDS
        try:
            self.record = self._backend.get(self._folder.id)
        except NotFoundError:
            self.record = None
            return True
        if not self.record.state.is_final and self._has_final_file():
            # Its row follows in a moment.
            self._written = -1
        return self.record.state.is_final

    @property
    def is_queued(self) -> bool:
        """It waits for room on the machine, or has not been looked at."""
        return self.record is None or self.record.state is JobState.QUEUED

    @property
    def is_running(self) -> bool:
        """Its program runs."""
        return self.record is not None and self.record.state is JobState.RUNNING

    def measure_now_and_then(self) -> Measurements | None:
        """Return what it has reported, if it runs and is due to be asked."""
        if not self.is_running or time.monotonic() < self._next_measure:
            return None
        begin = time.monotonic()
        measured = self.measure()
        end = time.monotonic()
        self._next_measure = end + max(MEASURE_SECONDS, (end - begin) / MEASURE_SHARE)
        return measured

    def measure(self) -> Measurements:
        """Return what it has reported so far."""
        return self._reader.read(self.record)

    def _is_written(self) -> bool:
        """Say whether its state was written since the last look."""
        try:
            written = self._folder.state.stat().st_mtime_ns
        except OSError:
            written = 0
        is_new, self._written = written != self._written, written
        return is_new

    def _has_final_file(self) -> bool:
        with contextlib.suppress(OSError, ValueError, KeyError, WorkspaceError):
            return JobState(json.loads(self._folder.state.read_bytes())["state"]).is_final
        return False
