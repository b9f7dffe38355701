"""The request log of an endpoint: what is kept of what it was asked, and what became of that."""

from __future__ import annotations

from dataclasses import dataclass

from mlmagic.spec.noun import Noun

LEAST_BUDGET_BYTES = 10 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLogging(Noun):
    """What an endpoint keeps of the requests that got a prediction: their bodies as they came, values and all."""

    sampling_rate: float = 0.1
    """How many of them: each with this probability, above 0 and up to 1."""
    budget_bytes: int = 1 << 30
    """All files of the log together take no more; the oldest go first."""
    key: str | None = None
    """The input that names an instance: by it, what came true is joined later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLogStatus(Noun):
    """What became of the requests that were drawn, since the supervisor was started."""

    sampled: int = 0
    """Written to a journal: a process that is killed from then on loses none of them."""
    dropped: int = 0
    """Not written, because they are too large, too many came at once, or the budget or the disk is full."""
    error: str | None = None
    """Why the newest ones were dropped; one line."""
