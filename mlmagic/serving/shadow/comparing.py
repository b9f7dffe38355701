"""Two replies to one request, compared: what the shadow answers beside what was returned."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mlmagic.spec.rollout import LATENCY_BOUNDS
from mlmagic.spec.shadow import ComparedAnswers, ShadowCounts

_MOST_ROWS = 256
"""Of one request are compared."""
_LARGEST = sys.float_info.max

Columns = Mapping[str, list[Any]]


class Comparison:
    """What was counted so far.

    Args:
        only: what the output of a model is called that has one.
        ignored: outputs that only hand on what was sent.
    """

    def __init__(self, only: str, ignored: Collection[str] = ()) -> None:
        self.failed = 0
        self._only = only
        self._ignored = ignored
        self._compared = self._unusable = 0
        self._outputs: dict[str, _Answers] = {}
        self._latencies, self._served_latencies = ([0] * (len(LATENCY_BOUNDS) + 1) for _ in range(2))

    def add(self, served: bytes, shadowed: bytes, *, served_seconds: float, seconds: float) -> None:
        """Compare two replies, whose bodies these are."""
        import orjson

        ours, theirs = (_columns(orjson.loads(body), self._only) for body in (served, shadowed))
        self._compared += 1
        self._latencies[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self._served_latencies[bisect_left(LATENCY_BOUNDS, served_seconds)] += 1
        unusable: set[int] = set()
        for name in ours.keys() & theirs.keys() - set(self._ignored):
            answers = self._outputs.setdefault(name, _Answers())
            for at, (first, second) in enumerate(zip(ours[name], theirs[name], strict=False)):
                if not answers.add(first, second):
                    unusable.add(at)
        self._unusable += len(unusable)

    @property
    def counts(self) -> ShadowCounts:
        """All of it."""
        return ShadowCounts(
            compared=self._compared,
            failed=self.failed,
            unusable=self._unusable,
            outputs={name: answers.told for name, answers in sorted(self._outputs.items())},
            latencies=tuple(self._latencies),
            served_latencies=tuple(self._served_latencies),
        )


class _Answers:
    """Of one output."""

    def __init__(self) -> None:
        self._numbers = self._classes = self._equal = 0
        self._absolute = self._size = self._largest = 0.0

    @property
    def told(self) -> ComparedAnswers:
        """The counts as a noun, in which nothing is infinite."""
        return ComparedAnswers(
            numbers=self._numbers,
            absolute=min(self._absolute, _LARGEST),
            size=min(self._size, _LARGEST),
            largest=min(self._largest, _LARGEST),
            classes=self._classes,
            equal=self._equal,
        )

    def add(self, served: Any, shadowed: Any) -> bool:
        """Compare the answers for an instance; False if that of the shadow alone is no finite number."""
        first, second = list(_flat(served)), list(_flat(shadowed))
        if None in second or None in first:
            # JSON has no NaN: it is null.
            return None in first
        if len(first) == len(second) == 1 and _are_numbers(first + second):
            difference = abs(second[0] - first[0])
            self._numbers += 1
            self._absolute += difference
            self._size += abs(first[0])
            self._largest = max(self._largest, difference)
        elif first and second:
            self._classes += 1
            self._equal += _class(first) == _class(second)
        return True


def _class(values: list[Any]) -> Any:
    """Return the place of the highest score, or else what is said."""
    return values.index(max(values)) if len(values) > 1 and _are_numbers(values) else values


def _are_numbers(values: list[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _columns(reply: Mapping[str, Any], only: str) -> Columns:
    """Return the answers by output: a list with one for each instance."""
    if "outputs" in reply:
        found = reply["outputs"]
        columns = found if isinstance(found, dict) else {only: found}
        return {name: _rows(column) for name, column in columns.items()}
    rows = _rows(reply.get("predictions", reply.get("results", [])))
    if rows and all(isinstance(row, dict) and row.keys() == rows[0].keys() and row.keys() != {"b64"} for row in rows):
        return {name: [row[name] for row in rows] for name in rows[0]}
    return {only: rows}


def _rows(column: Any) -> list[Any]:
    return column[:_MOST_ROWS] if isinstance(column, list) else [column]
