"""Machines and accelerators that Vertex AI trains on. Google's answer counts: one that is not here may exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from mlmagic.spec.tiers import machine_size


class Source(StrEnum):
    """Where it stands that Vertex AI takes a machine."""

    CLIENT_LIBRARY = "client library"
    """A docstring or an example of `google.cloud.aiplatform` names it."""
    UNVERIFIED = "unverified"
    """Compute Engine has it, and it is of a family that Vertex AI takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """A machine type of Compute Engine."""

    name: str
    cores: int
    """Virtual ones."""
    memory_bytes: int
    source: Source


_COUNTS: Mapping[str, Sequence[int]] = MappingProxyType(
    {
        "e2-standard": (2, 4, 8, 16, 32),
        "e2-highmem": (2, 4, 8, 16),
        "e2-highcpu": (2, 4, 8, 16, 32),
        "n1-standard": (2, 4, 8, 16, 32, 64, 96),
        "n1-highmem": (2, 4, 8, 16, 32, 64, 96),
        # Below 16, Vertex AI's lists for training have none.
        "n1-highcpu": (16, 32, 64, 96),
        "n2-standard": (2, 4, 8, 16, 32, 48, 64, 80),
        "n2-highmem": (2, 4, 8, 16, 32, 48, 64, 80),
        "n2-highcpu": (2, 4, 8, 16, 32, 48, 64, 80),
        "n2d-standard": (2, 4, 8, 16, 32, 48, 64, 80, 96, 128, 224),
        "n2d-highmem": (2, 4, 8, 16, 32, 48, 64, 80, 96),
        "n2d-highcpu": (2, 4, 8, 16, 32, 48, 64, 80, 96, 128, 224),
        "c2-standard": (4, 8, 16, 30, 60),
        "g2-standard": (4, 8, 12, 16, 24, 32, 48, 96),
    }
)
_NAMED_BY_THE_CLIENT = frozenset(
    {
        *(f"n1-standard-{count}" for count in (2, 4, 8, 16, 32)),
        "n1-highcpu-16",
        *(f"e2-standard-{count}" for count in (2, 4, 16)),
        "e2-highmem-16",
        "n2d-standard-32",
    }
)
_NAMES = (
    *(f"{family}-{count}" for family, counts in _COUNTS.items() for count in counts),
    *(f"a2-highgpu-{count}g" for count in (1, 2, 4, 8)),
)


def _entry(name: str) -> MachineType:
    size = machine_size(name)
    if size is None:
        raise AssertionError(f"{name} has no size")
    source = Source.CLIENT_LIBRARY if name in _NAMED_BY_THE_CLIENT else Source.UNVERIFIED
    return MachineType(name=name, cores=size.cores, memory_bytes=size.memory_bytes, source=source)


MACHINES: Mapping[str, MachineType] = MappingProxyType({name: _entry(name) for name in _NAMES})
"""By name, those whose size is known."""

TPU_MACHINES = frozenset({"cloud-tpu", "ct5lp-hightpu-1t", "ct5lp-hightpu-4t", "ct5lp-hightpu-8t"})
"""Unverified: machines with a TPU, of which no size is told."""

ACCELERATORS = (
    "NVIDIA_TESLA_K80",
    "NVIDIA_TESLA_P100",
    "NVIDIA_TESLA_V100",
    "NVIDIA_TESLA_P4",
    "NVIDIA_TESLA_T4",
    "NVIDIA_TESLA_A100",
    "NVIDIA_A100_80GB",
    "NVIDIA_L4",
    "NVIDIA_H100_80GB",
    "NVIDIA_H100_MEGA_80GB",
    "NVIDIA_H200_141GB",
    "NVIDIA_B200",
    "NVIDIA_GB200",
    "NVIDIA_RTX_PRO_6000",
    "TPU_V2",
    "TPU_V3",
    "TPU_V4_POD",
    "TPU_V5_LITEPOD",
)
"""As the client library's `AcceleratorType` has them."""

ENDED_ACCELERATORS = frozenset({"NVIDIA_TESLA_K80"})
"""Those that the client library says have reached their end of support."""
