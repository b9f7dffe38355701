"""Which queued jobs are to be started now: strictly in their order, as far as cores and memory go.

The first job that does not fit waits, and nothing overtakes it: small jobs cannot keep a large one waiting for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from mlmagic.backends.local.machine import Machine
from mlmagic.spec.job import JobState
from mlmagic.workspace.rows import UnfinishedJob

# Cores are fractions: ten times a tenth is one.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a job takes of the machine."""

    id: str
    cores: float
    memory_bytes: int

    @property
    def is_nothing(self) -> bool:
        """It takes nothing that others would have to give, as a study does, whose trials are jobs of their own."""
        return not self.cores and not self.memory_bytes


def in_order(unfinished: Iterable[UnfinishedJob]) -> list[UnfinishedJob]:
    """Return the QUEUED ones of jobs in the order in which they are started: by priority, then the older first."""
    queued = [job for job in unfinished if job.state is JobState.QUEUED]
    return sorted(queued, key=lambda job: (-job.priority, job.create_time, job.id))


def demands(jobs: Iterable[UnfinishedJob]) -> list[Demand]:
    """Return what jobs take of the machine."""
    return [Demand(id=job.id, cores=job.cores, memory_bytes=job.memory_bytes) for job in jobs]


def choose(queue: Sequence[Demand], running: Collection[Demand], machine: Machine) -> list[Demand]:
    """Return the jobs at the head of the queue that can be started beside those that run, and all that take nothing.

    A job that is larger than the machine, which may have shrunk since it was submitted, runs alone.
    """
    taken, chosen = [demand for demand in running if not demand.is_nothing], []
    is_full = False
    for demand in queue:
        if demand.is_nothing:
            chosen.append(demand)
            continue
        is_full = is_full or bool(taken and lack(demand, taken, machine) is not None)
        if not is_full:
            taken.append(demand)
            chosen.append(demand)
    return chosen


def lack(demand: Demand, running: Collection[Demand], machine: Machine) -> str | None:
    """Return of what there is not enough beside the running jobs, `cores` or `memory`; None if the job fits."""
    if sum(other.cores for other in running) + demand.cores > machine.cores + _TOLERANCE:
        return "cores"
    if sum(other.memory_bytes for other in running) + demand.memory_bytes > machine.memory_bytes:
        return "memory"
    return None


def why_waiting(job_id: str, queue: Sequence[Demand], running: Collection[Demand], machine: Machine) -> str | None:
    """Return why a queued job is not started yet, in a few words; None if nothing speaks against it."""
    return why_all_wait([job_id], queue, running, machine)[job_id]


def why_all_wait(
    ids: Iterable[str], queue: Sequence[Demand], running: Collection[Demand], machine: Machine
) -> dict[str, str | None]:
    """Return `why_waiting` of each of these jobs, at the cost of one: there may be ten thousand in the queue."""
    waiting = [demand for demand in queue if not demand.is_nothing]
    places = {demand.id: place for place, demand in enumerate(waiting)}
    found: dict[str, str | None] = {}
    for job_id in ids:
        before = places.get(job_id)
        if before:
            found[job_id] = f"{before} {'job' if before == 1 else 'jobs'} before it"
        else:
            found[job_id] = None if before is None else _why_first_waits(waiting[0], running, machine)
    return found


def _why_first_waits(demand: Demand, running: Collection[Demand], machine: Machine) -> str | None:
    running = [other for other in running if not other.is_nothing]
    if not running or (lacking := lack(demand, running, machine)) is None:
        return None
    if lacking == "cores":
        holders = [other.id for other in running if other.cores]
        wanted, it = f"{demand.cores:g} {'core' if demand.cores == 1 else 'cores'}", demand.cores == 1
    else:
        holders = [other.id for other in running if other.memory_bytes]
        wanted, it = f"{demand.memory_bytes / (1 << 30):.1f} GB of memory", True
    # What is larger than the machine also waits for those that have nothing of what it lacks.
    holders = holders or [other.id for other in running]
    others = f" and {len(holders) - 1} more" if len(holders) > 1 else ""
    return f"{wanted}: {holders[0]}{others} {'have' if others else 'has'} {'it' if it else 'them'}"
