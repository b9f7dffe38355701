"""What a job's replicas took of the machine, over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSample(Noun):
    """What one replica, with all that it started, took during `seconds` up to `time`."""

    time: datetime
    replica: str
    """`worker-0`."""
    seconds: float = 1.0
    """More than one after downsampling: `cores` is then the mean, and memory the peak."""
    cores: float
    """Processor seconds per second."""
    memory_bytes: int
    """What it does not share: 50 replicas forked from one process hold that process's pages once."""
    gpu_percent: float | None = None
    gpu_memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Noun):
    """The samples of a job, by time."""

    samples: tuple[UsageSample, ...] = ()

    @property
    def replicas(self) -> tuple[str, ...]:
        """The names of the replicas that were seen, chief first."""
        order = ("chief", "worker", "ps", "evaluator")
        names = {sample.replica for sample in self.samples}
        return tuple(sorted(names, key=lambda name: (order.index(name.partition("-")[0]), len(name), name)))

    def of(self, replica: str) -> tuple[UsageSample, ...]:
        """Return the samples of one replica."""
        return tuple(sample for sample in self.samples if sample.replica == replica)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all replicas together."""
        return sum(sample.cores * sample.seconds for sample in self.samples)

    def peak_memory_bytes(self, replica: str) -> int:
        """Return the most that a replica held; 0 where there are no samples."""
        return max((sample.memory_bytes for sample in self.of(replica)), default=0)

    def peak_cores(self, replica: str) -> float:
        """Return the most cores that a replica kept busy; 0 where there are no samples."""
        return max((sample.cores for sample in self.of(replica)), default=0.0)
