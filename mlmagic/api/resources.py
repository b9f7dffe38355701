"""What a job is to run on: a tier, a file, machines and counts, read into one noun."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from mlmagic.api.arguments import ArgumentCheck
from mlmagic.api.job_config import JobConfig
from mlmagic.errors import UsageError
from mlmagic.spec.resources import ROLES, Resources, WorkerPool
from mlmagic.spec.tiers import CUSTOM, GIB, LEGACY_MACHINES, TIERS, tier_name

_COUNTED_ROLES = ROLES[1:]
_PLURALS = {"workers": "worker", "evaluators": "evaluator", "parameter-servers": "ps", "parameter_servers": "ps"}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([MGT])i?B?)?", re.IGNORECASE | re.ASCII)
_UNITS = {"M": 1 << 20, "G": GIB, "T": GIB << 10, "": 1}
_MAX_REPLICAS = 1000


def read_resources(
    *,
    scale_tier: object = None,
    config: JobConfig | None = None,
    machine_type: object = None,
    accelerator: object = None,
    replicas: object = None,
    cores: object = None,
    memory: object = None,
) -> Resources:
    """Return the resources that the arguments of a training call ask for; those given by name win over the file.

    Raises:
        UsageError: one or more do not fit; all are listed.
    """
    check = ArgumentCheck()
    resources = check.read(_base, scale_tier, config)
    machine = check.read(_machine, machine_type, accelerator)
    counts = check.read(read_replicas, replicas)
    core_count = check.read(_cores, cores)
    memory_bytes = check.read(read_memory, memory)
    check.finish("resources")
    resources = resources or Resources()
    if machine is not None:
        resources = _on(resources, machine)
    if counts is not None:
        resources = _with_counts(resources, counts)
    return dataclasses.replace(resources, cores=core_count, memory_bytes=memory_bytes)


def _base(scale_tier: object, config: JobConfig | None) -> Resources:
    told = scale_tier if scale_tier is not None else config and config.scale_tier
    tier = None if told is None else tier_name(str(told))
    if told is not None and tier is None:
        known = (*TIERS, CUSTOM)
        raise UsageError(f"there is no scale tier {told!r}: it is one of {', '.join(known)}.")
    if tier == CUSTOM:
        if config is None or not config.worker_pools:
            raise UsageError(
                "the scale tier CUSTOM needs its machines: give a --config file, or leave the tier out and give "
                "--machine-type and --replicas."
            )
        return Resources(scale_tier=CUSTOM, worker_pools=config.worker_pools)
    return TIERS[tier or "BASIC"]


def _machine(machine_type: object, accelerator: object) -> WorkerPool | None:
    if machine_type is None and accelerator is None:
        return None
    if machine_type is not None and (not isinstance(machine_type, str) or not re.fullmatch(r"[\w-]+", machine_type)):
        raise UsageError(f"machine_type {machine_type!r} is no machine's name; for example n1-standard-8.")
    pool = LEGACY_MACHINES.get(str(machine_type), WorkerPool(machine_type=str(machine_type or "n1-standard-8")))
    if accelerator is None:
        return pool
    match = re.fullmatch(r"([A-Za-z][\w-]*)(?:[:=,](\d{1,2}))?", str(accelerator), re.ASCII)
    if match is None:
        raise UsageError(f"accelerator {accelerator!r} is not TYPE or TYPE:COUNT; for example T4:1.")
    name = match[1].upper().replace("-", "_")
    full = name if "_" in name else f"NVIDIA_{'TESLA_' if name in {'T4', 'P4', 'P100', 'V100', 'A100'} else ''}{name}"
    return dataclasses.replace(pool, accelerator_type=full, accelerator_count=int(match[2] or 1))


def _on(resources: Resources, machine: WorkerPool) -> Resources:
    """Return the same pools on one kind of machine."""
    pools = tuple(dataclasses.replace(machine, replica_count=pool.replica_count) for pool in resources.worker_pools)
    return dataclasses.replace(resources, scale_tier=CUSTOM, worker_pools=pools)


def read_replicas(replicas: object) -> dict[str, int] | None:
    """Return counts by role: `"worker=2,ps=1"`, a mapping, or a number, which counts the chief and its workers.

    Raises:
        UsageError: a role that does not exist, or a count that is none.
    """
    if replicas is None:
        return None
    if isinstance(replicas, Mapping):
        pairs = [(str(role), str(count)) for role, count in replicas.items()]
    elif re.fullmatch(r"\d+", str(replicas)):
        total = int(str(replicas))
        if not 1 <= total <= _MAX_REPLICAS:
            raise UsageError(f"replicas {replicas}: a job has from 1 to {_MAX_REPLICAS} of them.")
        return {"worker": total - 1} if total > 1 else {}
    else:
        pairs = [
            (role.strip(), count.strip()) for role, _, count in (p.partition("=") for p in str(replicas).split(","))
        ]
    return _counts(pairs)


def _counts(pairs: list[tuple[str, str]]) -> dict[str, int]:
    counts, problems = {}, []
    for told, count in pairs:
        role = _PLURALS.get(told.lower(), told.lower())
        if role not in ROLES:
            problems.append(f"there is no role {told!r}")
        elif not re.fullmatch(r"\d{1,3}", count):
            problems.append(f"{told}={count}: not a whole number")
        elif role == "chief" and count != "1":
            problems.append(f"chief={count}: there is one chief")
        elif role != "chief":
            counts[role] = int(count)
    if problems:
        raise UsageError(
            f"replicas: {'; '.join(problems)}.",
            hint=f"Write a number, or roles and counts: worker=2,ps=1. Roles: {', '.join(_COUNTED_ROLES)}.",
        )
    return {role: count for role, count in counts.items() if count}


def _with_counts(resources: Resources, counts: Mapping[str, int]) -> Resources:
    """Return the resources with exactly these replicas beside the chief, on the machines that their pools have."""
    old = dict(zip(ROLES, resources.worker_pools, strict=False))
    pools = [
        dataclasses.replace(old.get(role, old["chief"]), replica_count=1 if role == "chief" else counts.get(role, 0))
        for role in ROLES
    ]
    while not pools[-1].replica_count:
        pools.pop()
    return dataclasses.replace(resources, scale_tier=CUSTOM, worker_pools=tuple(pools), is_exact=True)


def _cores(cores: object) -> float | None:
    if cores is None:
        return None
    try:
        count = float(str(cores))
    except ValueError:
        count = 0.0
    if not 0 < count < 10_000:
        raise UsageError(f"cores {cores!r} must be a number above 0.")
    return count


def read_memory(memory: object) -> int | None:
    """Return bytes: `"512MB"`, `"8GB"`, `8.5e9`; None for no wish.

    Raises:
        UsageError: it is no size.
    """
    if memory is None:
        return None
    match = _MEMORY.fullmatch(str(memory).strip())
    size = 0
    if match is not None:
        size = int(float(match[1]) * _UNITS[(match[2] or "").upper()])
    elif isinstance(memory, float):
        size = int(memory)
    if size < 1 << 20:
        raise UsageError(f"memory {memory!r} is no size from 1 MB on: write 512MB or 8GB.")
    return size
