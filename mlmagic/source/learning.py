"""Which objects can learn, so that `model.fit()` may have changed them: those of other libraries, and what holds them.

A constant, a configuration or a function that a model was made of is what it was after the model has learned.
"""

from __future__ import annotations

import ast
import sys

from mlmagic.source.callees import imported_as
from mlmagic.source.trace import Trace, is_import

_DATA = frozenset({"numpy", "pandas", *sys.stdlib_module_names})
"""Modules whose objects hold data and do not learn."""


class Learners:
    """Answers for the statements of a trace."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._known: dict[int, bool] = {}

    def can_learn(self, index: int, name: str) -> bool:
        """Say whether what statement `index` gave to `name` can learn."""
        if index not in self._known:
            self._known[index] = False  # if it leads back to itself, the others decide
            self._known[index] = self._of_statement(self._trace.entries[index].statement.node, index, name)
        return self._known[index]

    def _of_statement(self, node: ast.stmt, time: int, name: str) -> bool:
        if is_import(node) or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return False
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
            return self._in_code(node.value, time)
        return imported_as(node, name) is None

    def _in_code(self, code: ast.AST, time: int) -> bool:
        """Say whether the code makes, or names, something that can learn."""
        for node in ast.walk(code):
            if isinstance(node, ast.Call) and self._makes_learner(node.func, time):
                return True
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found = self._trace.definition(node.id, time)
                if found is not None and self.can_learn(found[1], node.id):
                    return True
        return False

    def _makes_learner(self, function: ast.expr, time: int) -> bool:
        while isinstance(function, ast.Attribute):
            function = function.value
        found = self._trace.definition(function.id, time) if isinstance(function, ast.Name) else None
        if found is None or not isinstance(function, ast.Name):
            return False
        node, when = found
        if (dotted := imported_as(node, function.id)) is not None:
            return dotted.partition(".")[0] not in _DATA
        if isinstance(node, ast.ClassDef):
            return any(self._makes_learner(base, when) for base in node.bases)
        if isinstance(node, ast.FunctionDef) and when not in self._known:
            self._known[when] = False  # a function does not learn; this ends recursion
            return self._in_code(node, time)
        return False
