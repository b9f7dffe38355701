"""Which objects share parts, so that a change through one name is seen through another.

`b = a` is the same object; `b = [a]` holds it; `b = list(a)` shares its elements. A change has a depth: `a.append(1)`
has depth 1 and is seen through what is, or holds, `a`; `a[0].append(1)` has depth 2 and reaches what `a` holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mlmagic.source.links import Link, stored_names
from mlmagic.source.trace import Entry, Trace


class Value(NamedTuple):
    """What a statement gave to a name."""

    at: int
    name: str


class Change(NamedTuple):
    """A statement that changed a value, seen from one of the values that it reaches."""

    at: int
    through: tuple[int, ...] = ()
    """Statements that it came through, if their functions returned what they were given or what they read."""


class _Edge(NamedTuple):
    at: int  # the statement that tied them
    link: Link
    other: Value
    by_call: bool


_TURNED = {Link.SAME: Link.SAME, Link.HOLDS: Link.PART, Link.PART: Link.HOLDS, Link.SHARES: Link.SHARES}


class Sharing:
    """Changes, and the values that they reach."""

    def __init__(self, trace: Trace) -> None:
        self._edges: dict[Value, list[_Edge]] = {}
        self._changes: dict[Value, list[Change]] = {}
        for entry in trace.entries:
            self._tie(trace, entry)
        for entry in trace.entries:
            for name, (depth, _) in entry.effects.changes.items():
                for index in trace.resolve(name, entry.index).definitions:
                    self._reach(entry.index, Value(index, name), depth)

    def changes(self, index: int, name: str, until: int) -> Iterator[Change]:
        """Return what changed, before a time, the object that statement `index` gave to `name`."""
        return (change for change in self._changes.get(Value(index, name), []) if index < change.at < until)

    def _tie(self, trace: Trace, entry: Entry) -> None:
        first, *others = entry.links.same or ("",)
        for other in others:
            self._add(
                Value(entry.index, first), _Edge(entry.index, Link.SAME, Value(entry.index, other), by_call=False)
            )
        for target, name, link, by_call in entry.links.ties:
            own = (entry.index,) if name in entry.statement.names.binds and name != target else ()
            for index in (*own, *trace.resolve(name, entry.index).definitions):
                if not trace.is_fixed(index, name):
                    self._add(Value(entry.index, target), _Edge(entry.index, link, Value(index, name), by_call))
        stored = stored_names(entry.statement.node) if entry.effects.changes else frozenset()
        for changed in entry.effects.changes:
            # `a["k"] = b` and `a.append(b)`: from now on `a` holds `b`.
            for index in trace.resolve(changed, entry.index).definitions:
                for name in entry.eager:
                    for held in trace.resolve(name, entry.index).definitions if name != changed else ():
                        edge = _Edge(entry.index, Link.HOLDS, Value(held, name), by_call=name not in stored)
                        self._add(Value(index, changed), edge)

    def _add(self, one: Value, edge: _Edge) -> None:
        self._edges.setdefault(one, []).append(edge)
        self._edges.setdefault(edge.other, []).append(edge._replace(link=_TURNED[edge.link], other=one))

    def _reach(self, time: int, start: Value, depth: int) -> None:
        # By value and by whether a call lies between: how deep, and which calls.
        reached: dict[tuple[Value, bool], tuple[int, tuple[int, ...]]] = {}
        waiting: list[tuple[Value, int, tuple[int, ...]]] = [(start, min(depth, 9), ())]
        while waiting:
            value, depth, through = waiting.pop()
            if reached.get((value, bool(through)), (0,))[0] >= depth:
                continue
            reached[value, bool(through)] = depth, through
            for edge in self._edges.get(value, []):
                if edge.at < time and (further := _further(edge.link, depth)):
                    calls = (*through, edge.at) if edge.by_call and edge.at not in through else through
                    waiting.append((edge.other, min(further, 9), calls))
        for value in dict.fromkeys(value for value, _ in reached):
            _, through = reached.get((value, False)) or reached[value, True]
            self._changes.setdefault(value, []).append(Change(time, through))


def _further(link: Link, depth: int) -> int:
    """Return how deep a change is, seen from the other end of a link; 0 if it is not seen."""
    if link is Link.SAME:
        return depth
    if link is Link.PART:  # the other holds this one
        return depth + 1
    return (depth - 1 if link is Link.HOLDS else depth) if depth >= 2 else 0
