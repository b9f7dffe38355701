"""ML Engine's scale tiers and machine types as Vertex AI's worker pools, and how large machines are.

Sources: the courses' notebooks for STANDARD_1, the documentation of Compute Engine for sizes. ML Engine's n1-highcpu
machines became n1-standard ones where Vertex AI does not list them, and its K80 became a T4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mlmagic.spec.resources import Resources, WorkerPool

GIB = 1 << 30
T4 = "NVIDIA_TESLA_T4"

CUSTOM = "CUSTOM"
"""The tier of jobs whose worker pools are given one by one."""

TIERS: Mapping[str, Resources] = MappingProxyType(
    {
        "BASIC": Resources(),
        "STANDARD_1": Resources(
            scale_tier="STANDARD_1",
            worker_pools=(
                WorkerPool(machine_type="n1-standard-8"),
                WorkerPool(machine_type="n1-standard-8", replica_count=4),
                WorkerPool(machine_type="n1-standard-4", replica_count=3),
            ),
        ),
        "PREMIUM_1": Resources(
            scale_tier="PREMIUM_1",
            worker_pools=(
                WorkerPool(machine_type="n1-highcpu-16"),
                WorkerPool(machine_type="n1-highcpu-16", replica_count=19),
                WorkerPool(machine_type="n1-highmem-8", replica_count=11),
            ),
        ),
        "BASIC_GPU": Resources(
            scale_tier="BASIC_GPU",
            worker_pools=(WorkerPool(machine_type="n1-standard-8", accelerator_type=T4, accelerator_count=1),),
        ),
        "BASIC_TPU": Resources(
            scale_tier="BASIC_TPU",
            worker_pools=(WorkerPool(machine_type="ct5lp-hightpu-1t", tpu_topology="1x1"),),
        ),
    }
)
"""Tier → what it runs on."""

_V100, _P100 = "NVIDIA_TESLA_V100", "NVIDIA_TESLA_P100"
_STANDARD = {
    "standard": "n1-standard-4",
    "large_model": "n1-highmem-8",
    "complex_model_s": "n1-highcpu-8",
    "complex_model_m": "n1-highcpu-16",
    "complex_model_l": "n1-highcpu-32",
}

LEGACY_MACHINES: Mapping[str, WorkerPool] = MappingProxyType(
    {name: WorkerPool(machine_type=machine) for name, machine in _STANDARD.items()}
    | {
        name: WorkerPool(machine_type=machine, accelerator_type=accelerator, accelerator_count=count)
        for name, machine, accelerator, count in (
            ("standard_gpu", "n1-standard-8", T4, 1),
            ("complex_model_m_gpu", "n1-standard-16", T4, 4),
            ("complex_model_l_gpu", "n1-standard-32", T4, 4),
            ("standard_p100", "n1-standard-8", _P100, 1),
            ("complex_model_m_p100", "n1-standard-16", _P100, 4),
            ("standard_v100", "n1-standard-4", _V100, 1),
            ("large_model_v100", "n1-highmem-8", _V100, 1),
            ("complex_model_m_v100", "n1-highcpu-16", _V100, 4),
            ("complex_model_l_v100", "n1-highcpu-32", _V100, 8),
        )
    }
    | {"cloud_tpu": WorkerPool(machine_type="ct5lp-hightpu-1t", tpu_topology="1x1")}
)
"""ML Engine's names of machines → what they are called now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSize:
    """What a machine has."""

    cores: int
    memory_bytes: int


# GiB for each core.
_MEMORY: Mapping[str, Mapping[str, float]] = {
    "n1": {"standard": 3.75, "highmem": 6.5, "highcpu": 0.9},
    "n2": {"standard": 4, "highmem": 8, "highcpu": 1},
    "n2d": {"standard": 4, "highmem": 8, "highcpu": 1},
    "e2": {"standard": 4, "highmem": 8, "highcpu": 1},
    "c2": {"standard": 4},
    "g2": {"standard": 4},
}
_MACHINE = re.compile(r"(?P<family>[a-z0-9]+)-(?P<kind>[a-z]+)-(?P<count>\d+)(?P<unit>g?)", re.ASCII)


def machine_size(machine_type: str) -> MachineSize | None:
    """Return how large a Compute Engine machine is; None for one that is not in the tables."""
    match = _MACHINE.fullmatch(machine_type)
    if match is None:
        return None
    count = int(match["count"])
    if match["unit"]:
        # One A100 comes with 12 cores and 85 GiB.
        is_known = (match["family"], match["kind"]) == ("a2", "highgpu")
        return MachineSize(cores=12 * count, memory_bytes=85 * GIB * count) if is_known else None
    gibibytes = _MEMORY.get(match["family"], {}).get(match["kind"])
    return None if gibibytes is None else MachineSize(cores=count, memory_bytes=int(gibibytes * count * GIB))


def tier_name(text: str) -> str | None:
    """Return the tier that is meant by `STANDARD_1`, `standard-1` or `Standard_1`; None if there is none."""
    name = text.strip().upper().replace("-", "_")
    return name if name in TIERS or name == CUSTOM else None
