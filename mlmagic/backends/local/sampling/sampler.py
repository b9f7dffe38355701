"""Once a second: what every replica of every running job took, into the usage files of the jobs."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from mlmagic.backends.local.sampling.gpu import GpuReader
from mlmagic.backends.local.sampling.job_processes import JobProcesses, Taken
from mlmagic.backends.local.sampling.process_table import ProcessTable, process_table
from mlmagic.spec.usage import UsageSample
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.usage import UsageLog

# Measuring memory takes 10 ms for a process that has TensorFlow: on average this much of a second is spent on it.
_MEASURING_SECONDS = 0.004
_MOST_SAVED_SECONDS = 0.03


class Sampler:
    """Samples the jobs of a workspace. It holds nothing that its end would lose but the samples of the last seconds."""

    def __init__(
        self, workspace: Workspace, *, table: ProcessTable | None = None, gpus: GpuReader | None = None
    ) -> None:
        self._workspace = workspace
        self._table = table or process_table()
        self._gpus = gpus or GpuReader()
        self._jobs: dict[str, tuple[JobProcesses, UsageLog]] = {}
        self._last = (self._table.clock(), time.monotonic())
        self._savings = _MOST_SAVED_SECONDS

    def sample(self, running: Mapping[str, int]) -> None:
        """Take a sample of the running jobs, given by their supervisors; close the usage of those that run no more."""
        for job_id in [job_id for job_id, (job, _) in self._jobs.items() if running.get(job_id) != job.supervisor]:
            self._jobs.pop(job_id)[1].finish()
        unseen = set()
        for job_id in running.keys() - self._jobs.keys():
            folder = self._workspace.job(job_id)
            if not folder.usage.exists():
                unseen.add(job_id)
            self._jobs[job_id] = (JobProcesses(folder.replicas, running[job_id]), UsageLog(folder))
        last, self._last = self._last, (self._table.clock(), time.monotonic())
        if running:
            self._sample(last, unseen)
        else:
            self._gpus.close()

    def close(self) -> None:
        """Write what waits; jobs that still run go on without being sampled."""
        for _, log in self._jobs.values():
            log.flush()
        self._jobs.clear()
        self._gpus.close()

    def _sample(self, last: tuple[float, float], unseen: Collection[str]) -> None:
        self._gpus.read()
        table = self._table.scan([job.supervisor for job, _ in self._jobs.values()])
        clock, now = self._last
        for job_id, (job, _) in self._jobs.items():
            # Of a job that nobody has sampled yet counts all that it took so far.
            job.update(table.get(job.supervisor, []), since=0.0 if job_id in unseen else last[0])
        self._measure(now)
        time_of_sample, seconds = datetime.now(UTC), max(now - last[1], 0.001)
        for job, log in self._jobs.values():
            log.add(
                self._sample_of(name, taken, taken.seconds or seconds, time_of_sample)
                for name, taken in job.taken(clock).items()
            )

    def _sample_of(self, name: str, taken: Taken, seconds: float, now: datetime) -> UsageSample:
        gpu = self._gpus.of(taken.pids)
        return UsageSample(
            time=now,
            replica=name,
            seconds=round(seconds, 3),
            cores=round(taken.cpu_seconds / seconds, 3),
            memory_bytes=taken.memory_bytes,
            gpu_percent=gpu.percent if gpu else None,
            gpu_memory_bytes=gpu.memory_bytes if gpu else None,
        )

    def _measure(self, now: float) -> None:
        """Measure the memory of one process, that of which least is known; as often as it is cheap enough."""
        self._savings = min(_MOST_SAVED_SECONDS, self._savings + _MEASURING_SECONDS)
        if self._savings <= 0:
            return
        members = (member for job, _ in self._jobs.values() for member in job.to_measure())
        member = min(members, key=lambda member: member.measured_at, default=None)
        if member is not None:
            begin = time.thread_time()
            member.measure(self._table.memory(member.process.pid), now)
            self._savings -= time.thread_time() - begin
