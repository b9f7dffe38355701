"""Panels that keep up with what they show: one thread redraws those that changed, until the jobs have ended.

A job is shown live wherever IPython would display it, for the type's formatter is ours; and when a magic waits for it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.errors import JobFailed
from mlmagic.magics.live_panel import LivePanel
from mlmagic.magics.terminal import wait_in_terminal, watch_in_terminal

if TYPE_CHECKING:
    from mlmagic.api.description import Description
    from mlmagic.api.job import Job
    from mlmagic.api.job_list import JobList
    from mlmagic.panels.bundle import Bundle
    from mlmagic.spec.job import JobRecord
    from mlmagic.spec.usage import Usage

_INTERVAL = 0.5
# A redrawn panel closes what the reader had opened in it, so it is redrawn no more often than it is worth.
_LOG_PAUSE, _CLOCK_PAUSE = 1.0, 5.0


class LivePanels:
    """The live panels of one shell."""

    def __init__(self, shell: Any, *, interval: float = _INTERVAL) -> None:
        self._shell = shell
        self._interval = interval
        self._lock = threading.Lock()
        self._panels: list[LivePanel] = []
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._shown_by_wait: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether displays can be redrawn: in a kernel they can, in a terminal they cannot."""
        return hasattr(self._shell, "kernel")

    def start(self) -> None:
        """Let IPython show jobs through `show`."""
        import atexit

        if self.is_live:
            formatter = self._shell.display_formatter.ipython_display_formatter
            formatter.for_type_by_name("mlmagic.api.job", "Job", self.display)
        self._shell.events.register("pre_run_cell", self._forget)
        atexit.register(self._stopped.set)

    def stop(self) -> None:
        """Leave the panels as they are."""
        import atexit

        self._stopped.set()
        atexit.unregister(self._stopped.set)
        self._shell.events.unregister("pre_run_cell", self._forget)
        formatter = self._shell.display_formatter.ipython_display_formatter
        with suppress(KeyError):
            formatter.pop("mlmagic.api.job.Job")

    def display(self, job: Job) -> None:
        """Show a job as IPython displays it; not again what the magic that returns it has shown while it waited."""
        shown, self._shown_by_wait = self._shown_by_wait, None
        if shown != job.id:
            self.show(job)

    def show(self, job: Job) -> LivePanel:
        """Show a job, and keep its panel up to date until the job has ended."""
        panel = _panel_of(job, self._shell.display_pub)
        panel.draw()
        if self.is_live and not panel.is_final:
            self.keep(panel)
        return panel

    def keep(self, panel: LivePanel) -> None:
        """Have a panel drawn anew until it is over."""
        with self._lock:
            self._panels.append(panel)
            if self._thread is None:
                # A daemon: what goes on is no reason for a kernel to stay.
                self._thread = threading.Thread(target=self._follow, name="mlmagic-panels", daemon=True)
                self._thread.start()

    def wait(self, job: Job) -> Job:
        """Show a job and wait for it; what is returned is not displayed once more.

        Raises:
            JobFailed: it did not succeed.
        """
        if not self.is_live:
            return wait_in_terminal(job)
        panel = self.show(job)
        self._shown_by_wait = job.id
        try:
            return job.wait()
        except JobFailed:
            self._shown_by_wait = None
            raise
        finally:
            panel.follow()

    def watch(self, jobs: JobList) -> None:
        """Show a list, and keep it up to date until none of its jobs goes on."""
        if not self.is_live:
            return watch_in_terminal(jobs)
        display_id, is_update = os.urandom(16).hex(), False
        for present in jobs.watch(every=_CLOCK_PAUSE):
            self.publish(present._repr_mimebundle_(), display_id, is_update=is_update)
            is_update = True
        return None

    def publish(self, bundle: Bundle, display_id: str, *, is_update: bool) -> None:
        """Display something, or redraw what was displayed under the same id."""
        self._shell.display_pub.publish(bundle, {}, transient={"display_id": display_id}, update=is_update)

    def _forget(self, info: Any) -> None:
        # What the last cell waited for is shown there; this one may show it anew.
        if info.store_history:
            self._shown_by_wait = None

    def _follow(self) -> None:
        while not self._stopped.wait(self._interval):
            for panel in list(self._panels):
                panel.follow()
            with self._lock:
                self._panels = [panel for panel in self._panels if not panel.is_over]
                if not self._panels:
                    self._thread = None
                    return


def _panel_of(job: Job, publisher: Any) -> LivePanel:
    from mlmagic.api.study import StudyJob
    from mlmagic.magics.live_studies import StudyPanel

    return StudyPanel(job, publisher) if isinstance(job, StudyJob) else _Panel(job, publisher)


class _Panel(LivePanel):
    """One display of one job."""

    def __init__(self, job: Job, publisher: Any, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(publisher)
        self._job = job
        self._clock = clock
        self._lock = threading.Lock()
        self._drawn: _Drawn | None = None
        self._usage: Usage | None = None
        self._usage_time = 0.0

    def draw(self) -> None:
        """Draw the panel if it is not on the screen as it should be."""
        from mlmagic.api.description import describe, read_log_tail

        with self._lock:
            if self.is_final:
                return
            # What is cheap to read tells whether the rest is worth reading.
            log = read_log_tail(self._job.backend, self._job.id)
            present = _Drawn(self._job.record, log, self._clock())
            if self._drawn is None or present.is_worth_drawing(self._drawn):
                self._draw(describe(self._job.backend, self._job.id, known_usage=self._recent_usage()))

    def _draw(self, description: Description) -> None:
        self.publish(description._repr_mimebundle_())
        self._drawn = _Drawn(description.record, description.log_tail, self._clock())
        if description.usage is not self._usage:
            self._usage, self._usage_time = description.usage, self._clock()
        self.is_final = description.record.state.is_final

    def _recent_usage(self) -> Usage | None:
        # Of a long job there is much of it, and its charts change no faster.
        return self._usage if self._clock() - self._usage_time < _CLOCK_PAUSE else None


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What a panel shows, and since when."""

    record: JobRecord
    log: str
    time: float

    def is_worth_drawing(self, before: _Drawn) -> bool:
        """Say whether this says more than what is on the screen, or only lets its clock go on."""
        if self.record != before.record:
            return True
        return self.time - before.time >= (_CLOCK_PAUSE if self.log == before.log else _LOG_PAUSE)


class Notice:
    """One line that says what is being waited for, and is rewritten in place where that can be done."""

    def __init__(self, panels: LivePanels) -> None:
        self._panels = panels
        self._display_id = os.urandom(16).hex()
        self._began = time.monotonic()
        self._is_shown = False

    def __call__(self, text: str) -> None:
        """Say it, in place of what was said before."""
        is_update = self._panels.is_live and self._is_shown
        self._panels.publish({"text/plain": text}, self._display_id, is_update=is_update)
        self._is_shown = True

    def finish(self, what: str) -> None:
        """Say for how long it was waited, if it was."""
        from mlmagic.panels.times import duration

        if self._is_shown and self._panels.is_live:
            self(f"Waited {duration(time.monotonic() - self._began)} for {what}.")
