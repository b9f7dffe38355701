"""What a job's usage says about the machines that it asked for."""

from __future__ import annotations

from dataclasses import dataclass

from mlmagic.spec.job import JobRecord
from mlmagic.spec.resources import ROLES, Resources
from mlmagic.spec.tiers import GIB, TIERS, MachineSize, machine_size
from mlmagic.spec.usage import Usage

_SECONDS_NEEDED = 20.0
# What is shared with others here, as the libraries are, a replica holds alone in the cloud.
_ROOM_FOR_MORE = 0.8
_NEARLY_FULL = 0.9
# A sample is off by a tick or two of the clock.
_TOLERANCE = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class _Peak:
    """The most that any replica of a role took, of the machine that it would have in the cloud."""

    role: str
    machine_type: str
    size: MachineSize
    cores: float
    memory_bytes: int

    def __str__(self) -> str:
        memory = f"{_gigabytes(self.memory_bytes)} of {_gigabytes(self.size.memory_bytes)} GB"
        return f"{self.role} {self.cores:.1f} of {self.size.cores} cores, {memory}"


def usage_hints(record: JobRecord, usage: Usage, *, machine_cores: int | None = None) -> tuple[str, ...]:
    """Return what the user may want to know: BASIC would have done, or a machine of the tier is nearly full.

    `machine_cores` is how many cores there were where it ran, if that is known: a job that kept all of them busy would
    have made use of more. Nothing is said of less than 20 seconds, or of machines whose sizes are not known.
    """
    seconds = [sum(sample.seconds for sample in usage.of(name)) for name in usage.replicas]
    if max(seconds, default=0.0) < _SECONDS_NEEDED:
        return ()
    peaks = _peaks(record.spec.resources, usage)
    hints = [_smaller(record.spec.resources, usage, peaks, machine_cores), *map(_full, peaks)]
    return tuple(hint for hint in hints if hint is not None)


def _peaks(resources: Resources, usage: Usage) -> list[_Peak]:
    peaks = []
    for role, pool in zip(ROLES, resources.worker_pools, strict=False):
        size = machine_size(pool.machine_type)
        names = [name for name in usage.replicas if name.partition("-")[0] == role]
        if names and size is not None:
            cores = max(map(usage.peak_cores, names))
            memory = max(map(usage.peak_memory_bytes, names))
            peaks.append(_Peak(role=role, machine_type=pool.machine_type, size=size, cores=cores, memory_bytes=memory))
    return peaks


def _smaller(resources: Resources, usage: Usage, peaks: list[_Peak], machine_cores: int | None) -> str | None:
    (pool,) = TIERS["BASIC"].worker_pools
    basic = machine_size(pool.machine_type)
    cores = sum(map(usage.peak_cores, usage.replicas))
    memory = sum(map(usage.peak_memory_bytes, usage.replicas))
    roles = {name.partition("-")[0] for name in usage.replicas}
    if (
        basic is None
        or not _is_larger(resources, basic)
        # Of some role it is not known what it would have had.
        or {peak.role for peak in peaks} != roles
        or cores > _TOLERANCE * basic.cores
        or memory > _ROOM_FOR_MORE * basic.memory_bytes
        or (machine_cores is not None and machine_cores < basic.cores and cores > _NEARLY_FULL * machine_cores)
    ):
        return None
    machine = f"{pool.machine_type}: {basic.cores} cores, {_gigabytes(basic.memory_bytes)} GB"
    return f"peaks: {'; '.join(map(str, peaks))}: it would have fitted BASIC ({machine})"


def _is_larger(resources: Resources, basic: MachineSize) -> bool:
    """Say whether a job has machines that cost more than one of this size, and no accelerators, which that lacks."""
    pools = [pool for pool in resources.worker_pools if pool.replica_count]
    if any(pool.accelerator_type or pool.tpu_topology for pool in pools):
        return False
    sizes = [(machine_size(pool.machine_type), pool.replica_count) for pool in pools]
    return sum(size.cores * count for size, count in sizes if size is not None) > basic.cores


def _full(peak: _Peak) -> str | None:
    if peak.memory_bytes < _NEARLY_FULL * peak.size.memory_bytes:
        return None
    held, has = _gigabytes(peak.memory_bytes), _gigabytes(peak.size.memory_bytes)
    if peak.memory_bytes > peak.size.memory_bytes:
        told = f"more than the {has} GB of {peak.machine_type}"
    else:
        told = f"nearly all of the {has} GB of {peak.machine_type}"
    return f"memory: {peak.role} held {held} GB at its peak, {told}: choose a larger machine type"


def _gigabytes(count: int) -> str:
    return f"{count / GIB:.1f}".removesuffix(".0")
