"""What can be told about values without running anything: literals, and arithmetic over known names."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_SCALARS = (int, float, str, bool, type(None))


class NotConstantError(ValueError):
    """Only the program itself can tell the value."""


def evaluate(node: ast.expr, known: Mapping[str, object]) -> object:
    """Return the value of an expression over literals, known names and arithmetic; a `Path(…)` is a PurePosixPath.

    Raises:
        NotConstantError: it has something else in it.
    """
    match node:
        case ast.Constant(value=value) if isinstance(value, _SCALARS):
            return value
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.Tuple(elts=items):
            return tuple(evaluate(item, known) for item in items)
        case ast.List(elts=items):
            return [evaluate(item, known) for item in items]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(evaluate(operand, known))
        case ast.BinOp(left=left, op=operation, right=right):
            return _operate(operation, evaluate(left, known), evaluate(right, known))
        case ast.Call(func=ast.Name("Path") | ast.Attribute(attr="Path"), args=[*parts], keywords=[]):
            return PurePosixPath(*(_text(evaluate(part, known)) for part in parts))
    raise NotConstantError(ast.unparse(node))


def _number(value: object) -> int | float:
    if isinstance(value, int | float):
        return value
    raise NotConstantError(repr(value))


def _text(value: object) -> str | PurePosixPath:
    if isinstance(value, str | PurePosixPath):
        return value
    raise NotConstantError(repr(value))


def _operate(operation: ast.operator, left: object, right: object) -> object:
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    texts = isinstance(left, str) and isinstance(right, str) and isinstance(operation, ast.Add)
    paths = isinstance(left, PurePosixPath) and isinstance(right, str) and isinstance(operation, ast.Div)
    # A power can be larger than the machine; what is a default is small.
    huge = isinstance(operation, ast.Pow) and numbers and (abs(_number(left)) > 1e6 or abs(_number(right)) > 64)
    if type(operation) not in _OPERATORS or huge or not (numbers or texts or paths):
        raise NotConstantError(f"{left!r} and {right!r}")
    try:
        value: object = _OPERATORS[type(operation)](left, right)
    except (ArithmeticError, ValueError) as error:
        raise NotConstantError(str(error)) from error
    if isinstance(value, complex):
        raise NotConstantError(repr(value))
    return value


def known_before(statements: list[ast.stmt], end: ast.stmt | None = None) -> dict[str, object]:
    """Return the names whose value is certain when `end` is reached, or at the end of the statements."""
    anywhere = {name for statement in statements for name in declared_global(statement)}
    known: dict[str, object] = {}
    for statement in statements:
        if statement is end:
            break
        for name in bound_names(statement):
            known.pop(name, None)
        assigned = assignment(statement)
        if assigned and assigned[0] not in anywhere:
            try:
                known[assigned[0]] = evaluate(assigned[1], known)
            except NotConstantError:
                continue
    return known


def assignment(statement: ast.stmt) -> tuple[str, ast.expr] | None:
    """Return name and value of `name = value` or `name: type = value`."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return name, value
    return None


def declared_global(statement: ast.stmt) -> set[str]:
    """Return the names that functions within the statement may bind in the module."""
    return {name for node in ast.walk(statement) if isinstance(node, ast.Global) for name in node.names}


def binding_counts(statements: list[ast.stmt]) -> Counter[str]:
    """Return how many times the module binds each of its names."""
    counts: Counter[str] = Counter()
    for statement in statements:
        counts.update(bound_names(statement))
        counts.update(declared_global(statement))
    return counts


def bound_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds or deletes in its own scope, once for each time."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
            return  # what its body binds is its own
        case ast.Lambda() | ast.GeneratorExp():
            return
        case ast.ListComp() | ast.SetComp() | ast.DictComp():
            yield from (item.target.id for item in ast.walk(node) if isinstance(item, ast.NamedExpr))
            return
        case ast.alias(name=name, asname=alias):
            yield alias or name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name
    for child in ast.iter_child_nodes(node):
        yield from bound_names(child)
