"""What a job takes of this machine: its cluster as processes, scaled down to what fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlmagic.backends.local.machine import Machine
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobKind, JobSpec, Placement
from mlmagic.spec.resources import ROLES, Resources, counted
from mlmagic.spec.tiers import GIB

REPLICA_CORES = 1.0
REPLICA_MEMORY = GIB
"""What a replica is taken to need where nobody said: a TensorFlow process in training has about half of it."""


def place(spec: JobSpec, machine: Machine) -> Placement:
    """Return how the job runs on a machine. A study takes nothing of it: its resources are those of each trial.

    Raises:
        UsageError: it can never fit; with the numbers.
    """
    resources = spec.resources
    cores = resources.cores or REPLICA_CORES
    memory = resources.memory_bytes or REPLICA_MEMORY
    wanted = resources.replicas
    replicas = wanted if resources.is_exact else scaled_down(wanted, _room(machine, cores, memory))
    count = sum(replicas.values())
    _check(spec, machine, replicas)
    placement = Placement(
        replicas=replicas,
        # More replicas than cores share them, unless cores were asked for.
        cores=count * cores if resources.cores else min(count * cores, machine.cores),
        # A machine smaller than the guess is no reason to refuse a job.
        memory_bytes=count * memory if resources.memory_bytes else min(count * memory, machine.memory_bytes),
        note=_note(resources, replicas, machine),
    )
    if spec.kind is JobKind.MONITORING:
        # It waits nearly all the time, and goes on for ever: no other job is to wait for it.
        return replace(placement, cores=0, memory_bytes=0)
    return _of_study(spec, placement, machine) if spec.kind is JobKind.TUNING else placement


def _of_study(spec: JobSpec, trial: Placement, machine: Machine) -> Placement:
    """Return the placement of a study whose trials have this one."""
    room = max(1, int(min(machine.cores / trial.cores, machine.memory_bytes / max(1, trial.memory_bytes))))
    parallel = 1 if spec.study is None else spec.study.parallel
    turns = f"here {room} of {parallel} parallel trials run at a time" if parallel > room else None
    note = " · ".join(filter(None, [trial.note, turns])) or None
    return Placement(cores=0, memory_bytes=0, note=note)


def scaled_down(wanted: Mapping[str, int], room: int) -> dict[str, int]:
    """Return at most `room` replicas in about the same proportions, and at least one of each role."""
    chosen = dict.fromkeys(wanted, 1)
    for _ in range(min(room, sum(wanted.values())) - len(chosen)):
        # The role that is furthest from what it should have.
        role = min(
            (role for role in wanted if chosen[role] < wanted[role]), key=lambda role: chosen[role] / wanted[role]
        )
        chosen[role] += 1
    return chosen


def _room(machine: Machine, cores: float, memory: int) -> int:
    return int(min(machine.cores / cores, machine.memory_bytes / memory))


def _check(spec: JobSpec, machine: Machine, replicas: Mapping[str, int]) -> None:
    count, resources = sum(replicas.values()), spec.resources
    each = f"its {count} replicas ({_told(replicas)}) need" if count > 1 else "it needs"
    problems = []
    if resources.cores is not None and count * resources.cores > machine.cores:
        problems.append(f"{each} {count * resources.cores:g} cores: this machine has {machine.cores}")
    if resources.memory_bytes is not None and count * resources.memory_bytes > machine.memory_bytes:
        has = f"this machine has {_gigabytes(machine.memory_bytes)} for jobs"
        problems.append(f"{each} {_gigabytes(count * resources.memory_bytes)} of memory: {has}")
    elif resources.is_exact and count > 1 and count * REPLICA_MEMORY / 2 > machine.memory_bytes:
        has = f"this machine has {_gigabytes(machine.memory_bytes)} for jobs"
        problems.append(f"{each} about {_gigabytes(count * REPLICA_MEMORY // 2)} of memory: {has}")
    if problems:
        raise UsageError(
            f"job {spec.display_name!r} can never run on this machine:",
            problems=problems,
            hint="Ask for less with --replicas, --cores and --memory.",
        )


def _note(resources: Resources, replicas: Mapping[str, int], machine: Machine) -> str | None:
    lacks_gpu = any(pool.accelerator_type for pool in resources.worker_pools) and not machine.has_gpu
    lacks_tpu = any(pool.tpu_topology for pool in resources.worker_pools)
    if resources.scale_tier == "BASIC" and dict(replicas) == resources.replicas == {"chief": 1} and not lacks_gpu:
        return None
    here = "one process" if dict(replicas) == {"chief": 1} else _told(replicas)
    if lacks_gpu or lacks_tpu:
        here += f" without a {'TPU' if lacks_tpu else 'GPU'}"
    return f"here it runs as {here}; in the cloud {resources.scale_tier} is {cloud_machines(resources)}"


def cloud_machines(resources: Resources) -> str:
    """Return what the job would run on in the cloud: `chief on n1-standard-8, 4 workers on n1-standard-8`."""
    told = []
    for role, pool in zip(ROLES, resources.worker_pools, strict=False):
        if pool.replica_count:
            count = pool.accelerator_count or 1
            accelerator = f" with {count} {pool.accelerator_type}" if pool.accelerator_type else ""
            told.append(f"{counted(role, pool.replica_count)} on {pool.machine_type}{accelerator}")
    return ", ".join(told)


def _told(replicas: Mapping[str, int]) -> str:
    return ", ".join(counted(role, count) for role, count in replicas.items())


def _gigabytes(count: int) -> str:
    return f"{count / GIB:.1f} GB"
