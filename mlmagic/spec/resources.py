"""What a job runs on: worker pools, as Vertex AI describes them, and what one replica needs."""

from __future__ import annotations

from dataclasses import dataclass

from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPool(Noun):
    """Replicas of one role on one machine type. Pool 0 is the chief, 1 workers, 2 parameter servers, 3 evaluators."""

    machine_type: str = "n1-standard-4"
    replica_count: int = 1
    accelerator_type: str | None = None
    accelerator_count: int | None = None
    tpu_topology: str | None = None


ROLES = ("chief", "worker", "ps", "evaluator")
"""The role of each pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources(Noun):
    """The worker pools of a job, by default those of ML Engine's tier BASIC."""

    scale_tier: str = "BASIC"
    worker_pools: tuple[WorkerPool, ...] = (WorkerPool(),)
    """An omitted pool before the last one has no replicas."""
    is_exact: bool = False
    """The numbers of replicas were asked for one by one, and are not scaled down on this machine."""
    cores: float | None = None
    """What one replica takes of this machine, where the user said so; like `memory_bytes`."""
    memory_bytes: int | None = None

    @property
    def replicas(self) -> dict[str, int]:
        """How many replicas of each role there are, without those that there are none of."""
        pools = zip(ROLES, self.worker_pools, strict=False)
        return {role: pool.replica_count for role, pool in pools if pool.replica_count}


def counted(role: str, count: int) -> str:
    """Return `chief`, `1 worker`, `2 workers`, `2 ps`."""
    return role if role == "chief" else f"{count} {role}{'s' * (count > 1 and role != 'ps')}"
