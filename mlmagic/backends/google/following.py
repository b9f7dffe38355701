"""What Google says of a job, written into our record: the one place where states of jobs in Google Cloud change."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from mlmagic.backends.base import EDGES
from mlmagic.backends.google.batch import BatchCollector
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.dataflow_following import PipelineFollower
from mlmagic.backends.google.dataflow_words import runs_on_dataflow
from mlmagic.backends.google.endings import ending_of, tells_why, translator
from mlmagic.backends.google.events import events_are_due, fetch_events
from mlmagic.backends.google.logs import fetch_logs
from mlmagic.backends.google.models import Registrar, makes_version
from mlmagic.backends.google.promotion import promote_best
from mlmagic.backends.google.refusals import LoggedOutError, UnavailableError
from mlmagic.backends.google.remote import RemoteJob, RemoteRecord, held, read_remote, write_remote
from mlmagic.backends.google.sending import Sender
from mlmagic.backends.google.states import state_of
from mlmagic.backends.google.steps import told
from mlmagic.backends.google.studies import Trials, study_ending, study_of
from mlmagic.errors import ConflictError, MissingDependencyError, MlmagicError, NotFoundError
from mlmagic.runtime.ending import LOG_PREFIX, Ending, append_to_log, failed, log_lines, quietly
from mlmagic.runtime.inspection import Interrupted
from mlmagic.runtime.job_metrics import job_metrics
from mlmagic.runtime.retries import attempt_line, requeue, retries_left, retry_message
from mlmagic.runtime.tuned import promoted_text
from mlmagic.spec.codec import dumps
from mlmagic.spec.job import UNFINISHED, ExitRecord, JobError, JobKind, JobRecord, JobState, fields_of
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.studies import read_study

_BEGUN = frozenset({JobState.QUEUED, JobState.PENDING})
_STEPS = (JobState.QUEUED, JobState.PENDING, JobState.RUNNING)


class Follower:
    """Brings the records of jobs up to date. Any number of processes may: a lock for each job lets one at a time."""

    def __init__(
        self,
        workspace: Workspace,
        jobs: JobStore,
        client: GoogleClient,
        *,
        has_time: Callable[[], bool] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Follow jobs.

        Args:
            workspace: where they are.
            jobs: their records.
            client: asks Google.
            has_time: says for how long this process has time to fetch models; None: others fetch them.
            tell: says to somebody who waits what is done before a job can be sent.
        """
        self._has_time = has_time
        self._tell = tell
        self._workspace = workspace
        self._jobs = jobs
        self._client = client
        self._sender = Sender(workspace, jobs, client)
        self._pipelines = PipelineFollower(workspace, jobs, client)
        self._batches = BatchCollector(workspace, jobs, client)

    def check(self, record: JobRecord, job: RemoteJob | None = None, *, wait: bool = False) -> JobRecord:
        """Return the record as it should be, after sending what is to be sent and writing what has changed.

        Args:
            record: as it was read.
            job: what Google just said, if it was asked already.
            wait: let another process finish first that does the same for this job.

        Raises:
            UnavailableError: no answer came; the record stays as it is.
            BackendError: Google refuses to tell, or the attempt, which is then FAILED.
        """
        if record.state.is_final:
            return record
        if (study := study_of(self._jobs, record)) is not None:
            # Vertex AI makes its trials, and tells of them with the study.
            self.check(study, wait=wait)
            return self._jobs.get(record.id)
        folder = self._workspace.job(record.id)
        with held(folder, wait=wait) as is_ours:
            record = self._jobs.get(record.id)
            if not is_ours or record.state.is_final:
                return record
            remote = read_remote(folder)
            if remote is None or remote.name is None or _is_before(remote, record):
                return self._begin(record)
            if job is None or job.name != remote.name:
                try:
                    job = self._client.jobs.get_job(remote.name)
                except NotFoundError:
                    self._follow_trials(record, remote, None)
                    gone = failed("its job was deleted in Google Cloud before it had ended")
                    return self._end(record, remote, None, gone)
            return self._apply(record, remote, job)

    def _follow_trials(self, record: JobRecord, remote: RemoteRecord, job: RemoteJob | None) -> bool:
        """Bring the trials of a study up to date, and say whether nothing of those that ended is to come."""
        if record.spec.study is None:
            return True
        trials = Trials(self._workspace, self._jobs, self._client, self._end)
        return trials.follow(record, remote, job)

    def _begin(self, record: JobRecord) -> JobRecord:
        """Send an attempt that Google may not have; of a job that is to end, only see whether Google has it."""
        if record.state is JobState.CANCELLING:
            known = self._sender.find(record)
            if known is None:
                return self._end(record, None, None, Ending(state=JobState.CANCELLED, message="cancelled"))
            if known.name is not None:
                self._client.jobs.cancel_job(known.name)
            return record
        try:
            if runs_on_dataflow(record.spec):
                unsent = self._pipelines.failed_launch(record, self._sender.pipelines)
                if unsent is not None:
                    return self._end(record, read_remote(self._workspace.job(record.id)), None, unsent)
            with told(self._jobs, record, self._tell) as say:
                self._sender.tell(say)
                if _is_batch(record) and (unready := self._sender.batches.prepare(record)) is not None:
                    return self._end(record, read_remote(self._workspace.job(record.id)), None, unready)
                self._sender.send(record)
        except Interrupted:
            return self._begin(self._jobs.get(record.id))
        except LoggedOutError as error:
            if not self._is_asked_for(record):
                self._refused(record, error)
            raise
        except (UnavailableError, MissingDependencyError):
            raise  # another time, or another process, may send it
        except MlmagicError as error:
            self._refused(record, error)
            raise
        return self._jobs.get(record.id)

    def _is_asked_for(self, record: JobRecord) -> bool:
        """Say whether Google may have the attempt that is to be sent."""
        remote = read_remote(self._workspace.job(record.id))
        return remote is not None and remote.attempt == record.attempt + 1

    def _refused(self, record: JobRecord, error: MlmagicError) -> None:
        text = "; ".join([error.message, *error.problems])
        why = JobError(message=" ".join(text.split()), hint=error.hint)
        now = datetime.now(UTC)
        with suppress(ConflictError):
            self._jobs.advance(
                record.id,
                expect={JobState.QUEUED},
                to=JobState.FAILED,
                now=now,
                end_time=now,
                error=why,
                message=why.message,
            )

    def _apply(self, record: JobRecord, remote: RemoteRecord, job: RemoteJob) -> JobRecord:
        state = state_of(job.state)
        heard = dataclasses.replace(
            remote, state=job.state, start_time=job.start_time, end_time=job.end_time, exit_code=job.exit_code
        )
        if heard != remote:
            write_remote(self._workspace.job(record.id), heard)
        is_settled = self._follow_trials(record, heard, job)
        if state is None or (state.is_final and not is_settled):
            return record
        if state.is_final:
            finish = self._finish if record.spec.study is None else self._finish_study
            return finish(record, heard, job)
        if record.state is JobState.CANCELLING:
            # Whoever wrote that may have been killed before it told Google.
            if state is not JobState.CANCELLING:
                self._client.jobs.cancel_job(job.name)
            return record
        record = self._advance(record, heard, job, state)
        if record.state is JobState.RUNNING and runs_on_dataflow(record.spec):
            self._pipelines.watch(record, job)
        elif record.state is JobState.RUNNING and _is_batch(record):
            self._batches.watch(record, job)
        elif record.state is JobState.RUNNING and record.spec.study is None:
            folder = self._workspace.job(record.id)
            with suppress(MlmagicError):  # there is another time
                if events_are_due(self._client, folder):
                    fetch_events(self._client, folder, heard)
        return record

    def _advance(self, record: JobRecord, remote: RemoteRecord, job: RemoteJob, state: JobState) -> JobRecord:
        is_back = state in _STEPS and record.state in _STEPS and _STEPS.index(state) <= _STEPS.index(record.state)
        # CANCELLING is what was asked for here; how a job ends that Google ends by itself, its end tells. PAUSED and
        # UPDATING are on no edge: to us it goes on running, and `remote.json` has the word.
        if is_back or state is JobState.CANCELLING or state not in EDGES.get(record.state, frozenset()):
            return record
        changes: dict[str, Any] = {}
        if state is JobState.RUNNING and record.start_time is None:
            changes["start_time"] = max(record.create_time, job.start_time or datetime.now(UTC))
        return self._write(record, state, attempt=remote.attempt, **changes)

    def _finish(self, record: JobRecord, remote: RemoteRecord, job: RemoteJob) -> JobRecord:
        if _is_batch(record):
            return self._finish_batch(record, remote, job)
        folder = self._workspace.job(record.id)
        if fetch_logs(self._client, folder, remote) and self._is_fresh(job):
            return record  # there may be more of it
        if self._is_fresh(job) and not tells_why(job, folder):
            return record
        if record.state in _BEGUN and job.start_time is not None:
            # It ran, though nobody looked while it did.
            record = self._advance(record, remote, job, JobState.RUNNING)
        if runs_on_dataflow(record.spec):
            made = self._pipelines.ending(record, remote, job, self._has_time)
            record = self._jobs.get(record.id)
            return record if made is None else self._end(record, remote, job, made)
        remarks = self._last_events(folder, remote)
        ending: Ending | None = ending_of(record, job, folder, translator(self._jobs, record.id))
        if ending is not None and ending.state is JobState.SUCCEEDED and makes_version(record):
            ending = self._with_model(record, remote)
            record = self._jobs.get(record.id)
        return record if ending is None else self._end(record, remote, job, ending, remarks)

    def _finish_batch(self, record: JobRecord, remote: RemoteRecord, job: RemoteJob) -> JobRecord:
        if record.state in _BEGUN and job.start_time is not None:
            record = self._advance(record, remote, job, JobState.RUNNING)
        ending = self._batches.ending(record, remote, job, self._has_time)
        record = self._jobs.get(record.id)
        return record if ending is None else self._end(record, remote, job, ending)

    def _finish_study(self, record: JobRecord, remote: RemoteRecord, job: RemoteJob) -> JobRecord:
        if record.state in _BEGUN and job.start_time is not None:
            record = self._advance(record, remote, job, JobState.RUNNING)
        folder = self._workspace.job(record.id)
        study = read_study(self._workspace, record.id)
        ending = study_ending(record, job, study)
        if ending.state is JobState.SUCCEEDED and (made := promote_best(folder, self._jobs, record, study)) is not None:
            ending = dataclasses.replace(ending, message=f"{ending.message} · {promoted_text(made)}")
        return self._end(record, remote, job, ending)

    def _last_events(self, folder: JobFolder, remote: RemoteRecord) -> list[str]:
        """Fetch what the job reported last, and return what is to be said of that; only an answer is waited for."""
        try:
            too_large = fetch_events(self._client, folder, remote)
        except UnavailableError:
            raise
        except MlmagicError as error:
            return [f"its metrics could not be fetched: {error.message}"]
        return [f"too large to be fetched: logs/{path}" for path in too_large]

    def _with_model(self, record: JobRecord, remote: RemoteRecord) -> Ending | None:
        """Return how a job ends whose program succeeded and was to leave a model; None: it is not fetched yet."""
        registrar = Registrar(self._workspace, self._jobs, self._client)
        made = registrar.made(record)
        if made is not None or self._has_time is None:
            return made
        try:
            return registrar.make(record, remote, self._has_time)
        except MlmagicError as error:
            registrar.say(record, f"its model could not be fetched yet: {error.message}")
            return None

    def _is_fresh(self, job: RemoteJob) -> bool:
        """Say whether the job has ended so lately that its log may not be there in full."""
        if job.end_time is None:
            return False
        return (datetime.now(UTC) - job.end_time).total_seconds() < self._client.settings.settle_seconds

    def _end(
        self,
        record: JobRecord,
        remote: RemoteRecord | None,
        job: RemoteJob | None,
        ending: Ending,
        remarks: Sequence[str] = (),
    ) -> JobRecord:
        folder, now = self._workspace.job(record.id), datetime.now(UTC)
        attempt = record.attempt if remote is None else remote.attempt
        end_time = (job.end_time if job else None) or now
        ended = ExitRecord(
            attempt=attempt,
            state=ending.state,
            exit_code=ending.exit_code,
            end_time=max(end_time, record.start_time or record.create_time),
            error=ending.error,
            model_version=ending.model_version,
            dataset_version=ending.dataset_version,
            metrics=ending.metrics or _metrics(folder, ending.state),
            message=ending.message,
        )
        quietly(lambda: append_to_log(folder.log(), [f"{LOG_PREFIX}{line}" for line in remarks]))
        left = retries_left(record.spec, folder, attempt) if ending.is_retriable else 0
        if left and record.state in {JobState.PENDING, JobState.RUNNING}:
            message = retry_message(record.spec, ended, left)
            quietly(lambda: append_to_log(folder.log(), log_lines(ending, message)))
            if requeue(self._jobs, folder, ended, message=message, now=now):
                line = attempt_line(record.spec, folder, attempt + 1)
                quietly(lambda: append_to_log(folder.log(), [f"{LOG_PREFIX}{line}"]))
            return self._begin(self._jobs.get(record.id))
        quietly(lambda: append_to_log(folder.log(), log_lines(ending)))
        quietly(lambda: write_atomic(folder.exit, dumps(ended)))
        fields = {key: value for key, value in fields_of(ended).items() if key != "start_time"}
        return self._write(record, ending.state, attempt=attempt, **fields)

    def _write(self, record: JobRecord, state: JobState, **changes: Any) -> JobRecord:
        now = datetime.now(UTC)
        with suppress(ConflictError):
            return self._jobs.advance(record.id, expect={record.state} & UNFINISHED, to=state, now=now, **changes)
        return self._jobs.get(record.id)


def _metrics(folder: JobFolder, state: JobState) -> Mapping[str, float]:
    return job_metrics(folder.tensorboard_dir) if state in {JobState.SUCCEEDED, JobState.FAILED} else {}


def _is_batch(record: JobRecord) -> bool:
    """Say whether it is Vertex AI's batch prediction."""
    return record.spec.kind is JobKind.BATCH_PREDICTION and not runs_on_dataflow(record.spec)


def _is_before(remote: RemoteRecord, record: JobRecord) -> bool:
    """Say whether what is known is of an attempt that is over."""
    return record.state is JobState.QUEUED and remote.attempt <= record.attempt
