"""Which names of the module a statement binds, deletes, and reads: at once, or later when a function runs."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mlmagic.source.scopes import FunctionNode, arguments, bound_by_import, local_names, target_names

_TYPE_ALIAS = getattr(ast, "TypeAlias", ())
_NAME_ERRORS = frozenset({"NameError", "Exception", "BaseException", "UnboundLocalError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of the module that a top-level statement touches; each with the line where it does so first."""

    binds: dict[str, bool]
    """The value says whether it is bound whatever path the statement takes."""
    deletes: tuple[str, ...]
    eager: dict[str, int]
    """Read when the statement runs."""
    late: dict[str, int]
    """Read when a function or generator in it runs."""
    guarded: frozenset[str]
    """Read only where a NameError is caught."""
    hopeful: dict[str, int]
    """Written down but never read, as annotations of local variables: wanted if they are there."""
    annotations: dict[str, int]
    """Read at once, unless `from __future__ import annotations` holds: then by nobody."""
    rebinds: tuple[str, ...]
    """Bound by functions in it that say `global`."""
    modules: tuple[str, ...]
    """The top-level names of all modules that it imports, sorted."""
    stars: tuple[str, ...]
    """Modules of `from M import *`."""


def find_names(node: ast.stmt) -> Names:
    """Return the names that a top-level statement touches."""
    visitor = _Visitor()
    visitor.visit(node)
    binds = {name: name in visitor.certain for name in visitor.binds}
    return Names(
        binds=binds,
        deletes=tuple(visitor.deletes),
        eager=visitor.eager,
        late=visitor.late,
        guarded=frozenset(visitor.guarded - visitor.unguarded),
        hopeful=visitor.hopeful,
        annotations=visitor.annotations,
        rebinds=tuple(visitor.rebinds),
        modules=tuple(sorted(visitor.modules)),
        stars=tuple(visitor.stars),
    )


@dataclass(slots=True)
class _Scope:
    kind: str  # "function", "class" or "comprehension"
    bound: set[str]
    module: set[str] = field(default_factory=set)  # declared `global`


class _Visitor(ast.NodeVisitor):
    """Walks one top-level statement in the order in which it runs."""

    def __init__(self) -> None:
        self.binds: dict[str, None] = {}
        self.certain: set[str] = set()
        self.deletes: dict[str, None] = {}
        self.eager: dict[str, int] = {}
        self.late: dict[str, int] = {}
        self.hopeful: dict[str, int] = {}
        self.annotations: dict[str, int] = {}
        self.rebinds: dict[str, None] = {}
        self.modules: set[str] = set()
        self.stars: dict[str, None] = {}
        self._scopes: list[_Scope] = []
        self._depth = 0  # of functions
        self._sink: dict[str, int] | None = None
        self._guards = 0
        self.guarded: set[str] = set()
        self.unguarded: set[str] = set()

    # Reading and binding

    def _read(self, name: str, line: int) -> None:
        for i, scope in enumerate(reversed(self._scopes)):
            if name in scope.module:
                break
            if name in scope.bound and (scope.kind != "class" or i == 0):
                return
        if self._depth == 0 and name in self.certain:
            return
        sink = self._sink if self._sink is not None else self.late if self._depth else self.eager
        sink.setdefault(name, line)
        (self.guarded if self._guards else self.unguarded).add(name)

    def _bind(self, name: str) -> None:
        scope = next((scope for scope in reversed(self._scopes) if scope.kind != "comprehension"), None)
        if scope is None or (name in scope.module and self._depth == 0):
            self.binds[name] = None
            self.certain.add(name)
        elif name in scope.module:
            self.rebinds[name] = None
        else:
            scope.bound.add(name)

    @contextmanager
    def _in(self, kind: str, bound: Iterable[str] = ()) -> Iterator[None]:
        self._scopes.append(_Scope(kind, set(bound)))
        self._depth += kind == "function"
        yield
        self._depth -= kind == "function"
        self._scopes.pop()

    @contextmanager
    def _reading_into(self, sink: dict[str, int] | None) -> Iterator[None]:
        before, self._sink = self._sink, sink
        yield
        self._sink = before

    def _visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._read(node.id, node.lineno)
        elif isinstance(node.ctx, ast.Store):
            self._bind(node.id)
        else:
            self._delete(node)

    def _delete(self, node: ast.Name) -> None:
        self._read(node.id, node.lineno)
        if not self._scopes:
            self.deletes[node.id] = None
            self.certain.discard(node.id)
            self.binds.pop(node.id, None)
        elif any(node.id in scope.module for scope in self._scopes):
            self.rebinds[node.id] = None

    def visit_Global(self, node: ast.Global) -> None:
        if self._scopes:
            self._scopes[-1].module.update(node.names)

    # Definitions

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._visit_all(node.decorator_list)
        self._visit_all([*node.args.defaults, *node.args.kw_defaults])
        with self._type_parameters(node):
            self._annotate([*(argument.annotation for argument in arguments(node.args)), node.returns])
            self._function(node, node.body)
        self._bind(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all([*node.args.defaults, *node.args.kw_defaults])
        self._function(node, [node.body])

    def _function(self, node: FunctionNode, body: Iterable[ast.AST]) -> None:
        with self._in("function", local_names(node)):
            self._visit_all(body)

    @contextmanager
    def _type_parameters(self, node: ast.AST) -> Iterator[None]:
        parameters = getattr(node, "type_params", [])
        if not parameters:
            yield
            return
        with self._in("comprehension", [parameter.name for parameter in parameters]):
            self._depth += 1  # bounds and defaults are evaluated on demand
            for parameter in parameters:
                self._visit_all([getattr(parameter, "bound", None), getattr(parameter, "default_value", None)])
            self._depth -= 1
            yield

    def _annotate(self, annotations: Iterable[ast.AST | None]) -> None:
        # Those of local variables are never evaluated.
        with self._reading_into(self.hopeful if self._depth else self.annotations):
            self._visit_all(annotations)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all(node.decorator_list)
        with self._type_parameters(node):
            self._visit_all([*node.bases, *node.keywords])
            with self._in("class"):
                self._visit_all(node.body)
        self._bind(node.name)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_all([node.value])
        in_function = bool(self._scopes) and self._scopes[-1].kind == "function"
        with self._reading_into(self.hopeful if in_function else self.annotations):
            self.visit(node.annotation)
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._visit_all([node.value, *node.targets])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._read(node.target.id, node.lineno)
        self._visit_all([node.value, node.target])

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._visit_all([node.value, node.target])

    # Imports

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.modules.add(alias.name.partition(".")[0])
            self._bind(bound_by_import(alias))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level == 0 and node.module:
            self.modules.add(node.module.partition(".")[0])
        for alias in node.names:
            if alias.name == "*":
                self.stars["." * node.level + (node.module or "")] = None
            else:
                self._bind(alias.asname or alias.name)

    # Comprehensions

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self.visit(node.generators[0].iter)
        self._inside(node)

    visit_ListComp = visit_SetComp = visit_DictComp = _comprehension  # noqa: N815

    def _inside(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        bound = [name for generator in node.generators for name in target_names(generator.target)]
        before = set(self.certain)
        with self._in("comprehension", bound):
            for i, generator in enumerate(node.generators):
                self._visit_all([generator.iter] if i else [])
                self._visit_all(_uses_in_target(generator.target))
                self._visit_all(generator.ifs)
            self._visit_all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self.certain &= before  # it may have no turn

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        """Read late, as when it is stored; the one argument of a call is consumed there (see `visit_Call`)."""
        self.visit(node.generators[0].iter)
        self._depth += 1
        self._inside(node)
        self._depth -= 1

    def visit_Call(self, node: ast.Call) -> None:
        self.visit(node.func)
        for argument in node.args:
            if isinstance(argument, ast.GeneratorExp):
                self._comprehension(argument)
            else:
                self.visit(argument)
        self._visit_all(node.keywords)

    # Branches

    def _branches(self, *branches: Iterable[ast.AST | None]) -> None:
        """Visit what may run in place of one another; certain is what all of them bind."""
        before, outcomes = set(self.certain), []
        for branch in branches:
            self.certain = set(before)
            self._visit_all(branch)
            outcomes.append(self.certain)
        self.certain = set.intersection(*outcomes)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._branches(node.body, node.orelse)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        self._branches([node.body], [node.orelse])

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self.visit(node.values[0])
        for value in node.values[1:]:
            self._branches([value], [])

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._branches(node.body, [])
        self._branches(node.orelse, [])

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._branches([node.target, *node.body], [])
        self._branches(node.orelse, [])

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        catches_all = any(_is_wildcard(case) for case in node.cases)
        self._branches(*([case] for case in node.cases), *([] if catches_all else [[]]))

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.generic_visit(node)
        if node.name:
            self._bind(node.name)

    visit_MatchStar = visit_MatchAs  # noqa: N815

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self._bind(node.rest)

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        guarded = any(_catches_name_error(handler) for handler in node.handlers)
        before = set(self.certain)
        self._guards += guarded
        self._visit_all(node.body)
        self._guards -= guarded
        outcomes = []
        after_body, self.certain = self.certain, set(before)
        for handler in node.handlers:
            self.certain = set(before)
            self.visit(handler)
            if not _leaves(handler.body):
                outcomes.append(self.certain)
        self.certain = after_body
        self._visit_all(node.orelse)
        self.certain = set.intersection(self.certain, *outcomes)
        self._visit_all(node.finalbody)

    visit_TryStar = visit_Try  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._visit_all([node.type])
        known = node.name in self.binds
        if node.name:
            self._bind(node.name)
        self._visit_all(node.body)
        if node.name and not self._scopes:
            # Python deletes it at the end of the handler.
            self.certain.discard(node.name)
            if not known:
                self.binds.pop(node.name, None)

    def generic_visit(self, node: ast.AST) -> None:
        if _TYPE_ALIAS and isinstance(node, _TYPE_ALIAS):
            with self._type_parameters(node), self._in("function"):
                self.visit(node.value)
            self._bind(node.name.id)
            return
        super().generic_visit(node)


def _uses_in_target(target: ast.expr) -> list[ast.expr]:
    """Return what a target such as `rows[i]` reads."""
    return [node.value for node in ast.walk(target) if isinstance(node, ast.Attribute | ast.Subscript)]


def _is_wildcard(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None


def _catches_name_error(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in _NAME_ERRORS for kind in kinds)


def _leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Raise | ast.Return | ast.Continue | ast.Break)
