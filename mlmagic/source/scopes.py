"""Which names are local to a function."""

from __future__ import annotations

import ast

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def local_names(function: FunctionNode) -> set[str]:
    """Return the names that are local to a function."""
    collector = _Locals()
    for argument in arguments(function.args):
        collector.bound.add(argument.arg)
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    for child in body:
        collector.visit(child)
    return collector.bound - collector.elsewhere


def arguments(args: ast.arguments) -> list[ast.arg]:
    """Return all parameters in the order of the signature."""
    star = [arg for arg in (args.vararg, args.kwarg) if arg]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *star]


def target_names(target: ast.AST) -> list[str]:
    """Return the names that an assignment target binds."""
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def bound_by_import(alias: ast.alias) -> str:
    """Return the name that `import a.b` or `from a import b as c` binds."""
    return alias.asname or alias.name.partition(".")[0]


class _Locals(ast.NodeVisitor):
    """Names bound in a function's own scope."""

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.elsewhere: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.bound.add(node.id)

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        self.elsewhere.update(node.names)

    visit_Nonlocal = visit_Global  # noqa: N815

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.bound.add(node.name)
        for decorator in node.decorator_list:
            self.visit(decorator)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815
    visit_ClassDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def visit_alias(self, node: ast.alias) -> None:
        self.bound.add(bound_by_import(node))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs  # noqa: N815

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.bound.add(node.rest)
        self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, _COMPREHENSIONS):
            # Its targets are its own; only a walrus inside binds here.
            for child in ast.walk(node):
                if isinstance(child, ast.NamedExpr):
                    self.bound.add(child.target.id)
            return
        super().generic_visit(node)
