"""What workers have counted of each version, added up; those that have ended included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from mlmagic.spec.rollout import Observed

Values = Mapping[str, Mapping[str, int]]


class Observations:
    """Sums that never become smaller, by version."""

    def __init__(self) -> None:
        self._ended: dict[int, Observed] = {}

    def forget(self, counters: Mapping[str, Any]) -> None:
        """Keep the counts of a worker that has ended."""
        for text, counts in counters.get("versions", {}).items():
            number = int(text)
            self._ended[number] = plus(self._ended.get(number, Observed()), _read(counts))

    def of(self, number: int, counters: Iterable[Mapping[str, Any]]) -> Observed:
        """Return what a version did, given what the workers that live have counted."""
        found = self._ended.get(number, Observed())
        for told in counters:
            counts = told.get("versions", {}).get(str(number))
            found = found if counts is None else plus(found, _read(counts))
        return found


def plus(first: Observed, second: Observed) -> Observed:
    """Return both together."""
    return _combined(first, second, lambda one, other: one + other)


def minus(whole: Observed, part: Observed) -> Observed:
    """Return what was counted since it was `part`."""
    return _combined(whole, part, lambda one, other: max(0, one - other))


def add_counts(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    """Return two lists of counts added up, be they of one length or not."""
    return tuple(one + other for one, other in zip_longest(first, second, fillvalue=0))


def _combined(first: Observed, second: Observed, do: Callable[[Any, Any], Any]) -> Observed:
    latencies = (do(one, other) for one, other in zip_longest(first.latencies, second.latencies, fillvalue=0))
    return Observed(
        requests=do(first.requests, second.requests),
        errors=do(first.errors, second.errors),
        latencies=tuple(latencies),
        seconds=do(first.seconds, second.seconds),
        instances=do(first.instances, second.instances),
        unusable=do(first.unusable, second.unusable),
        numbers=_combined_values(first.numbers, second.numbers, do),
        classes=_combined_values(first.classes, second.classes, do),
    )


def _combined_values(first: Values, second: Values, do: Callable[[int, int], int]) -> Values:
    found: dict[str, dict[str, int]] = {}
    for name in first.keys() | second.keys():
        ours, theirs = Counter(first.get(name, {})), Counter(second.get(name, {}))
        found[name] = {key: count for key in ours.keys() | theirs.keys() if (count := do(ours[key], theirs[key]))}
    return found


def _read(counts: Mapping[str, Any]) -> Observed:
    predictions = counts.get("predictions", {})
    return Observed(
        requests=int(counts.get("requests", 0)),
        errors=int(counts.get("errors", 0)),
        latencies=tuple(counts.get("latencies", ())),
        seconds=float(counts.get("seconds", 0.0)),
        instances=int(predictions.get("instances", 0)),
        unusable=int(predictions.get("unusable", 0)),
        numbers=predictions.get("numbers", {}),
        classes=predictions.get("classes", {}),
    )
