"""What a terminal shows of jobs that go on: a line for each change, and one line that is rewritten where that works."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlmagic.api.job import Job
    from mlmagic.api.job_list import JobList
    from mlmagic.api.study import StudyJob
    from mlmagic.spec.job import JobRecord, JobState

_CLEARED = "\r\x1b[K"


def wait_in_terminal(job: Job) -> Job:
    """Wait for a job, and tell what becomes of it meanwhile.

    Raises:
        JobFailed: it did not succeed.
    """
    line = ProgressLine(job) if sys.stdout.isatty() else None
    states = _StateLines(line)
    try:
        return job.wait(on_update=states, on_look=line)
    finally:
        if line is not None:
            line.clear()


def watch_in_terminal(jobs: JobList) -> None:
    """Print a list, and a line for each job that changes its state, until none goes on."""
    known: dict[str, JobState] = {}
    for present in jobs.watch():
        if not known:
            print(present)  # noqa: T201 - a terminal's panel
        for summary in reversed(present):
            if known and summary.state is not known.get(summary.id):
                _print_state(summary.state, summary.id, summary.end_time or summary.start_time)
        known |= {summary.id: summary.state for summary in present}


class ProgressLine:
    """The line of a terminal that tells how far a job's training is, or a study."""

    def __init__(self, job: Job) -> None:
        from mlmagic.api.study import StudyJob

        self._tell = _study_progress(job) if isinstance(job, StudyJob) else _job_progress(job)
        self._shown = ""

    def __call__(self, record: JobRecord) -> None:
        """Rewrite the line if there is something new to tell."""
        told = "" if record.state.is_final else self._tell(record)
        width = shutil.get_terminal_size().columns - 1
        if told[:width] != self._shown:
            self._shown = told[:width]
            sys.stdout.write(_CLEARED + self._shown)
            sys.stdout.flush()

    def clear(self) -> None:
        """Make room for something else."""
        if self._shown:
            self._shown = ""
            sys.stdout.write(_CLEARED)
            sys.stdout.flush()


def _job_progress(job: Job) -> Callable[[JobRecord], str]:
    from mlmagic.api.progress import ProgressFollower
    from mlmagic.panels.progress import progress_text

    follower = ProgressFollower(job.backend, job.id)
    return lambda record: "  ".join(progress_text(follower.look(record)))


def _study_progress(job: StudyJob) -> Callable[[JobRecord], str]:
    from mlmagic.api.study_report import StudyReader
    from mlmagic.panels import study_progress_text

    reader = StudyReader(job.backend, job.workspace, job.id)
    return lambda _: study_progress_text(reader.read())


class _StateLines:
    """Prints a line for each state that a job comes to."""

    def __init__(self, progress: ProgressLine | None) -> None:
        self._progress = progress
        self._state: JobState | None = None

    def __call__(self, record: JobRecord) -> None:
        if record.state is not self._state:
            self._state = record.state
            if self._progress is not None:
                self._progress.clear()
            _print_state(record.state, record.id, record.update_time)


def _print_state(state: JobState, job_id: str, time: datetime | None) -> None:
    from mlmagic.panels import theme
    from mlmagic.panels.times import absolute, utc_now

    print(f"{absolute(time or utc_now())}  {theme.icon(state)} {state.value}  {job_id}")  # noqa: T201 - a terminal's panel
