"""What several processes of a shadow counted, one after the other, added up; and latencies in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mlmagic.serving.supervisor.observations import add_counts
from mlmagic.spec.rollout import LATENCY_BOUNDS
from mlmagic.spec.shadow import ComparedAnswers, ShadowCounts

_NONE = ComparedAnswers()


def plus(first: ShadowCounts, second: ShadowCounts) -> ShadowCounts:
    """Return both together."""
    names = sorted(first.outputs.keys() | second.outputs.keys())
    return ShadowCounts(
        compared=first.compared + second.compared,
        failed=first.failed + second.failed,
        unusable=first.unusable + second.unusable,
        outputs={name: _both(first.outputs.get(name, _NONE), second.outputs.get(name, _NONE)) for name in names},
        latencies=add_counts(first.latencies, second.latencies),
        served_latencies=add_counts(first.served_latencies, second.served_latencies),
    )


def latency_ms(counts: Sequence[int]) -> Mapping[str, float]:
    """Return `p50` and `p99` as the bounds that they did not exceed; nothing before the first answer."""
    whole = sum(counts)
    if not whole:
        return {}
    found = {}
    for percent in (50, 99):
        wanted, seen = math.ceil(whole * percent / 100), 0
        for place, count in enumerate(counts):
            seen += count
            if seen >= wanted:
                found[f"p{percent}"] = LATENCY_BOUNDS[min(place, len(LATENCY_BOUNDS) - 1)] * 1000
                break
    return found


def _both(first: ComparedAnswers, second: ComparedAnswers) -> ComparedAnswers:
    return ComparedAnswers(
        numbers=first.numbers + second.numbers,
        absolute=first.absolute + second.absolute,
        size=first.size + second.size,
        largest=max(first.largest, second.largest),
        classes=first.classes + second.classes,
        equal=first.equal + second.equal,
    )
