"""What a piece of code does when it runs: whom it calls, what it changes; `effects` weighs these facts."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from mlmagic.source.purity import PURE_METHODS
from mlmagic.source.scopes import FunctionNode, arguments, local_names, target_names


class Kind(Enum):
    """Whose a name is, seen from a piece of code."""

    MODULE = auto()
    PARAMETER = auto()
    LOCAL = auto()
    VALUE = auto()
    """No name at all: `"a".join`, `f(x).strip`."""


class Root(NamedTuple):
    """What an expression such as `a.b[0].c` hangs on, and how many steps down it is."""

    kind: Kind
    name: str = ""
    steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """`root.attributes(arguments)`; a decorator is a call with the function as argument."""

    root: Root
    attributes: tuple[str, ...]
    node: ast.expr
    line: int
    arguments: tuple[ast.expr, ...] = ()
    roots: tuple[Root | None, ...] = ()
    """Of the positional arguments, where they hang on a name."""
    keywords: tuple[tuple[str, Root | None], ...] = ()
    inplace: bool = False
    discarded: bool = False
    """It is a statement of its own: whoever calls so wants something to happen."""
    deep: bool = False
    """What it returns is called too."""

    @property
    def method(self) -> str:
        """The last attribute, or an empty string."""
        return self.attributes[-1] if self.attributes else ""


class Change(NamedTuple):
    """`root[key] = value`, `root.name = value`, `del root[key]`, `root += value`."""

    root: Root
    line: int
    target: ast.expr | None = None
    """`root[key]`, as written."""


class Nested(NamedTuple):
    """A function inside of a piece of code; to it, the names of the functions around it are like parameters."""

    node: FunctionNode
    around: frozenset[str]


@dataclass(slots=True, kw_only=True, eq=False)
class Conduct:
    """All that a piece of code does."""

    calls: list[Call] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    functions: dict[str, Nested] = field(default_factory=dict)
    """Functions defined in it; they run only when they are called."""
    nested: list[Nested] = field(default_factory=list)
    """The same, and the lambdas."""
    rebinds: set[str] = field(default_factory=set)
    waits: int | None = None
    """The line of an `await`."""


@lru_cache(maxsize=8192)
def conduct_of_function(function: FunctionNode, around: frozenset[str] = frozenset()) -> Conduct:
    """Return what a function does when it is called; `around` are the names of the functions around it."""
    own = local_names(function)
    parameters = [argument.arg for argument in arguments(function.args)]
    visitor = _Visitor(own, [*parameters, *(around - own)], around=around | own)
    body: Iterable[ast.AST] = [function.body] if isinstance(function, ast.Lambda) else function.body
    for node in body:
        visitor.visit(node)
    return visitor.conduct


@lru_cache(maxsize=8192)
def conduct_of_statement(node: ast.stmt, own: frozenset[str]) -> Conduct:
    """Return what a top-level statement does; `own` are the names that it binds before it reads them."""
    visitor = _Visitor(own, ())
    visitor.visit(node)
    return visitor.conduct


class _Visitor(ast.NodeVisitor):
    def __init__(self, local: Iterable[str], parameters: Iterable[str], around: frozenset[str] = frozenset()) -> None:
        self._around = around
        self.conduct = Conduct()
        self._local = set(local)
        self._parameters = set(parameters)
        self._aliases: dict[str, Root] = {}
        self._stored: dict[str, list[Root]] = {}  # `self.xs = XS`: what a change of `self.xs` reaches
        self._globals: set[str] = set()

    def root(self, node: ast.AST | None) -> Root:
        steps = 0
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            steps += not isinstance(node, ast.Starred)
            node = node.value
        if not isinstance(node, ast.Name):
            return Root(Kind.VALUE, "", steps)
        if node.id in self._aliases:
            alias = self._aliases[node.id]
            return Root(alias.kind, alias.name, alias.steps + steps)
        if node.id in self._parameters:
            return Root(Kind.PARAMETER, node.id, steps)
        return Root(Kind.LOCAL if node.id in self._local else Kind.MODULE, node.id, steps)

    # Calls

    def visit_Call(self, node: ast.Call) -> None:
        self._call(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._call(node.value, discarded=True)
        else:
            self.visit(node.value)

    def _call(self, node: ast.Call, *, discarded: bool = False, deep: bool = False) -> None:
        attributes: list[str] = []
        function: ast.AST = node.func
        while isinstance(function, ast.Attribute | ast.Subscript):
            attributes.append(function.attr if isinstance(function, ast.Attribute) else "[]")
            function = function.value
        if isinstance(function, ast.Call):
            self._call(function, deep=deep or not attributes)
        elif not isinstance(function, ast.Name):
            self.visit(function)
        self.conduct.calls.append(
            Call(
                root=self.root(node.func),
                attributes=tuple(reversed(attributes)),
                node=node,
                line=node.lineno,
                arguments=tuple(node.args) + tuple(keyword.value for keyword in node.keywords),
                roots=tuple(self._named(argument) for argument in node.args),
                keywords=tuple((keyword.arg or "**", self._named(keyword.value)) for keyword in node.keywords),
                inplace=any(keyword.arg == "inplace" and _is_true(keyword.value) for keyword in node.keywords),
                discarded=discarded,
                deep=deep,
            )
        )
        if attributes and attributes[0] not in PURE_METHODS:
            self._reach_stored(self.root(node.func), node.lineno)
        for child in [*node.args, *(keyword.value for keyword in node.keywords)]:
            self.visit(child)

    def _named(self, node: ast.expr) -> Root | None:
        root = self.root(node)
        return None if root.kind is Kind.VALUE else root

    def _decorate(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call):
                self._call(decorator, deep=True)
                continue
            self._call_silently(decorator)

    def _call_silently(self, function: ast.expr, *more: str) -> None:
        """Note a call that Python makes without parentheses being written."""
        attributes: list[str] = []
        node = function
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            root = self.root(function)
            self.conduct.calls.append(
                Call(root=root, attributes=(*attributes, *more), node=function, line=function.lineno)
            )

    # Code that does not run here

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._decorate(node)
        nested = Nested(node, self._around)
        self.conduct.functions[node.name] = nested
        self.conduct.nested.append(nested)
        for default in [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]:
            self.visit(default)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.conduct.nested.append(Nested(node, self._around))
        for default in [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]:
            self.visit(default)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._decorate(node)
        for base in node.bases:
            self._call_silently(base, "__init_subclass__")
        for keyword in node.keywords:
            if keyword.arg == "metaclass":
                self._call_silently(keyword.value)
        before = set(self._local)
        for child in [*node.bases, *node.keywords, *node.body]:
            self.visit(child)
            self._local |= set(_bound_in_class(child))
        self._local = before

    # Changes

    def visit_Global(self, node: ast.Global) -> None:
        self._globals.update(node.names)

    def _target(self, target: ast.expr, value: ast.expr | None, *, element: bool = False) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
                self._change(self.root(node), node.lineno, node)
                self._store(node, value)
                self.visit(node.value)
            elif isinstance(node, ast.Name) and node.id in self._globals:
                self.conduct.rebinds.add(node.id)
        if value is None:
            return
        source = self.root(value)
        for name in target_names(target):
            if name not in self._local:
                continue
            self._aliases.pop(name, None)
            if source.kind is not Kind.VALUE:
                self._aliases[name] = Root(source.kind, source.name, source.steps + element)

    def _change(self, root: Root, line: int, target: ast.expr | None = None) -> None:
        if root.kind in (Kind.MODULE, Kind.PARAMETER):
            self.conduct.changes.append(Change(root, line, target))
        self._reach_stored(root, line)

    def _store(self, target: ast.expr, value: ast.expr | None) -> None:
        for node in ast.walk(value) if value is not None else ():
            if isinstance(node, ast.Name):
                self._stored.setdefault(self.root(target).name, []).append(self.root(node))

    def _reach_stored(self, root: Root, line: int) -> None:
        if root.steps < 2:
            return
        for stored in self._stored.get(root.name, []):
            if stored.kind in (Kind.MODULE, Kind.PARAMETER):
                self.conduct.changes.append(Change(stored._replace(steps=root.steps), line))

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._target(target, node.value, element=not isinstance(target, ast.Name))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._target(node.target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self._target(node.target, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if not isinstance(node.target, ast.Name):
            self._target(node.target, None)
            return
        self._target(node.target, None)
        if not isinstance(node.value, ast.Constant | ast.JoinedStr | ast.Tuple | ast.UnaryOp):
            # `a += [1]` changes the list that others may hold; a number or text is replaced.
            self._change(self.root(node.target)._replace(steps=1), node.lineno)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._target(target, None)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._target(node.target, node.iter, element=True)
        for child in [*node.body, *node.orelse]:
            self.visit(child)
        if isinstance(node, ast.AsyncFor):
            self._waits(node.lineno)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)
        self._local.update(target_names(node.target))
        self._target(node.target, node.iter, element=True)
        for condition in node.ifs:
            self.visit(condition)
        if node.is_async:
            self._waits(node.iter.lineno)

    def _comprehend(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        before, aliases = set(self._local), dict(self._aliases)
        for generator in node.generators:
            self.visit(generator)
        for child in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.visit(child)
        self._local, self._aliases = before, aliases

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehend  # noqa: N815

    def visit_withitem(self, node: ast.withitem) -> None:
        self.visit(node.context_expr)
        if node.optional_vars is not None:
            self._target(node.optional_vars, node.context_expr)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self._waits(node.lineno)
        self.generic_visit(node)

    def visit_Await(self, node: ast.Await) -> None:
        self._waits(node.lineno)
        self.generic_visit(node)

    def _waits(self, line: int) -> None:
        if self.conduct.waits is None:
            self.conduct.waits = line


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _bound_in_class(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    return target_names(node)
