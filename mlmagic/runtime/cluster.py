"""What the replicas of a job are called, and how each is told of the others: in the words of Vertex AI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mlmagic.spec.job import Placement, ReplicaRole
from mlmagic.spec.resources import counted

_POOLS = {role: f"workerpool{number}" for number, role in enumerate(ReplicaRole)}


@dataclass(frozen=True, slots=True)
class ReplicaId:
    """One of the replicas of a job."""

    role: ReplicaRole
    index: int

    @property
    def name(self) -> str:
        """`worker-0`, as its log is called."""
        return f"{self.role}-{self.index}"


CHIEF = ReplicaId(ReplicaRole.CHIEF, 0)


def replica_ids(placement: Placement | None) -> tuple[ReplicaId, ...]:
    """Return the replicas of a job, the chief first, then by role and index."""
    counts = {"chief": 1} if placement is None else placement.replicas
    return tuple(ReplicaId(role, index) for role in ReplicaRole for index in range(counts.get(role, 0)))


def cluster_variables(
    replica: ReplicaId, ports: Mapping[ReplicaId, int], *, trial: int | None = None
) -> dict[str, str]:
    """Return CLUSTER_SPEC and TF_CONFIG of one replica; `ports` has all of them, in order.

    Evaluators only read checkpoints: TensorFlow's cluster is without them, and they are told of the pools alone.
    """
    roles: dict[ReplicaRole, list[str]] = {}
    for member, port in ports.items():
        roles.setdefault(member.role, []).append(f"127.0.0.1:{port}")
    by_pool = {_POOLS[role]: addresses for role, addresses in roles.items()}
    by_role = {str(role): addresses for role, addresses in roles.items() if role is not ReplicaRole.EVALUATOR}
    return {
        "CLUSTER_SPEC": _document(by_pool, _POOLS[replica.role], replica.index, trial),
        "TF_CONFIG": _document(by_role, str(replica.role), replica.index, trial),
    }


def _document(cluster: Mapping[str, list[str]], role: str, index: int, trial: int | None) -> str:
    task = {"type": role, "index": index, "trial": "" if trial is None else str(trial)}
    return json.dumps({"cluster": cluster, "environment": "cloud", "task": task})


def told(replicas: tuple[ReplicaId, ...]) -> str:
    """Return `chief, 2 workers, 1 ps`."""
    counts = {role: sum(replica.role is role for replica in replicas) for role in ReplicaRole}
    return ", ".join(counted(role, count) for role, count in counts.items() if count)
