"""A job as an object: what it tells, and what can be done with it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from mlmagic.api.failures import job_failed
from mlmagic.api.logs import LogSelection, LogText, follow_logs, read_logs
from mlmagic.api.rerun import Changes, rerun
from mlmagic.api.waiting import wait_for_end
from mlmagic.spec.job import JobRecord, JobSpec, JobState

if TYPE_CHECKING:
    from mlmagic.api.description import Description
    from mlmagic.api.difference import JobDifference
    from mlmagic.backends.base import Backend
    from mlmagic.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A handle on a job. It holds the id alone: whatever it tells is read when it is asked."""

    id: str
    backend: Backend = field(repr=False)

    @property
    def record(self) -> JobRecord:
        """What is known about the job now."""
        return self.backend.get(self.id)

    @property
    def state(self) -> JobState:
        """The state now."""
        return self.record.state

    @property
    def spec(self) -> JobSpec:
        """What was asked for."""
        return self.record.spec

    @property
    def metrics(self) -> Mapping[str, float]:
        """The last value of each metric, once the job has ended: `loss`, `val_loss`."""
        return self.record.metrics

    @property
    def model_version(self) -> str | None:
        """The version of a model that it made, such as `taxi@2`; None while there is none."""
        return self.record.model_version

    @property
    def dataset_version(self) -> str | None:
        """The version of a dataset that it made, such as `taxi@2`; None while there is none."""
        return self.record.dataset_version

    def describe(self) -> Description:
        """Return all that is known about the job now: replicas, usage, progress, the end of its log."""
        from mlmagic.api.description import describe

        return describe(self.backend, self.id)

    def wait(
        self,
        timeout: float | None = None,
        on_update: Callable[[JobRecord], None] | None = None,
        on_look: Callable[[JobRecord], None] | None = None,
    ) -> Self:
        """Wait until the job has ended, and return it.

        An interrupt ends the waiting, never the job: the handle is returned, and a line says so.

        Args:
            timeout: how many seconds to wait at most.
            on_update: called with the record, at first and whenever it changed.
            on_look: called with the record each time that it was read, about once a second.

        Raises:
            JobFailed: it ended in another state than SUCCEEDED.
            WaitTimeout: it has not ended in time; it goes on.
        """
        try:
            record = wait_for_end(self.backend, self.id, timeout=timeout, on_update=on_update, on_look=on_look)
        except KeyboardInterrupt:
            # Behind what a terminal shows of the key.
            sys.stdout.write("\n" if sys.stdout.isatty() else "")
            sys.stdout.write(f"Detached from {self.id}, which goes on. Wait for it again: %jobs wait {self.id}\n")
            return self
        if record.state is not JobState.SUCCEEDED:
            raise job_failed(record, self)
        return self

    def cancel(self) -> Self:
        """Ask the job to end; a job that has ended stays as it is."""
        self.backend.cancel(self.id)
        return self

    def delete(self) -> None:
        """Remove the job, its log and what it wrote; a model version that it made stays.

        Raises:
            UsageError: it has not ended.
        """
        from mlmagic.api.retention import check_ended

        check_ended([self.record])
        self.backend.delete(self.id)

    def logs(
        self, tail: int | None = None, *, role: str | None = None, index: int | None = None, grep: str | None = None
    ) -> LogText:
        """Return what the program printed so far.

        Args:
            tail: only the last lines; of each replica, if there are several.
            role: whose: `worker` for all workers, `worker-1`, `all`; by default the chief's.
            index: which replica of the role.
            grep: only lines in which this regular expression is found.

        Raises:
            NotFoundError: the job has no such replica; names those that it has.
            UsageError: arguments that make no sense.
        """
        return read_logs(self.backend, self.id, LogSelection(tail=tail, role=role, index=index, grep=grep))

    def follow(
        self, tail: int | None = None, *, role: str | None = None, index: int | None = None, grep: str | None = None
    ) -> Iterator[str]:
        """Yield what the program prints, as it comes, until the job has ended.

        The arguments are those of `logs`. Lines of several replicas come as they are printed, each after its replica's
        name.
        """
        return follow_logs(self.backend, self.id, LogSelection(tail=tail, role=role, index=index, grep=grep))

    def rerun(
        self,
        args: Sequence[str | float] = (),
        *,
        priority: int | None = None,
        max_retries: int | None = None,
        timeout: float | str | None = None,
        scale_tier: str | None = None,
        machine_type: str | None = None,
        accelerator: str | None = None,
        replicas: int | str | Mapping[str, int] | None = None,
        cores: float | str | None = None,
        memory: float | str | None = None,
        labels: Mapping[str, str] | None = None,
        set_default: bool | None = None,
        fresh: bool | None = None,
        python: str | None = None,
        budget: str | None = None,
        yes: bool = False,
        invocation: str | None = None,
        wait: bool = False,
    ) -> Self:
        """Submit the same package once more, in this process's environment; what is not given is as it was.

        Args:
            args: flags of the program, each in the place of what it was; all others stay.
            priority: a higher one is started first.
            max_retries: how many more attempts there are after one that failed.
            timeout: of one attempt, in seconds, or `"90s"`, `"15m"`, `"2h"`.
            scale_tier: such as `"STANDARD_1"`.
            machine_type: of all replicas.
            accelerator: of all replicas, such as `"T4:1"`.
            replicas: counts by role, such as `"worker=2,ps=1"`.
            cores: what one replica takes of this machine.
            memory: the same, such as `"8GB"`.
            labels: added to those that the job had.
            set_default: let the new version be the model's default.
            fresh: start programs from nothing, never by a fork.
            python: another interpreter than this process's.
            budget: of a job in the cloud: `"10h"` of machines, `"20USD"`, `"none"`; by default the workspace's.
            yes: start it in the cloud although it costs money.
            invocation: the line that was typed.
            wait: return the new job when it has ended, not at once.

        Raises:
            UsageError: changes that do not fit, or arguments that the program does not take.
            JobFailed: with `wait`, the new job did not succeed.
        """
        changes = Changes(
            args=args,
            priority=priority,
            max_retries=max_retries,
            timeout=timeout,
            scale_tier=scale_tier,
            machine_type=machine_type,
            accelerator=accelerator,
            replicas=replicas,
            cores=cores,
            memory=memory,
            labels=labels,
            set_default=set_default,
            fresh=fresh,
            python=python,
            budget=budget,
            yes=yes,
            invocation=invocation,
        )
        new = replace(self, id=rerun(self.backend, self.id, changes))
        return new.wait() if wait else new

    def diff(self, other: Job | str, *, session: Session | None = None) -> JobDifference:
        """Return what another job has differently: code, flags, settings and results."""
        from mlmagic.api.difference import diff_jobs

        return diff_jobs(self, other, session=session)

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return self.describe()._repr_mimebundle_()
