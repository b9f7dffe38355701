"""Which objects share parts, so that a change through one name is seen through another.

`b = a` is the same object; `b = [a]` holds it; `b = list(a)` shares its elements. A change has a depth: `a.append(1)`
has depth 1 and is seen through what is, or holds, `a`; `a[0].append(1)` has depth 2 and reaches what `a` holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mlmagic.source.links import Link
from mlmagic.source.trace import Entry, Trace


class Value(NamedTuple):
    """What a statement gave to a name."""

    index: int
    name: str


class _Edge(NamedTuple):
    index: int  # of the statement that tied them
    link: Link
    other: Value


_TURNED = {Link.SAME: Link.SAME, Link.HOLDS: Link.PART, Link.PART: Link.HOLDS, Link.SHARES: Link.SHARES}


class Sharing:
    """Changes, and the values that they reach."""

    def __init__(self, trace: Trace) -> None:
        self._edges: dict[Value, list[_Edge]] = {}
        self._changes: dict[Value, list[int]] = {}
        for entry in trace.entries:
            self._tie(trace, entry)
        for entry in trace.entries:
            for name, (depth, _) in entry.effects.changes.items():
                for index in trace.resolve(name, entry.index).definitions:
                    self._reach(entry.index, Value(index, name), depth)

    def changes(self, index: int, name: str, until: int) -> Iterator[int]:
        """Return the statements that changed, before a time, the object that statement `index` gave to `name`."""
        return (change for change in self._changes.get(Value(index, name), []) if index < change < until)

    def _tie(self, trace: Trace, entry: Entry) -> None:
        first, *others = entry.links.same or ("",)
        for other in others:
            self._add(entry.index, Value(entry.index, first), Link.SAME, Value(entry.index, other))
        for target, name, link in entry.links.ties:
            new = Value(entry.index, target)
            for index in trace.resolve(name, entry.index).definitions:
                self._add(entry.index, new, link, Value(index, name))
        for changed in entry.effects.changes:
            # `a["k"] = b` and `a.append(b)`: from now on `a` holds `b`.
            for index in trace.resolve(changed, entry.index).definitions:
                for name in entry.eager:
                    for held in trace.resolve(name, entry.index).definitions if name != changed else ():
                        self._add(entry.index, Value(index, changed), Link.HOLDS, Value(held, name))

    def _add(self, index: int, one: Value, link: Link, other: Value) -> None:
        self._edges.setdefault(one, []).append(_Edge(index, link, other))
        self._edges.setdefault(other, []).append(_Edge(index, _TURNED[link], one))

    def _reach(self, time: int, start: Value, depth: int) -> None:
        reached: dict[Value, int] = {}
        waiting = [(start, min(depth, 9))]
        while waiting:
            value, depth = waiting.pop()
            if reached.get(value, 0) >= depth:
                continue
            reached[value] = depth
            known = [edge for edge in self._edges.get(value, []) if edge.index < time]
            waiting += [(edge.other, min(further, 9)) for edge in known if (further := _further(edge.link, depth))]
        for value in reached:
            self._changes.setdefault(value, []).append(time)


def _further(link: Link, depth: int) -> int:
    """Return how deep a change is, seen from the other end of a link; 0 if it is not seen."""
    if link is Link.SAME:
        return depth
    if link is Link.PART:  # the other holds this one
        return depth + 1
    return (depth - 1 if link is Link.HOLDS else depth) if depth >= 2 else 0
