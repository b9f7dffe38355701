"""Which workers have more than their share of the connections."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlmagic.serving.supervisor.worker import Worker

SLACK = 0.25
"""More than the share by so much is left alone: closing connections costs something too."""


def surplus(workers: Sequence[Worker]) -> list[tuple[Worker, int]]:
    """Return those that should close connections, each after its next answer, and how many."""
    counts = [int(worker.counters.get("connections", 0)) for worker in workers]
    if len(counts) < 2:
        return []
    share = sum(counts) / len(counts)
    most = max(share * (1 + SLACK), share + 1)
    return [(worker, math.floor(count - share)) for worker, count in zip(workers, counts, strict=True) if count > most]
