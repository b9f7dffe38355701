"""Samples of usage, as many as can be drawn and as a saved notebook should hold."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

from mlmagic.spec.usage import Usage, UsageSample

POINTS = 150
"""The most points of a curve."""

Samples: TypeAlias = dict[str, list[UsageSample]]
"""The samples of each replica, chief first."""


def by_replica(usage: Usage) -> Samples:
    """Return the samples of each replica that tell something: found in one pass, for there may be fifty replicas."""
    found: Samples = {name: [] for name in usage.replicas}
    for sample in usage.samples:
        if math.isfinite(sample.cores) and math.isfinite(sample.seconds):
            found[sample.replica].append(sample)
    return {name: samples for name, samples in found.items() if samples}


def thinned(samples: Sequence[UsageSample], count: int = POINTS) -> list[UsageSample]:
    """Return samples of one replica, neighbours put together so that there are `count` at most."""
    size = math.ceil(len(samples) / count)
    return [_together(samples[at : at + size]) for at in range(0, len(samples), size)] if size > 1 else list(samples)


def bounded(usage: Usage, count: int = 600) -> Usage:
    """Return the usage with no more samples than a saved notebook should hold."""
    found = by_replica(usage)
    each = min(POINTS, max(2, count // max(1, len(found))))
    kept = [sample for samples in found.values() for sample in thinned(samples, each)]
    return dataclasses.replace(usage, samples=tuple(sorted(kept, key=lambda sample: sample.time)))


def _together(samples: Sequence[UsageSample]) -> UsageSample:
    """Return one sample for several: the mean of what is used, the peak of what is held."""
    return dataclasses.replace(
        samples[-1],
        seconds=sum(sample.seconds for sample in samples),
        cores=_mean(samples, lambda sample: sample.cores) or 0.0,
        memory_bytes=max(sample.memory_bytes for sample in samples),
        gpu_percent=_mean(samples, lambda sample: sample.gpu_percent),
        gpu_memory_bytes=max((sample.gpu_memory_bytes for sample in samples if sample.gpu_memory_bytes), default=None),
    )


def _mean(samples: Sequence[UsageSample], value: Callable[[UsageSample], float | None]) -> float | None:
    known = [(number, sample.seconds) for sample in samples if (number := value(sample)) is not None]
    seconds = sum(weight for _, weight in known)
    return sum(number * weight for number, weight in known) / seconds if seconds > 0 else None
