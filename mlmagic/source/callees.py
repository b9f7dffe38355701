"""Small questions about a call: what its name stands for, what it hands over, how it is written."""

from __future__ import annotations

import ast

from mlmagic.source.conduct import Call, Root
from mlmagic.source.purity import ONLY_SHOWS
from mlmagic.source.scopes import FunctionNode, arguments, bound_by_import


def imported_as(node: ast.stmt, name: str) -> str | None:
    """Return the dotted name that an import, perhaps inside of `try` or `if`, gave to `name`."""
    for child in ast.walk(node) if isinstance(node, ast.Try | ast.If | ast.With) else [node]:
        if isinstance(child, ast.Import):
            for alias in child.names:
                if bound_by_import(alias) == name:
                    return alias.name if alias.asname else name
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                if (alias.asname or alias.name) == name:
                    return f"{'.' * child.level}{child.module or ''}.{alias.name}"
    return None


def assigned_value(node: ast.stmt, name: str) -> ast.expr | None:
    """Return the expression that a plain assignment gave to `name`."""
    if isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == name for target in node.targets
    ):
        return node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
        return node.value
    return None


def passed_to(function: FunctionNode, call: Call, receiver: Root | None) -> dict[str, list[Root]]:
    """Return which named objects a call hands to which parameters."""
    positional = [*function.args.posonlyargs, *function.args.args]
    roots: list[Root | None] = [*([receiver] if receiver is not None else []), *call.roots]
    passed: dict[str, list[Root]] = {argument.arg: [] for argument in arguments(function.args)}
    for i, root in enumerate(roots):
        vararg = function.args.vararg
        parameter = positional[i].arg if i < len(positional) else vararg.arg if vararg else None
        if root is not None and parameter is not None:
            passed[parameter].append(root)
    for name, root in call.keywords:
        kwarg = function.args.kwarg
        parameter = name if name in passed else kwarg.arg if kwarg else None
        if root is not None and parameter is not None:
            passed[parameter].append(root)
    return passed


def only_shows(method: str) -> bool:
    """Say whether a method is called to see or to write something, to judge by its name."""
    return method in ONLY_SHOWS or method.startswith(("plot", "to_", "save", "print", "show", "is_", "get_", "has_"))


def spelled(call: Call) -> str:
    """Return `a.b()`, as errors call it; the middle of a long one is left out."""
    function = call.node.func if isinstance(call.node, ast.Call) else call.node
    text = ast.unparse(function)
    return f"{text}()" if len(text) <= 40 and "\n" not in text else f"….{call.method}()"
