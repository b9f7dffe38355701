"""How the value that a statement gives to a name is tied to the values of other names."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple

from mlmagic.source.names import Names
from mlmagic.source.purity import FRESH_BUILTINS, GIVES_PARTS, PLAIN_BUILTINS, PURE_METHODS
from mlmagic.source.scopes import target_names


class Link(Enum):
    """How a new value is tied to the value of a name in its expression."""

    SAME = auto()
    """`b = a`"""
    HOLDS = auto()
    """`b = [a]`"""
    PART = auto()
    """`b = a[0]`"""
    SHARES = auto()
    """`b = list(a)`: another container with the same elements."""


# What something holds, taken out of it, is the thing itself.
_TAKEN_OUT = {Link.SAME: Link.PART, Link.HOLDS: Link.SAME, Link.PART: Link.PART, Link.SHARES: Link.PART}


class Tie(NamedTuple):
    """The bound name, the name in its expression, and how they are tied."""

    bound: str
    name: str
    link: Link
    by_call: bool = False
    """Tied only if a function returned, or kept, what it was given."""


LateNames = Callable[[str], Iterable[str] | None]


class Links(NamedTuple):
    """What ties the names that a statement binds."""

    ties: tuple[Tie, ...]
    same: tuple[str, ...] = ()
    """Names bound to one object: `a = b = []`."""


def find_links(node: ast.stmt, names: Names, eager: Iterable[str], late_of: LateNames) -> Links:
    """Return what ties the names that a statement binds to those that it reads.

    `late_of` gives the names that a function reads when it is called: it may return one of them.
    """
    same: tuple[str, ...] = ()
    if isinstance(node, ast.Assign):
        same = tuple(target.id for target in node.targets if isinstance(target, ast.Name))
    direct = stored_names(node)
    ties = dict.fromkeys(_links(node, names, eager, late_of))
    return Links(tuple(tie._replace(by_call=tie.name not in {*direct, tie.bound}) for tie in ties), same)


def stored_names(node: ast.stmt) -> frozenset[str]:
    """Return the names whose values a statement itself puts somewhere, whatever the functions that it calls do."""
    parts: Sequence[ast.AST]
    match node:
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            parts = [node.value] if node.value is not None else []
        case ast.Expr(value=ast.Call() as call):
            parts = [*call.args, *(keyword.value for keyword in call.keywords)]
        case ast.Expr():
            parts = []
        case _:
            parts = [node]
    return frozenset(name for part in parts for name in _names_outside_calls(part))


def _links(node: ast.stmt, names: Names, eager: Iterable[str], late_of: LateNames) -> Iterator[Tie]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        yield from _inside(node, late_of)
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for default in [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]:
            for name, _ in _expression(default, late_of):
                yield Tie(node.name, name, Link.HOLDS)
        return
    if isinstance(node, ast.ClassDef):
        for name in eager:
            yield Tie(node.name, name, Link.HOLDS)
        return
    if isinstance(node, ast.Match):
        for bound in names.binds:
            for name in _names(node.subject):
                yield Tie(bound, name, Link.SAME)
    yield from _inside(node, late_of)


def _inside(node: ast.stmt, late_of: LateNames) -> Iterator[Tie]:
    """Yield the ties of a statement that has others in it, and of one with `:=` in it."""
    for child in ast.walk(node):
        match child:
            case ast.Assign():
                for target in child.targets:
                    yield from _assigned(target, child.value, late_of)
            case ast.AnnAssign() if child.value is not None:
                yield from _assigned(child.target, child.value, late_of)
            case ast.NamedExpr():
                yield from _assigned(child.target, child.value, late_of)
            case ast.AugAssign():
                yield from _assigned(child.target, child.value, late_of)
                for name in target_names(child.target):
                    yield Tie(name, name, Link.SAME)
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                yield from _taken_out(child.target, child.iter, late_of)
            case ast.withitem() if child.optional_vars is not None:
                yield from _assigned(child.optional_vars, child.context_expr, late_of)


def _taken_out(target: ast.expr, source: ast.expr, late_of: LateNames) -> Iterator[Tie]:
    for name, link in _expression(source, late_of):
        for bound in target_names(target):
            yield Tie(bound, name, _TAKEN_OUT[link])


def _assigned(target: ast.expr, value: ast.expr, late_of: LateNames) -> Iterator[Tie]:
    if isinstance(target, ast.Tuple | ast.List):
        pairs = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        starred = any(isinstance(part, ast.Starred) for part in target.elts)
        for i, part in enumerate(target.elts):
            if pairs and not starred and isinstance(value, ast.Tuple | ast.List):
                yield from _assigned(part, value.elts[i], late_of)
            else:
                yield from _taken_out(part, value, late_of)
        return
    if isinstance(target, ast.Name):
        for name, link in _expression(value, late_of):
            yield Tie(target.id, name, link)


def _expression(node: ast.expr, late_of: LateNames) -> Iterator[tuple[str, Link]]:
    """Yield the names that the value of an expression is tied to."""
    match node:
        case ast.Name():
            yield node.id, Link.SAME
        case ast.Attribute() | ast.Subscript():
            for name, link in _expression(node.value, late_of):
                yield name, _TAKEN_OUT[link]
        case ast.NamedExpr() | ast.Await():
            yield from _expression(node.value, late_of)
        case ast.IfExp():
            yield from _expression(node.body, late_of)
            yield from _expression(node.orelse, late_of)
        case ast.BoolOp():
            for value in node.values:
                yield from _expression(value, late_of)
        case ast.Tuple() | ast.List() | ast.Set():
            for element in node.elts:
                yield from _held(element, late_of)
        case ast.Dict():
            for item in node.values:
                yield from _held(item, late_of)
        case ast.Call():
            yield from _called(node, late_of)
        case ast.Constant() | ast.JoinedStr() | ast.Compare() | ast.UnaryOp() | ast.Lambda():
            return
        case _:  # operators, comprehensions: new objects of old elements
            for name in _names(node):
                yield name, Link.SHARES


def _held(node: ast.expr, late_of: LateNames) -> Iterator[tuple[str, Link]]:
    if isinstance(node, ast.Starred):
        for name in _names(node):
            yield name, Link.SHARES
        return
    for name, link in _expression(node, late_of):
        yield name, Link.HOLDS if link is Link.SAME else link


def _called(node: ast.Call, late_of: LateNames) -> Iterator[tuple[str, Link]]:
    function = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
    late = late_of(function)
    if function in PLAIN_BUILTINS and late is None:
        return
    fresh = function in FRESH_BUILTINS
    if isinstance(node.func, ast.Attribute):
        link = (
            Link.PART if node.func.attr in GIVES_PARTS else Link.SHARES if node.func.attr in PURE_METHODS else Link.SAME
        )
        for name in _names(node.func):
            yield name, link
    for argument in node.args:
        for name, link in _expression(argument, late_of):
            yield name, Link.SHARES if fresh and link is not Link.HOLDS else link
    for keyword in node.keywords:
        for name, link in _expression(keyword.value, late_of):
            yield name, Link.HOLDS if fresh and link is Link.SAME else link
    for name in late or ():
        yield name, Link.SAME


def _names(node: ast.AST) -> list[str]:
    return [child.id for child in ast.walk(node) if isinstance(child, ast.Name)]


def _names_outside_calls(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif not isinstance(node, ast.Call):
        for child in ast.iter_child_nodes(node):
            yield from _names_outside_calls(child)
