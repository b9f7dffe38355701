"""Which modules a program imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LOOKING_UP = frozenset({"find_spec", "import_module"})
_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An absolute import; `name` is dotted, as far as it is known to be a module or a name within one."""

    name: str
    line: int
    optional: bool = False
    """The program copes without: `try: import`, or only for type checkers."""
    file: str | None = None
    """The user's own module that it stands in, if not the program itself."""

    @property
    def top(self) -> str:
        """The module's first part."""
        return self.name.partition(".")[0]


def imports_of(tree: ast.Module) -> list[Import]:
    """Return all absolute imports, those in functions too, in their order; `find_spec("name")` is as good as one."""
    return list(_visit(tree, optional=False))


def _visit(node: ast.AST, *, optional: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            yield from (Import(name=item.name, line=node.lineno, optional=optional) for item in names)
        case ast.ImportFrom(module=str(module), names=names, level=0):
            for item in names:
                name = module if item.name == "*" else f"{module}.{item.name}"
                yield Import(name=name, line=node.lineno, optional=optional)
        case ast.Try(body=body, handlers=handlers, orelse=otherwise, finalbody=final):
            guarded = optional or any(_catches_import_error(handler) for handler in handlers)
            # What replaces a missing module may itself be missing where the first one is there.
            yield from _visit_all([*body, *handlers, *otherwise], optional=guarded)
            yield from _visit_all(final, optional=optional)
        case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"), body=body, orelse=otherwise):
            yield from _visit_all(body, optional=True)
            yield from _visit_all(otherwise, optional=optional)
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(value=str(name)), *_]):
            if called in _LOOKING_UP and all(map(str.isidentifier, name.split("."))):
                # It may be there to see whether there is such a module.
                yield Import(name=name, line=node.lineno, optional=True)
            yield from _visit_all(ast.iter_child_nodes(node), optional=optional)
        case _:
            yield from _visit_all(ast.iter_child_nodes(node), optional=optional)


def _visit_all(nodes: Iterable[ast.AST], *, optional: bool) -> Iterator[Import]:
    for node in nodes:
        yield from _visit(node, optional=optional)


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(item is None or (isinstance(item, ast.Name) and item.id in _IMPORT_ERRORS) for item in caught)
