"""Which objects share parts, so that a change through one name is seen through another.

`b = a` is the same object; `b = [a]` holds it; `b = list(a)` shares its elements. A change has a depth: `a.append(1)` has
depth 1 and is seen through what is, or holds, `a`; `a[0].append(1)` has depth 2 and reaches what `a` holds.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from mlmagic.source.purity import FRESH_BUILTINS, PLAIN_BUILTINS
from mlmagic.source.trace import Entry, Trace


class Link(Enum):
    """How a new value is tied to a name in its expression."""

    SAME = auto()
    HOLDS = auto()
    PART = auto()
    SHARES = auto()


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
        for target, name, link in _links(trace, entry):
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
            for edge in self._edges.get(value, []):
                if edge.index < time and (further := _further(edge.link, depth)):
                    waiting.append((edge.other, min(further, 9)))
        for value in reached:
            self._changes.setdefault(value, []).append(time)


def _further(link: Link, depth: int) -> int:
    """Return how deep a change is, seen from the other end of a link; 0 if it is not seen."""
    if link is Link.SAME:
        return depth
    if link is Link.PART:  # the other holds this one
        return depth + 1
    return (depth - 1 if link is Link.HOLDS else depth) if depth >= 2 else 0


def _links(trace: Trace, entry: Entry) -> Iterator[tuple[str, str, Link]]:
    """Yield (bound name, name in its expression, link)."""
    node, binds = entry.statement.node, entry.statement.names.binds
    if isinstance(node, ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from _assigned(trace, entry, target, node.value)
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for default in [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]:
            for name, _ in _expression(trace, entry, default):
                yield node.name, name, Link.HOLDS
        return
    link = Link.HOLDS if isinstance(node, ast.ClassDef) else Link.SAME
    for target_name in binds:
        for name in entry.eager:
            if name != target_name:
                yield target_name, name, link


def _assigned(trace: Trace, entry: Entry, target: ast.expr, value: ast.expr) -> Iterator[tuple[str, str, Link]]:
    if isinstance(target, ast.Tuple | ast.List):
        pairs = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        starred = any(isinstance(part, ast.Starred) for part in target.elts)
        for i, part in enumerate(target.elts):
            if pairs and not starred and isinstance(value, ast.Tuple | ast.List):
                yield from _assigned(trace, entry, part, value.elts[i])
            else:
                for name, link in _expression(trace, entry, value):
                    for node in ast.walk(part):
                        if isinstance(node, ast.Name):
                            yield node.id, name, Link.PART if link is Link.SAME else link
        return
    if isinstance(target, ast.Name):
        for name, link in _expression(trace, entry, value):
            yield target.id, name, link


def _expression(trace: Trace, entry: Entry, node: ast.expr) -> Iterator[tuple[str, Link]]:
    """Yield the names that the value of an expression is tied to."""
    match node:
        case ast.Name():
            yield node.id, Link.SAME
        case ast.Attribute() | ast.Subscript():
            for name, link in _expression(trace, entry, node.value):
                yield name, Link.PART if link is Link.SAME else link
        case ast.NamedExpr() | ast.Await():
            yield from _expression(trace, entry, node.value)
        case ast.IfExp():
            yield from _expression(trace, entry, node.body)
            yield from _expression(trace, entry, node.orelse)
        case ast.BoolOp():
            for value in node.values:
                yield from _expression(trace, entry, value)
        case ast.Tuple() | ast.List() | ast.Set():
            for element in node.elts:
                yield from _held(trace, entry, element)
        case ast.Dict():
            for item in node.values:
                yield from _held(trace, entry, item)
        case ast.Call():
            yield from _called(trace, entry, node)
        case ast.Constant() | ast.JoinedStr() | ast.Compare() | ast.UnaryOp() | ast.Lambda():
            return
        case _:  # operators, comprehensions: new objects of old elements
            for name in _names(node):
                yield name, Link.SHARES


def _held(trace: Trace, entry: Entry, node: ast.expr) -> Iterator[tuple[str, Link]]:
    if isinstance(node, ast.Starred):
        for name in _names(node):
            yield name, Link.SHARES
        return
    for name, link in _expression(trace, entry, node):
        yield name, Link.HOLDS if link is Link.SAME else link


def _called(trace: Trace, entry: Entry, node: ast.Call) -> Iterator[tuple[str, Link]]:
    function = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
    if function in PLAIN_BUILTINS and trace.definition(function, entry.index) is None:
        return
    fresh = function in FRESH_BUILTINS
    if isinstance(node.func, ast.Attribute):
        for name in _names(node.func):
            yield name, Link.SHARES
    for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
        for name, link in _expression(trace, entry, argument):
            yield name, Link.SHARES if fresh else link
    if isinstance(node.func, ast.Name) and (found := trace.definition(node.func.id, entry.index)):
        # It may return what it reads.
        for name in trace.entries[found[1]].statement.names.late:
            yield name, Link.SAME


def _names(node: ast.AST) -> list[str]:
    return [child.id for child in ast.walk(node) if isinstance(child, ast.Name)]
