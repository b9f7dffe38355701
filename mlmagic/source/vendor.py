"""Copies of mlmagic's own modules, for a package that runs where mlmagic is not installed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

_OWN = "mlmagic"
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


@cache
def vendored(entry: str, package: str) -> Mapping[str, bytes]:
    """Return the module `entry` of mlmagic and all that it imports of mlmagic, as files of a package of that name.

    Args:
        entry: dotted, without `mlmagic.`: `preprocessing.main`.
        package: the name that takes the place of `mlmagic` in imports and paths.
    """
    from importlib.util import find_spec

    spec = find_spec(_OWN)
    assert spec is not None  # noqa: S101 - this very module is part of it
    return copies(Path(str(spec.origin)).parent, entry, package)


def copies(root: Path, entry: str, package: str) -> dict[str, bytes]:
    """Return the same for the modules below a folder.

    Raises:
        ModuleNotFoundError: they import what is not there, or the whole of mlmagic, which no package has.
    """
    found: dict[str, bytes] = {}
    waiting = [entry]
    while waiting:
        module = waiting.pop()
        file = _file(root, module)
        if file is None:
            raise ModuleNotFoundError(f"no module {_OWN}.{module} in {root}")
        path = f"{package}/{file.relative_to(root).as_posix()}"
        if path in found:
            continue
        text = file.read_text("utf-8")
        imports = list(_own_imports(_statements(ast.parse(text))))
        found[path] = _renamed(text, imports, package).encode()
        waiting += [*_parents(module), *_modules(root, imports)]
    return dict(sorted(found.items()))


def _file(root: Path, module: str) -> Path | None:
    path = root.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _parents(module: str) -> Iterator[str]:
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


def _modules(root: Path, imports: Iterable[ast.ImportFrom]) -> Iterator[str]:
    """Yield the modules that imports name, without `mlmagic.`."""
    for node in imports:
        module = str(node.module).removeprefix(f"{_OWN}.")
        # What is imported may itself be a module: `from mlmagic.spec import dataset`.
        names = [f"{module}.{alias.name}" for alias in node.names]
        yield from (module, *(name for name in names if _file(root, name)))


def _own_imports(statements: Iterable[ast.AST]) -> Iterator[ast.ImportFrom]:
    """Yield the imports from our modules, of which there is one form: `from mlmagic.x import y`."""
    for node in statements:
        match node:
            case ast.ImportFrom(module=str(module), level=0) if module.startswith(f"{_OWN}."):
                yield node
            case ast.ImportFrom(module=module, level=level) if not level and module != _OWN:
                pass
            case ast.Import(names=names) if all(alias.name.partition(".")[0] != _OWN for alias in names):
                pass
            case ast.Import() | ast.ImportFrom():
                raise ModuleNotFoundError(f"line {node.lineno}: only `from {_OWN}.x import y` can be copied")


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all statements. Expressions, of which there are ten times as many, hold no imports."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for part in _BLOCKS:
            waiting += getattr(node, part, ())


def _renamed(text: str, imports: Iterable[ast.ImportFrom], package: str) -> str:
    lines = text.split("\n")
    for node in imports:
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = re.sub(rf"\bfrom {_OWN}\.", f"from {package}.", line, count=1)
    return "\n".join(lines)
