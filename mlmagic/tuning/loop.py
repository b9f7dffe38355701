"""A study from its beginning to its end: trials are made, looked after, counted, and stopped where they are no use.

What is on the disk is all that counts, in this order: a trial's line, its job, and the line that says how it ended. A
study that is killed anywhere is started again, reads the file, and goes on: a trial has one id, and its job is made
once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from mlmagic.backends.base import Backend
from mlmagic.errors import BackendError, ConflictError, MlmagicError, NotFoundError, WorkspaceError
from mlmagic.filters.parser import parse
from mlmagic.runtime.tuned import CUT_OFF, promoted_text, too_many_failed
from mlmagic.runtime.watch import Watch
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.package import TrainerPackage
from mlmagic.spec.study import Measurement, Promoted, Promotion, StudySpec, Trial, TrialState
from mlmagic.spec.study_jobs import promotion_spec, trial_spec
from mlmagic.tuning.choosing import Chooser
from mlmagic.tuning.ledger import Ledger
from mlmagic.tuning.measurements import read_measurements
from mlmagic.tuning.outcomes import ended_trial, gone_trial
from mlmagic.tuning.running import RunningTrial
from mlmagic.tuning.telling import Teller
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import write_promoted

T = TypeVar("T")

POLL_SECONDS = 0.02
PATIENCE = (0.2, 1.0, 5.0)
"""Before what could not be read or written is tried again."""


class ToldToEnd(Exception):  # noqa: N818 - it was, and nothing failed
    """This program is to end, but nobody asked for the end of its study, which goes on in the next attempt."""


class StudyLoop:
    """See the module. `watch` says when to stop: the study was cancelled, or the machine goes down."""

    def __init__(
        self,
        workspace: Workspace,
        backend: Backend,
        record: JobRecord,
        spec: StudySpec,
        *,
        package: TrainerPackage,
        ledger: Ledger,
        chooser: Callable[[], Chooser],
        teller: Teller,
        watch: Watch,
    ) -> None:
        self._workspace = workspace
        self._backend = backend
        self._record = record
        self._spec = spec
        self._package = package
        self._ledger = ledger
        self._make_chooser = chooser
        self._chooser: Chooser | None = None
        self._teller = teller
        self._watch = watch
        self._parent = os.getppid()
        self._running: dict[int, RunningTrial] = {}
        self._curves: dict[int, tuple[Measurement, ...]] = {}
        self._seconds: list[float] = []
        self._is_exhausted = False

    def run(self) -> None:
        """Make all trials that are to be made.

        Raises:
            ToldToEnd: somebody ended this program alone; its trials run on.
            MlmagicError: a trial cannot be submitted, or the workspace cannot be written.
        """
        try:
            self._resubmit()
            self._settle()
            if self._has_failed():
                return
            while not self._is_told_to_end:
                if self._settle() and self._has_failed():
                    return
                self._fill()
                if not self._running and (self._is_exhausted or not self._ledger.left):
                    break
                self._think_ahead()
                self._watch.sleep(POLL_SECONDS)
        except ConflictError:
            # Cancelled since the signal was last looked for: it gets no more trials.
            self._break_off()
            return
        except MlmagicError:
            self._break_off()
            raise
        if self._is_told_to_end:
            if not self._is_cancelled():
                raise ToldToEnd
            self._break_off()
            return
        self._promote()

    @property
    def _is_told_to_end(self) -> bool:
        self._check_supervisor()
        return self._watch.told_to_end

    def _check_supervisor(self) -> None:
        if os.getppid() != self._parent:
            # It was killed, and another may have been started: nothing may be written here any more.
            sys.exit(1)

    def _is_cancelled(self) -> bool:
        """Say whether the study is to end: who cancels it says so before any signal is sent."""
        with contextlib.suppress(MlmagicError):
            return patiently(lambda: self._backend.get(self._record.id)).state is JobState.CANCELLING
        return False

    def _resubmit(self) -> None:
        """Go on with the trials that an earlier attempt had begun."""
        for trial in self._ledger.unfinished:
            if trial.state is TrialState.REQUESTED:
                self._submit(trial)
                continue
            self._look_after(trial)
            if trial.state is TrialState.STOPPING:
                self._stop(trial.job, trial.reason or "")

    def _has_failed(self) -> bool:
        """Say whether too many trials have failed, and end the others then."""
        why = too_many_failed(self._ledger.study)
        if why is None:
            return False
        self._teller.says(f"{why}: the study ends")
        self._cut_off()
        return True

    def _settle(self) -> bool:
        """Count the trials that have ended, and stop those that are not worth going on with; say whether any ended."""
        before = len(self._running)
        for running in list(self._running.values()):
            if patiently(running.look):
                self._end(running)
            else:
                self._judge(running)
        return len(self._running) < before

    def _end(self, running: RunningTrial) -> None:
        trial = self._ledger[running.number]
        if running.record is None:
            ended, measured = gone_trial(trial), None
        else:
            measured = running.measure()
            ended = ended_trial(trial, running.record, measured, self._spec)
        self._write(ended)
        del self._running[trial.number]
        if measured is not None:
            self._teller.measured(trial, measured)
            if ended.state is TrialState.SUCCEEDED:
                self._curves[trial.number] = measured.values
        if ended.end_time is not None:
            self._seconds.append((ended.end_time - ended.suggest_time).total_seconds())
        self._teller.ended(ended, self._ledger.study)

    def _judge(self, running: RunningTrial) -> None:
        # Read even where nobody asks: the file of what it reports has the last reports alone.
        measured, rule = running.measure_now_and_then(), self._spec.early_stopping
        trial = self._ledger[running.number]
        if rule is None or measured is None or not measured.values or trial.state is TrialState.STOPPING:
            return
        from mlmagic.tuning.stopping import should_stop

        reason = should_stop(rule, self._spec.goal, measured.values, self._others())
        if reason is not None:
            self._write(dataclasses.replace(trial, state=TrialState.STOPPING, reason=reason))
            self._stop(trial.job, reason)

    def _stop(self, job_id: str, reason: str) -> None:
        # One that was deleted meanwhile is counted when it is looked at.
        with contextlib.suppress(NotFoundError):
            patiently(lambda: self._backend.stop(job_id, reason))

    def _others(self) -> list[tuple[Measurement, ...]]:
        """Return what the trials that ended well have reported; of those before a restart, their files tell it."""
        for trial in self._ledger.study.trials:
            if trial.state is TrialState.SUCCEEDED and trial.number not in self._curves:
                measured = read_measurements(self._workspace.job(trial.job), self._spec.metric, self._known(trial.job))
                self._curves[trial.number] = measured.values
        return [self._curves[number] for number in sorted(self._curves)]

    def _known(self, job_id: str) -> JobRecord | None:
        """Return the record of a trial's job; None of one that was deleted."""
        with contextlib.suppress(NotFoundError):
            return patiently(lambda: self._backend.get(job_id))
        return None

    def _fill(self) -> None:
        """Make trials as long as there is room: what would only wait for it would know less than it could."""
        while self._has_room:
            suggestion = self._choose().next()
            if suggestion.values is None:
                self._is_exhausted = True
                self._teller.says("nothing is left to try: the whole grid was searched")
                return
            trial = Trial(
                number=suggestion.number,
                parameters=self._ledger.texts(suggestion.values),
                state=TrialState.REQUESTED,
                job=self._ledger.job_of(suggestion.number),
                seen=suggestion.seen,
                suggest_time=datetime.now(UTC),
            )
            self._write(trial)
            self._submit(trial)

    @property
    def _has_room(self) -> bool:
        if self._is_exhausted or not self._ledger.left or len(self._running) >= self._spec.parallel:
            return False
        return not any(running.is_queued for running in self._running.values())

    def _submit(self, trial: Trial) -> None:
        spec = trial_spec(self._record, trial)
        # Where its agent could not be started, the job's record says so.
        with contextlib.suppress(BackendError):
            patiently(lambda: self._backend.submit(spec, self._package))
        self._write(dataclasses.replace(trial, state=TrialState.ACTIVE))
        self._look_after(trial)
        self._teller.began(trial)

    def _look_after(self, trial: Trial) -> None:
        folder = self._workspace.job(trial.job)
        self._running[trial.number] = RunningTrial(trial, folder, self._spec.metric, self._backend)

    def _think_ahead(self) -> None:
        """Prepare for the next trial while there is no room for it."""
        is_waiting = any(running.is_queued for running in self._running.values())
        if is_waiting or not self._running or not self._ledger.left or self._is_exhausted:
            return
        self._choose().warm_up()
        # One after the other, each is to know what the one before has found.
        if self._spec.parallel > 1:
            self._choose().think_ahead(statistics.fmean(self._seconds) if self._seconds else 0.0)

    def _choose(self) -> Chooser:
        if self._chooser is None:
            self._chooser = self._make_chooser()
        return self._chooser

    def _write(self, trial: Trial) -> None:
        patiently(lambda: self._ledger.write(trial))
        if self._chooser is not None:
            self._chooser.tell(trial)

    def _break_off(self) -> None:
        """Count the trials that have ended, and end the others."""
        with contextlib.suppress(MlmagicError):
            self._settle()
        self._cut_off()

    def _cut_off(self) -> None:
        """End the trials that still run, as far as that is possible: the agent does the rest."""
        for trial in self._ledger.unfinished:
            with contextlib.suppress(MlmagicError):
                self._backend.cancel(trial.job)
        for trial in self._ledger.unfinished:
            with contextlib.suppress(MlmagicError):
                ended = dataclasses.replace(
                    trial, state=TrialState.INFEASIBLE, end_time=datetime.now(UTC), reason=CUT_OFF
                )
                self._ledger.write(ended)

    def _promote(self) -> None:
        """Submit the training job that was asked for, once; that it cannot be is no failure of the study."""
        best, promotion = self._ledger.study.best, self._spec.promotion
        if promotion is None or best is None:
            return
        try:
            job = patiently(lambda: self._promotion(best, promotion))
            promoted = Promoted(model=promotion.model, job=job)
        except MlmagicError as error:
            promoted = Promoted(model=promotion.model, reason=" ".join(str(error).split()))
        self._teller.says(promoted_text(promoted))
        # Without it the study's message says less, and the job is found by its study all the same.
        with contextlib.suppress(WorkspaceError):
            patiently(lambda: write_promoted(self._workspace.job(self._record.id), promoted))

    def _promotion(self, best: Trial, promotion: Promotion) -> str:
        """Return the id of the job that was asked for, which is submitted unless it was before.

        It says which trial it repeats: no other job of this study does, such as one that a user promotes meanwhile.
        """
        where = parse(f"fromStudy={self._record.id} AND rerunOf={best.job}")
        for made in self._backend.list(where=where):
            # One that failed before its first attempt trains nothing: no agent could be started.
            if made.state is not JobState.FAILED or made.attempt > 0:
                return made.id
        # Who looks brings a study back to the queue whose supervisor was killed.
        self._check_supervisor()
        spec = dataclasses.replace(promotion_spec(self._record, best, promotion), rerun_of=best.job)
        return self._backend.submit(spec, self._package).id


def patiently(action: Callable[[], T]) -> T:
    """Return what an action does that may fail because a database is locked or a disk is full for a moment.

    Raises:
        WorkspaceError: it fails each time.
    """
    for pause in PATIENCE:
        with contextlib.suppress(WorkspaceError):
            return action()
        time.sleep(pause)
    return action()
