"""The watch over jobs in Google Cloud: one for a workspace, on a thread of a kernel or of the Jupyter server.

It asks for all unfinished jobs in one call, less often the longer nothing has changed, and ends with the last of them.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from types import MappingProxyType

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.client.dataflow import is_pipeline
from mlmagic.backends.google.following import Follower
from mlmagic.backends.google.names import workspace_filter, workspace_label
from mlmagic.backends.google.remote import RemoteJob, RemoteRecord, read_remote
from mlmagic.backends.google.states import state_of
from mlmagic.errors import MissingDependencyError, MlmagicError, UsageError
from mlmagic.runtime.agent_lock import take_lock
from mlmagic.spec.job import UNFINISHED, JobKind, JobState
from mlmagic.workspace.cloud_trouble import write_trouble
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

_LONGEST_PAUSE_SECONDS = 30.0
_GROWTH = 1.5
_SUCCEEDED = frozenset({JobState.SUCCEEDED, JobState.PARTIALLY_SUCCEEDED})
_KINDS = MappingProxyType({kind: kind for kind in (JobKind.TUNING, JobKind.BATCH_PREDICTION)})
"""Jobs that Vertex AI has lists of their own for; the others are custom jobs."""
_LOGGED = (JobState.RUNNING, JobKind.TRAINING)
_LOG_POLLS = 3
"""Between two logs that are asked for: a project may ask sixty times a minute, whoever reads one included."""
_LOG_PATIENCE = 9
"""So many times as long as a log took nothing is waited for: where Cloud Logging is silent, states are to be told."""
_CLOCK_DIFFERENCE = timedelta(minutes=10)


class Watcher:
    """Watches the jobs of one backend as long as there are unfinished ones. Safe to use from several threads."""

    def __init__(
        self,
        workspace: Workspace,
        jobs: JobStore,
        name: str,
        connect: Callable[[], tuple[GoogleClient, Follower]],
        fetch_log: Callable[[str], None],
    ) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._name = name
        self._connect = connect
        self._fetch_log = fetch_log
        # Job → when its log was asked for.
        self._log_times: dict[str, float] = {}
        self._log_due = -math.inf
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._collector: threading.Thread | None = None
        self._news = threading.Event()
        self._is_closed = False

    def wake(self) -> None:
        """Watch from now on, unless another process does; what was long quiet is looked at again at once."""
        self._news.set()
        self._start()

    def attend(self, job_id: str) -> None:
        """Watch from now on; a job whose model is still to come is looked at again at once."""
        if self._has_succeeded(job_id):
            self._news.set()
        self._start()

    def _start(self) -> None:
        with self._lock:
            if not self._is_closed and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="watch google", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the watch; it is over when this returns."""
        with self._lock:
            self._is_closed = True
            self._news.set()
            thread = self._thread
        if thread is not None:
            thread.join()
        # Begun by the thread that has just ended, so there is no other.
        if self._collector is not None:
            self._collector.join()

    def _run(self) -> None:
        with suppress(OSError):
            descriptor = take_lock(self._workspace.cloud_lock(self._name))
            if descriptor is None:
                return
            try:
                self._watch()
            finally:
                os.close(descriptor)

    def _watch(self) -> None:
        pause, before = 0.0, None
        while not self._is_closed:
            self._news.clear()
            try:
                self.look()
            except (MissingDependencyError, UsageError) as error:
                write_trouble(self._workspace, self._name, error)
                return  # another process of this workspace may be able to
            except MlmagicError as error:
                # What cannot be reached or read now may be the next time; who asks for a job is told of it.
                write_trouble(self._workspace, self._name, error)
            else:
                write_trouble(self._workspace, self._name, None)
            with suppress(MlmagicError):
                unfinished = self._jobs.list(states=UNFINISHED, backend=self._name)
                self._collect([job.id for job in unfinished if self._has_succeeded(job.id)])
                now = [(job.id, job.state, job.attempt) for job in unfinished]
                if not now:
                    if self._news.is_set():
                        continue  # there was none yet when it was looked
                    return
                shortest = self._connect()[0].settings.poll_seconds
                running = [job.id for job in unfinished if (job.state, job.kind) == _LOGGED]
                self._look_into_log(running, shortest * _LOG_POLLS)
                pause = shortest if now != before else min(max(pause, shortest) * _GROWTH, _LONGEST_PAUSE_SECONDS)
                before = now
            if self._news.wait(pause or _LONGEST_PAUSE_SECONDS):
                pause = 0.0

    def _has_succeeded(self, job_id: str) -> bool:
        remote = read_remote(self._workspace.job(job_id))
        return remote is not None and remote.state is not None and state_of(remote.state) in _SUCCEEDED

    def _collect(self, job_ids: list[str]) -> None:
        """Fetch what is left to be fetched of jobs, beside the watch: it may take long."""
        if job_ids and (self._collector is None or not self._collector.is_alive()):
            self._collector = threading.Thread(
                target=self._fetch, args=(job_ids,), name="fetch from google", daemon=True
            )
            self._collector.start()

    def _fetch(self, job_ids: list[str]) -> None:
        for job_id in job_ids:
            with suppress(MlmagicError):
                client, _ = self._connect()
                follower = Follower(self._workspace, self._jobs, client, has_time=lambda: not self._is_closed)
                follower.check(self._jobs.get(job_id), wait=True)

    def look(self) -> None:
        """Bring all unfinished jobs up to date, once.

        Raises:
            BackendError: Google cannot be asked.
        """
        unfinished = self._jobs.list(states=UNFINISHED, backend=self._name)
        if not unfinished:
            return
        client, follower = self._connect()
        known = {job.id: read_remote(self._workspace.job(job.id)) for job in unfinished}
        studies = {summary.id for summary in unfinished if summary.kind is JobKind.TUNING}
        unfinished = [summary for summary in unfinished if summary.parent not in studies]
        remote_jobs: dict[str, RemoteJob] = {}
        asks = (
            (JobKind.TRAINING, client.jobs.list_custom_jobs),
            (JobKind.TUNING, client.jobs.list_tuning_jobs),
            (JobKind.BATCH_PREDICTION, client.jobs.batches.list),
        )
        for kind, ask in asks:
            # Dataflow's lists know no labels: its few jobs are asked for one by one.
            of_kind = [known[one.id] for one in unfinished if _KINDS.get(one.kind, JobKind.TRAINING) is kind]
            if sent := [remote for remote in of_kind if remote is not None and not is_pipeline(remote.name)]:
                remote_jobs |= {job.name: job for job in ask(self._filter(sent))}
        for summary in unfinished:
            remote = known[summary.id]
            job = remote_jobs.get(remote.name) if remote is not None and remote.name else None
            try:
                follower.check(self._jobs.get(summary.id), job)
            except MissingDependencyError:
                raise
            except MlmagicError:
                continue  # the others are looked at

    def _look_into_log(self, running: list[str], pause: float) -> None:
        """Bring the log that was asked for longest ago: lists tell by it how far a job is, and never wait for it."""
        now = time.monotonic()
        self._log_times = {job_id: self._log_times.get(job_id, -math.inf) for job_id in running}
        if running and now >= self._log_due:
            job_id = min(running, key=self._log_times.__getitem__)
            self._log_times[job_id] = now
            with suppress(MlmagicError):  # there is another time
                self._fetch_log(job_id)
            after = time.monotonic()
            self._log_due = max(now + pause, after + _LOG_PATIENCE * (after - now))

    def _filter(self, sent: list[RemoteRecord]) -> str:
        label = workspace_filter(workspace_label(str(self._workspace.root)))
        since = min(remote.sent_time for remote in sent) - _CLOCK_DIFFERENCE
        return f'{label} AND create_time>="{since.strftime("%Y-%m-%dT%H:%M:%SZ")}"'
