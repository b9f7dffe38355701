"""A shadow: a version that gets a copy of the requests, and whose answers are compared, never returned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mlmagic.spec.noun import Noun


class ShadowState(StrEnum):
    """What the process of a shadow does."""

    WAITING = "WAITING"
    """It is not there, since no worker is."""
    LOADING = "LOADING"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    """It could not be loaded, or has ended; it is tried again. `error` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedAnswers(Noun):
    """An output of both versions, instance by instance."""

    numbers: int = 0
    """Instances with a number of either."""
    absolute: float = 0.0
    """The sum of the differences without their signs."""
    size: float = 0.0
    """The sum of the served numbers without their signs."""
    largest: float = 0.0
    """Of the differences."""
    classes: int = 0
    """Instances with a text, or with scores, of which the place of the highest is the class."""
    equal: int = 0
    """Of these, those with the same class."""

    @property
    def mean_difference(self) -> float | None:
        """How far the numbers are apart."""
        return self.absolute / self.numbers if self.numbers else None

    @property
    def relative_difference(self) -> float | None:
        """The same as a part of the mean size of the served numbers."""
        return self.absolute / self.size if self.size else None

    @property
    def equal_share(self) -> float | None:
        """The share of equal classes."""
        return self.equal / self.classes if self.classes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowCounts(Noun):
    """What a shadow was asked and answered."""

    compared: int = 0
    """Requests."""
    failed: int = 0
    """Requests that the served version answered, and the shadow did not."""
    unusable: int = 0
    """Instances for which the shadow alone predicted what is no finite number."""
    outputs: Mapping[str, ComparedAnswers] = field(default_factory=dict)
    latencies: tuple[int, ...] = ()
    """Compared requests by the shadow's seconds: see `LATENCY_BOUNDS`."""
    served_latencies: tuple[int, ...] = ()
    """The same requests by the seconds of the version that was served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowStatus(Noun):
    """What was seen of a shadow."""

    version: int
    share: float
    """Of the requests that it gets a copy of."""
    state: ShadowState
    error: str | None = None
    engine: str | None = None
    counts: ShadowCounts = field(default_factory=ShadowCounts)
    dropped: int = 0
    """Copies that it did not come to, since it was slow, hung, or was not there."""
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    """`p50` and `p99` of the compared requests, rounded up to the next of `LATENCY_BOUNDS`."""
    served_latency_ms: Mapping[str, float] = field(default_factory=dict)
    since: datetime
