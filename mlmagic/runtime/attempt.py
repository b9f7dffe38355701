"""An attempt, from the first replica's start to the last one's end.

The chief's end is the job's. Another replica's failure ends the attempt, unless that one can be started again alone: a
worker beside parameter servers, which hold what it had learned, or an evaluator, on which nobody waits.
"""

from __future__ import annotations

import dataclasses
import signal
import time
import traceback
from collections.abc import Mapping

from mlmagic.runtime.claim import Claim
from mlmagic.runtime.cluster import CHIEF, ReplicaId, replica_ids, told
from mlmagic.runtime.diagnosis import diagnose, find_traceback, is_symptom
from mlmagic.runtime.ending import (
    LOG_PREFIX,
    REMOVED,
    Ending,
    append_to_log,
    cannot_start,
    of_replica,
    quietly,
    read_tail,
    stopped_early,
    timed_out,
)
from mlmagic.runtime.members import Household
from mlmagic.runtime.ports import Ports
from mlmagic.runtime.program import Launcher
from mlmagic.runtime.programs import programs_of
from mlmagic.runtime.replicas import Ended, Replicas
from mlmagic.runtime.reserve import Reserve, disk_is_full
from mlmagic.runtime.retries import counted_retries, is_lasting
from mlmagic.spec.job import JobKind, JobState, ReplicaRole

GRACE_SECONDS = 10.0
"""How long a program may take over SIGTERM before SIGKILL."""
LEFTOVER_GRACE_SECONDS = 2.0
"""The same for what a program leaves running when it ends."""
LINGER_SECONDS = 30.0
"""How long workers and evaluators may go on after the chief has succeeded."""
SYMPTOM_SECONDS = 5.0
"""How long to wait for the replica that failed first, when one has failed that only lost its peer.

An interpreter with TensorFlow takes a while to end, so the first to fail need not be the first to end.
"""

_SERVERS = frozenset({ReplicaRole.WORKER, ReplicaRole.PS})


class Attempt:
    """The replicas of a job, run once."""

    def __init__(
        self,
        claim: Claim,
        *,
        launcher: Launcher,
        environment: Mapping[str, str],
        household: Household,
        ports: Ports,
        reserve: Reserve,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._claim = claim
        self._folder = claim.folder
        self._household = household
        self._reserve = reserve
        self._grace = grace
        self._ids = replica_ids(claim.spec.placement)
        self._is_study = claim.spec.kind is JobKind.TUNING
        self._is_lasting = is_lasting(claim.spec)
        self._has_ps = any(replica.role is ReplicaRole.PS for replica in self._ids)
        held = dict(zip(self._ids, ports.hold(len(self._ids), seed=self._folder.id), strict=True))
        self._programs = programs_of(self._folder, claim.spec, environment, held)
        self._replicas = Replicas(claim.folder, self._programs, launcher=launcher, attempt=claim.attempt)

    @property
    def chief_environment(self) -> Mapping[str, str]:
        """What the chief's program runs with."""
        return self._programs[CHIEF].environment

    def run(self) -> Ending:
        """Start the replicas, wait for what becomes of them, and see that nothing of them is left."""
        if self._claim.watch.told_to_end:
            return Ending(state=JobState.CANCELLED, message="cancelled before it began")
        self._say_cluster()
        refused = self._start()
        if refused is not None:
            return refused
        ending = self._wait()
        if not self._claim.is_there and ending.state is not JobState.CANCELLED:
            return Ending(state=JobState.FAILED, exit_code=ending.exit_code, error=REMOVED, message=REMOVED.message)
        return ending

    def _say_cluster(self) -> None:
        if len(self._ids) > 1:
            self._say(f"cluster of {told(self._ids)}")

    def _say(self, line: str) -> None:
        quietly(lambda: append_to_log(self._folder.log(), [f"{LOG_PREFIX}{line}"]))

    def _start(self) -> Ending | None:
        """Start all replicas; return how the job ends if one cannot be started."""
        for replica in self._ids:
            try:
                self._replicas.start(replica)
            except OSError as error:
                self._end_all()
                program = self._programs[replica]
                return cannot_start(error, program.command, program.cwd)
            if self._claim.watch.told_to_end:
                break
        # What user code need not wait for.
        self._claim.began()
        self._reserve.take()
        self._replicas.write()
        return None

    def _wait(self) -> Ending:
        timeout = self._timeout
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            ended = self._poll()
            failed = [one for one in ended if one.status != 0]
            if any(one.replica == CHIEF and one.status == 0 for one in ended):
                return self._succeed(deadline, failed)
            if failed and not self._restarted(failed):
                return self._fail(failed)
            left = deadline - time.monotonic()
            if self._claim.is_cancelled():
                return self._cancel()
            if left <= 0:
                return timed_out(timeout, self._end_all())
            self._claim.sleep(left)

    @property
    def _timeout(self) -> float | None:
        # That of a study is of each of its trials.
        return None if self._is_study else self._claim.spec.timeout_seconds

    def _poll(self) -> list[Ended]:
        ended = self._replicas.poll()
        self._household.reap(self._replicas.pids)
        return ended

    def _cancel(self) -> Ending:
        if (reason := self._claim.stop_reason()) is not None:
            return stopped_early(reason, self._end_all())
        why, spec = self._claim.why_cancelled(), self._claim.spec
        # Monitoring loses nothing by a machine that shuts down, and goes on when that is back.
        goes_on = spec.kind is JobKind.MONITORING and is_lasting(spec) and self._claim.is_shut_down()
        return Ending(state=JobState.CANCELLED, exit_code=self._end_all(), message=why, is_retriable=goes_on)

    def _restarted(self, failed: list[Ended]) -> bool:
        """Start replicas again alone, if that is possible for all that failed."""
        left = self._claim.spec.max_retries - (self._claim.attempt - 1) - self._replicas.restarts - len(failed)
        if left < 0 or self._claim.watch.told_to_end or not all(self._is_replaceable(one.replica) for one in failed):
            return False
        for one in failed:
            why = of_replica(one.replica.name, self._message(one))
            try:
                self._replicas.start(one.replica)
            except OSError:
                traceback.print_exc()
                return False
            self._say(f"{why}; it was started again, {counted_retries(left)} left")
        self._replicas.write()
        return True

    def _is_replaceable(self, replica: ReplicaId) -> bool:
        return replica.role is ReplicaRole.EVALUATOR or (replica.role is ReplicaRole.WORKER and self._has_ps)

    def _message(self, ended: Ended) -> str:
        return diagnose(ended.status, self._tail(ended), translate=str, disk_is_full=False).message

    def _succeed(self, deadline: float, failed: list[Ended]) -> Ending:
        """Let the others come to their end: nothing of what servers still do can get into the model."""
        deadline = min(deadline, time.monotonic() + LINGER_SECONDS)
        told_to_end = [one for one in self._replicas.running() if self._has_ps and one.role in _SERVERS]
        self._replicas.signal(signal.SIGTERM, told_to_end)
        while self._replicas.running() and (left := deadline - time.monotonic()) > 0:
            if self._claim.is_cancelled():
                return self._cancel()
            self._claim.sleep(left)
            failed = failed + [one for one in self._poll() if one.status != 0 and one.replica not in told_to_end]
        self._end_all()
        for one in failed:
            self._say(f"{of_replica(one.replica.name, self._message(one))}, but the chief succeeded")
        return Ending(state=JobState.SUCCEEDED, exit_code=0)

    def _fail(self, failed: list[Ended]) -> Ending:
        culprit = self._culprit(failed)
        # Before anything is removed by what ends.
        is_full = disk_is_full(self._folder.root)
        self._end_all()
        tail = self._tail(culprit)
        error = diagnose(culprit.status, tail, translate=self._translate, disk_is_full=is_full)
        if len(self._ids) > 1:
            error = dataclasses.replace(error, message=of_replica(culprit.replica.name, error.message))
        return Ending(
            state=JobState.FAILED,
            exit_code=culprit.status,
            error=error,
            message=error.message,
            # A study goes on if it was killed, and so does monitoring; what they say themselves is their last word.
            is_retriable=not is_full and (culprit.status < 0 or not self._is_lasting),
            raw_traceback=find_traceback(tail) if culprit.replica == CHIEF else None,
        )

    def _culprit(self, failed: list[Ended]) -> Ended:
        """Return the replica that failed first, of which the others' failures are only the consequence."""
        deadline = time.monotonic() + SYMPTOM_SECONDS
        while True:
            for one in failed:
                if not is_symptom(one.status, self._tail(one)):
                    return one
            left = deadline - time.monotonic()
            if left <= 0 or not self._replicas.running() or self._claim.watch.told_to_end:
                return failed[0]
            self._claim.sleep(left)
            failed = failed + [one for one in self._poll() if one.status != 0]

    def _end_all(self) -> int | None:
        """End what still runs, and return the chief's status, if it was started."""
        deadline = time.monotonic() + self._grace
        running = self._replicas.running()
        self._replicas.signal(signal.SIGTERM, running)
        while self._replicas.running() and (left := deadline - time.monotonic()) > 0:
            self._claim.sleep(left)
            self._poll()
        self._replicas.kill()
        left = LEFTOVER_GRACE_SECONDS
        if running:
            left = min(left, max(0.0, deadline - time.monotonic()))
        self._household.end(grace=left)
        self._household.reap(self._replicas.pids)
        return self._replicas.chief_status

    def _tail(self, ended: Ended) -> str:
        return read_tail(self._programs[ended.replica].log, start=ended.log_start)

    def _translate(self, raw: str) -> str:
        from mlmagic.source.sourcemap import translate

        jobs, job_id = self._claim.jobs, self._folder.id
        source_map = jobs.source_map(job_id)
        if source_map is None:
            return raw
        try:
            return translate(raw, source_map, jobs.sources(job_id), folder=str(self._folder.package))
        except Exception:  # noqa: BLE001 - a traceback that cannot be improved is still a traceback
            traceback.print_exc()
            return raw
