"""Studies on Vertex AI: its trials as jobs of the workspace, and as lines of their study's file.

Each step is on the disk before the next one: a trial's line, its job, what became of that, and the line that says so.
Whoever is killed in between, the next one goes on; only who holds the study's lock may.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.endings import translator
from mlmagic.backends.google.events import events_are_due, fetch_events
from mlmagic.backends.google.logs import fetch_logs
from mlmagic.backends.google.remote import RemoteJob, RemoteRecord, RemoteTrial, held, write_remote
from mlmagic.backends.google.states import state_of
from mlmagic.backends.kept import kept_package
from mlmagic.errors import ConflictError, MlmagicError, NotFoundError
from mlmagic.runtime.diagnosis import diagnose, find_traceback
from mlmagic.runtime.ending import Ending, append_to_log, failed, quietly, read_tail, stopped_early
from mlmagic.runtime.tuned import CUT_OFF, began_text, ended_text, too_many_failed, tuned
from mlmagic.spec.job import JobError, JobRecord, JobState
from mlmagic.spec.names import trial_job_id
from mlmagic.spec.study import Study, StudySpec, Trial, TrialState
from mlmagic.spec.study_jobs import trial_spec
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.studies import TrialLog, open_trials, read_trials

End = Callable[[JobRecord, RemoteRecord, RemoteJob, Ending], JobRecord]
_EARLY = "Vertex AI saw no use in going on"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    """A study while its trials are brought up to date."""

    record: JobRecord
    remote: RemoteRecord
    job: RemoteJob | None
    log: TrialLog
    trials: dict[int, Trial]
    """As the file tells them."""
    made: dict[str, JobState]
    """The jobs of trials that there are."""
    before: int
    """How far the study counts that this one goes on with: the first trial that Vertex AI tells of is the next."""

    def write(self, trial: Trial) -> None:
        self.log.write(trial)
        self.trials[trial.number] = trial

    @property
    def so_far(self) -> Study:
        return Study(id=self.record.id, spec=_searched(self.record), trials=tuple(self.trials.values()))


class Trials:
    """Follows the trials of studies. `end` writes down how a job ended."""

    def __init__(self, workspace: Workspace, jobs: JobStore, client: GoogleClient, end: End) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._client = client
        self._end = end

    def follow(self, record: JobRecord, remote: RemoteRecord, job: RemoteJob | None) -> bool:
        """Bring a study's trials up to date, and say whether each that has ended there has ended here, too.

        Args:
            record: the study's.
            remote: what is kept of it.
            job: what Google just said; None if it has no such job any more.
        """
        folder = self._workspace.job(record.id)
        known = {trial.number: trial for trial in read_trials(folder)}
        before = max((number for number, trial in known.items() if trial.job != _job_id(record, number)), default=0)
        told = {} if job is None else {before + trial.number: trial for trial in job.trials}
        if _is_over(job):
            # What Google does not tell of any more has ended with its study.
            lost = {number: trial for number, trial in known.items() if number > before}
            told = {n: RemoteTrial(number=n - before, state=trial.state) for n, trial in lost.items()} | told
        changing = [number for number in sorted(told) if number not in known or not known[number].state.is_final]
        if not changing:
            return True
        made = {summary.id: summary.state for summary in self._jobs.list(parent=record.id)}
        with open_trials(folder) as log:
            study = _Followed(record=record, remote=remote, job=job, log=log, trials=known, made=made, before=before)
            settled = [self._follow(study, told[number]) for number in changing]
        return all(settled)

    def _follow(self, study: _Followed, told: RemoteTrial) -> bool:
        """Bring one trial up to date, and say whether nothing of it is to come if it has ended."""
        folder = self._workspace.job(study.record.id)
        trial = study.trials.get(study.before + told.number)
        if trial is None:
            trial = _begun(study.record, told, study.before + told.number)
            study.write(trial)
            _say(folder, began_text(_searched(study.record), trial))
        if trial.job not in study.made:
            study.made.update(self._make(study.record, trial))
        now = _now(study, trial, told)
        state = study.made.get(trial.job)
        if state is not None and not state.is_final and not self._bring(study, told, now):
            return False
        if now != trial:
            study.write(now)
        if now.state.is_final:
            _say(folder, ended_text(study.so_far, now))
        return True

    def _make(self, study: JobRecord, trial: Trial) -> Mapping[str, JobState]:
        """Make the job of a trial; a study that was cancelled gets none any more, and its file tells of the trial."""
        placement = study.spec.placement
        alone = placement and dataclasses.replace(placement, note=None)  # what is noted is of the search
        spec = dataclasses.replace(trial_spec(study, trial), placement=alone)
        source_map = self._jobs.source_map(study.id)
        package = kept_package(self._workspace.job(study.id), study, source_map)
        now = max(study.create_time, trial.suggest_time)
        with suppress(ConflictError):
            made = self._jobs.create(spec, package_files=package.files, source_map=source_map, now=now)
            return {made.id: made.state}
        return {}

    def _bring(self, study: _Followed, told: RemoteTrial, trial: Trial) -> bool:
        """Bring a trial's job up to date, and say whether its log is all there if it has ended."""
        folder = self._workspace.job(trial.job)
        with held(folder, wait=True):
            record = self._jobs.get(trial.job)
            if record.state.is_final:
                return True
            own = _remote_trial(study.remote, told, trial)
            if trial.state is not TrialState.REQUESTED and record.state in {JobState.QUEUED, JobState.PENDING}:
                write_remote(folder, own)
                record = self._run(record, told)
            with suppress(MlmagicError):  # curves are good to have
                if trial.state.is_final or events_are_due(self._client, folder):
                    fetch_events(self._client, folder, own)
            if not trial.state.is_final:
                return True
            write_remote(folder, own)
            has_more = fetch_logs(self._client, folder, own)
            tail = read_tail(folder.log())
            is_unexplained = not tail and trial.reason not in {None, CUT_OFF}
            if self._is_fresh(told) and (has_more or is_unexplained):
                return False
            ending = _trial_ending(_searched(study.record), trial, tail, translator(self._jobs, trial.job))
            job = RemoteJob(name=own.name or "", state=told.state, start_time=own.start_time, end_time=trial.end_time)
            self._end(record, own, job, ending)
        return True

    def _run(self, record: JobRecord, told: RemoteTrial) -> JobRecord:
        now = datetime.now(UTC)
        begun = max(record.create_time, told.start_time or now)
        changes: dict[str, Any] = {"start_time": begun, "attempt": 1}
        return self._jobs.advance(record.id, expect={record.state}, to=JobState.RUNNING, now=now, **changes)

    def _is_fresh(self, told: RemoteTrial) -> bool:
        if told.end_time is None:
            return False
        return (datetime.now(UTC) - told.end_time).total_seconds() < self._client.settings.settle_seconds


def study_of(jobs: JobStore, record: JobRecord) -> JobRecord | None:
    """Return the study of a trial that Vertex AI has made; None of another job."""
    if record.spec.parent is None:
        return None
    try:
        study = jobs.get(record.spec.parent)
    except NotFoundError:
        return None
    return None if study.spec.study is None else study


def _is_over(job: RemoteJob | None) -> bool:
    """Say whether nothing of a study will change; None: it was deleted in Google Cloud."""
    state = None if job is None else state_of(job.state)
    return job is None or (state is not None and state.is_final)


def _say(folder: JobFolder, line: str) -> None:
    quietly(lambda: append_to_log(folder.log(), [line]))


def _remote_trial(study: RemoteRecord, told: RemoteTrial, trial: Trial) -> RemoteRecord:
    """Return what is kept of a trial: in Google Cloud it is a part of its study."""
    return dataclasses.replace(
        study,
        trial=told.number,
        state=told.state,
        start_time=told.start_time,
        end_time=trial.end_time,
        output=None if study.output is None else f"{study.output}/{told.number}",
    )


def study_ending(record: JobRecord, job: RemoteJob, study: Study) -> Ending:
    """Return how a study ended of which Google says that it has; all its trials are known."""
    state, said = state_of(job.state), " ".join((job.error or "").split())[:500]
    if state is JobState.SUCCEEDED:
        return tuned(study)
    if record.state is JobState.CANCELLING:
        if record.stop_reason is not None:
            return stopped_early(record.stop_reason, None)
        return Ending(state=JobState.CANCELLED, message="cancelled")
    if state is JobState.CANCELLED:
        return Ending(state=JobState.CANCELLED, message="cancelled in Google Cloud")
    why = too_many_failed(study) or said or f"Vertex AI says {job.state}"
    ending = tuned(study, why=why)
    return ending if state is None else dataclasses.replace(ending, state=state)


def _searched(record: JobRecord) -> StudySpec:
    if record.spec.study is None:
        raise ValueError(f"{record.id} is no study")
    return record.spec.study


def _begun(record: JobRecord, told: RemoteTrial, number: int) -> Trial:
    # Numbers come back as floats, whole ones too.
    named = [item for item in _searched(record).parameters if item.name in told.parameters]
    return Trial(
        number=number,
        parameters={item.name: item.text(told.parameters[item.name]) for item in named},
        state=TrialState.REQUESTED,
        job=_job_id(record, number),
        suggest_time=told.start_time or datetime.now(UTC),
    )


def _now(study: _Followed, trial: Trial, told: RemoteTrial) -> Trial:
    """Return the trial as it is by what Google says of it, and of its study."""
    state = TrialState(told.state) if told.state in set(TrialState) else trial.state
    is_cancelled = study.record.state is JobState.CANCELLING or (study.job is not None and "CANCEL" in study.job.state)
    is_cut_off = not state.is_final and _is_over(study.job)
    if is_cut_off or (state is TrialState.INFEASIBLE and (is_cancelled or told.reason == CUT_OFF)):
        return _infeasible(trial, told, CUT_OFF)
    if state is TrialState.INFEASIBLE:
        return _infeasible(trial, told, " ".join((told.reason or "Vertex AI gave no reason").split())[:500])
    if not state.is_final:
        return dataclasses.replace(trial, state=state)
    metric = _searched(study.record).metric
    if told.final is None:
        return _infeasible(trial, told, f"it did not report {metric}")
    if not math.isfinite(told.final.value):
        value = "NaN" if math.isnan(told.final.value) else "infinite"
        return _infeasible(trial, told, f"its {metric} is {value} at step {told.final.step}")
    is_early = trial.state is TrialState.STOPPING
    return dataclasses.replace(
        trial,
        state=state,
        end_time=_end_time(told),
        final=told.final,
        is_stopped_early=is_early,
        reason=_EARLY if is_early else None,
    )


def _job_id(study: JobRecord, number: int) -> str:
    return trial_job_id(study.id, number)


def _infeasible(trial: Trial, told: RemoteTrial, reason: str) -> Trial:
    return dataclasses.replace(trial, state=TrialState.INFEASIBLE, end_time=_end_time(told), reason=reason)


def _end_time(told: RemoteTrial) -> datetime:
    return told.end_time or datetime.now(UTC)


def _trial_ending(spec: StudySpec, trial: Trial, tail: str, translate: Callable[[str], str]) -> Ending:
    """Return how a trial's job ended; `tail` is the end of its log."""
    if trial.reason == CUT_OFF:
        return Ending(state=JobState.CANCELLED, message="cancelled")
    if trial.final is not None:
        metrics = {spec.metric: trial.final.value}
        ending = Ending(state=JobState.SUCCEEDED, exit_code=0)
        ending = stopped_early(trial.reason or _EARLY, 0) if trial.is_stopped_early else ending
        return dataclasses.replace(ending, metrics=metrics)
    raw = find_traceback(tail)
    if raw is None:
        return failed(trial.reason or "Vertex AI gave no reason")
    error: JobError = diagnose(1, tail, translate=translate, disk_is_full=False, is_elsewhere=True)
    return Ending(state=JobState.FAILED, exit_code=1, error=error, message=error.message, raw_traceback=raw)
