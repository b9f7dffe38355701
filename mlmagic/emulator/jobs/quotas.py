"""How many machines a project may train on at once, where the emulator was told so.

The names of the quotas are Vertex AI's; that of an accelerator is made of its own, which is unverified for most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mlmagic.backends.google.machines import MACHINES
from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.faults import Faults

KINDS = ("CustomJob", "HyperparameterTuningJob")
"""What takes machines, as documents are called."""


def require_quota(given: Mapping[str, Any], faults: Faults, others: Iterable[Mapping[str, Any]]) -> None:
    """See that what a new job takes fits into the quotas, beside the others that have not ended.

    Raises:
        ApiError: RESOURCE_EXHAUSTED.
    """
    asked = taken_by(given)
    limits = {name: limit for name in asked if (limit := faults.limit(name)) is not None}
    if not limits:
        return
    used = sum((taken_by(other) for other in others), Counter[str]())
    if exceeded := sorted(name for name, limit in limits.items() if used[name] + asked[name] > limit):
        told = ", ".join(f"aiplatform.googleapis.com/{name}" for name in exceeded)
        raise ApiError(status="RESOURCE_EXHAUSTED", message=f"The following quota metrics exceed quota limits: {told}")


def taken_by(job: Mapping[str, Any]) -> Counter[str]:
    """Return how much a job takes of each quota; nothing of one that has its machines already."""
    spec = job.get("job_spec") or job.get("trial_job_spec") or {}
    taken: Counter[str] = Counter()
    if spec.get("persistent_resource_id"):
        return taken
    is_spot = spec.get("scheduling", {}).get("strategy") == "SPOT"
    begin = f"custom_model_training_{'preemptible_' if is_spot else ''}"
    at_once = int(job.get("parallel_trial_count", 1))
    for pool in filter(None, spec.get("worker_pool_specs", ())):
        machine, count = pool.get("machine_spec", {}), int(pool.get("replica_count", 0)) * at_once
        known = MACHINES.get(machine.get("machine_type", ""))
        taken[f"{begin}cpus"] += count * (0 if known is None else known.cores)
        if accelerator := machine.get("accelerator_type"):
            name = accelerator.lower().replace("tesla_", "")
            taken[f"{begin}{name}_gpus"] += count * int(machine.get("accelerator_count", 0))
    return taken
