"""A roll-out: how far a new version has come, and what was seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mlmagic.spec.noun import Noun

LATENCY_BOUNDS = tuple(
    float(f"{step}e{power}") for power in range(-4, 2) for step in ("1", "1.5", "2", "3", "5", "7")
)  # fmt: skip
"""Seconds. Answers are counted by the first of these that they did not exceed; those beyond the last by themselves."""


class RolloutState(StrEnum):
    """What became of a roll-out."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    """The new version gets what its last step says."""
    ROLLED_BACK = "ROLLED_BACK"
    """The endpoint serves what it served before."""
    ENDED = "ENDED"
    """Somebody has changed the endpoint; it stays as that says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed(Noun):
    """What a version answered."""

    requests: int = 0
    errors: int = 0
    """Requests that were well-formed and yet got no prediction."""
    latencies: tuple[int, ...] = ()
    """Answers by their seconds: see `LATENCY_BOUNDS`."""
    seconds: float = 0.0
    """Of all answers together."""
    instances: int = 0
    """Those whose predictions were looked at, during roll-outs alone; as the rest is."""
    unusable: int = 0
    """Instances with a prediction that is no finite number."""
    numbers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Predictions by output and by the leading bits of the number, in ascending order of it."""
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Predictions by output and by the place of the highest score, or by a hash of the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStatus(Noun):
    """How far a roll-out has come."""

    version: int
    state: RolloutState = RolloutState.RUNNING
    shares: tuple[int, ...]
    """Percents of the requests, one step after the other."""
    step: int = 0
    """Which of them is served, or was served last."""
    hold_seconds: float
    held_seconds: float = 0.0
    """How long the step has been served. What a clock is set to, and when nothing is served, does not count."""
    requests: int = 0
    """That the new version got in this step."""
    least_requests: int = 0
    """Without so many a step is not over."""
    reason: str | None = None
    """Why it was rolled back, or ended; one line."""
    update_time: datetime
