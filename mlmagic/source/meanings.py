"""What an expression of a notebook stands for: a library's function, a user's method, a path, a fixed value.

Names mean what they meant at a time: a position in the trace.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from mlmagic.source.callees import assigned_value, imported_as
from mlmagic.source.purity import IMMUTABLE, PATH_METHODS, canonical

LAYERS = ("keras.", "torch.nn.")
"""Where objects come from that are called to be put together, with no other effect than to get their weights."""

Definition = Callable[[str, int], tuple[ast.stmt, int] | None]
"""Returns the statement that bound a name last before a time, and when it ran."""


class Meanings:
    """Looks expressions up."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition

    def method(self, owner: ast.ClassDef, name: str, time: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """Find a method in a user's class or its bases."""
        for node in reversed(owner.body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                return node
        for base in owner.bases:
            found = self.definition(base.id, time) if isinstance(base, ast.Name) else None
            if found is not None and isinstance(found[0], ast.ClassDef) and found[0] is not owner:
                method = self.method(found[0], name, found[1])
                if method is not None:
                    return method
        return None

    def is_layer(self, owner: ast.ClassDef, time: int) -> bool:
        """Say whether it is a user's layer or model, to be called without `__call__` of its own."""
        for base in owner.bases:
            found = self.definition(base.id, time) if isinstance(base, ast.Name) else None
            if found is not None and isinstance(found[0], ast.ClassDef) and found[0] is not owner:
                return self.is_layer(found[0], found[1])
            if self.dotted(base, time).startswith(LAYERS):
                return True
        return False

    def metaclass(self, owner: ast.ClassDef, time: int) -> ast.ClassDef | None:
        """Find the user's metaclass of a class: its own, or that of a base."""
        given = [keyword.value for keyword in owner.keywords if keyword.arg == "metaclass"]
        for node in [*given, *owner.bases]:
            found = self.definition(node.id, time) if isinstance(node, ast.Name) else None
            if found is not None and isinstance(found[0], ast.ClassDef) and found[0] is not owner:
                meta = found[0] if node in given else self.metaclass(found[0], found[1])
                if meta is not None:
                    return meta
        return None

    def is_path(self, node: ast.expr, time: int) -> bool:
        """Say whether the value of an expression is a `pathlib` path."""
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            node = node.left
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            return self.is_path(node.value, time)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PATH_METHODS:
            return self.is_path(node.func.value, time)
        if isinstance(node, ast.Name):
            found = self.definition(node.id, time)
            value = assigned_value(found[0], node.id) if found else None
            return found is not None and value is not None and self.is_path(value, found[1])
        return isinstance(node, ast.Call) and self.dotted(node.func, time).startswith("pathlib.")

    def dotted(self, node: ast.expr, time: int) -> str:
        """Return the canonical name of what `np.array` or an imported name stands for, or an empty string."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        found = self.definition(node.id, time) if isinstance(node, ast.Name) else None
        if found is None or not isinstance(node, ast.Name):
            return ""
        base = imported_as(found[0], node.id)
        return canonical(".".join([base, *parts])) if base else ""

    def is_immutable(self, node: ast.expr, time: int) -> bool:
        """Say whether the value of an expression can be told from its equals only by `is`."""
        match node:
            case ast.Constant() | ast.JoinedStr() | ast.Compare():
                return True
            case ast.UnaryOp():
                return self.is_immutable(node.operand, time)
            case ast.BinOp():
                return self.is_immutable(node.left, time) and self.is_immutable(node.right, time)
            case ast.Tuple():
                return all(self.is_immutable(element, time) for element in node.elts)
            case ast.Name():
                found = self.definition(node.id, time)
                value = assigned_value(found[0], node.id) if found else None
                return found is not None and value is not None and self.is_immutable(value, found[1])
            case ast.Attribute():
                return bool(self.dotted(node, time))
            case ast.Call():
                return self.dotted(node.func, time).startswith(IMMUTABLE)
        return False
