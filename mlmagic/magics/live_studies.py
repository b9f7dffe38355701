"""A study on the screen: its page, drawn anew when a trial came further."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.magics.live_panel import LivePanel

if TYPE_CHECKING:
    from mlmagic.api.study import StudyJob
    from mlmagic.spec.job import JobRecord
    from mlmagic.spec.study_report import StudyReport

# Trials may end several times a second; what is redrawn closes what the reader had opened.
_PAUSE, _CURVE_PAUSE, _CLOCK_PAUSE = 1.0, 2.0, 10.0


class StudyPanel(LivePanel):
    """One display of one study."""

    def __init__(self, job: StudyJob, publisher: Any, *, clock: Callable[[], float] = time.monotonic) -> None:
        from mlmagic.api.study_report import StudyReader

        super().__init__(publisher)
        self._job = job
        self._reader = StudyReader(job.backend, job.workspace, job.id)
        self._trials = job.workspace.job(job.id).trials
        self._clock = clock
        self._lock = threading.Lock()
        self._drawn: _Drawn | None = None
        self._look_time = 0.0

    def draw(self) -> None:
        """Draw the page if a trial began, ended or came further."""
        with self._lock:
            if not self.is_final and self._is_worth_reading():
                self._look_time = self._clock()
                report = self._reader.read()
                present = _Drawn(report, self._size(), self._look_time)
                if self._drawn is None or present.is_worth_drawing(self._drawn):
                    self._draw(present)

    def _draw(self, present: _Drawn) -> None:
        from mlmagic.panels import study_bundle

        self.publish(study_bundle(present.report, order=self._job.order))
        self._drawn = present
        self.is_final = present.record.state.is_final

    def _is_worth_reading(self) -> bool:
        """Say whether there may be something new; what is cheap to look at tells."""
        if self._drawn is None:
            return True
        pause = self._clock() - self._look_time
        record = self._job.record
        if record != self._drawn.record or self._size() != self._drawn.size:
            return pause >= _PAUSE or record.state.is_final
        return pause >= _CURVE_PAUSE

    def _size(self) -> int:
        try:
            return self._trials.stat().st_size
        except FileNotFoundError:
            return 0


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What a panel shows, and since when."""

    report: StudyReport
    size: int
    """Of the file of trials."""
    time: float

    @property
    def record(self) -> JobRecord:
        return self.report.record

    def is_worth_drawing(self, before: _Drawn) -> bool:
        """Say whether this says more than what is on the screen, or only lets its clock go on."""
        if self.record != before.record or self.report.study != before.report.study:
            return True
        if [run.curve for run in self.report.runs] != [run.curve for run in before.report.runs]:
            return True
        return self.time - before.time >= _CLOCK_PAUSE
