"""Modules that a package has for the asking: `from trainer.loop import fit` in a cell puts them into its package."""

from __future__ import annotations

import ast
from functools import cache

from mlmagic.source.imports import Import

PACKAGE = "trainer"
"""What every package built from a cell is called."""

LOOP_FILE = f"{PACKAGE}/loop.py"
REPORT_FILE = f"{PACKAGE}/report.py"
"""What tells metrics: in all packages but those of scripts, which do it themselves."""

# The modules that cells may import.
_PARTS = ("loop",)


def part_files(item: Import) -> dict[str, bytes] | None:
    """Return the files that come into a package for an import from it, or None if there is no such module or name."""
    _, module, name = (*item.name.split(".", 2), "", "")[:3]
    if module not in _PARTS or (name and name not in _public_names(module)):
        return None
    return part_closure(module)


def offer() -> str:
    """Return the imports that there are."""
    return " ".join(f"`from {PACKAGE}.{module} import {', '.join(_public_names(module))}` works." for module in _PARTS)


def part_closure(name: str, *others: bytes) -> dict[str, bytes]:
    """Return a module of ours as a file of the package, with all modules that it, or other files, import in turn."""
    found: dict[str, bytes] = {}
    waiting = [name, *(part for text in others for part in _imported_parts(text.decode()))]
    while waiting:
        part = waiting.pop()
        path = f"{PACKAGE}/{part}.py"
        if path not in found and _is_part(part):
            found[path] = part_text(part).encode()
            waiting += _imported_parts(part_text(part))
    return dict(sorted(found.items()))


def _imported_parts(text: str) -> list[str]:
    """Return the modules of the package that a module of it imports."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:  # no module: data for one
        return []
    imports = [(node.module or "", node.names) for node in nodes if isinstance(node, ast.ImportFrom)]
    named = [alias.name for module, names in imports if module == PACKAGE for alias in names]
    return named + [module.split(".")[1] for module, _ in imports if module.startswith(f"{PACKAGE}.")]


def _is_part(name: str) -> bool:
    from importlib.resources import files

    return files("mlmagic.source").joinpath("templates", f"{name}.py.template").is_file()


@cache
def part_text(part: str) -> str:
    """Return the text of a module."""
    from importlib.resources import files

    return files("mlmagic.source").joinpath("templates", f"{part}.py.template").read_text(encoding="utf-8")


@cache
def _public_names(module: str) -> tuple[str, ...]:
    for item in ast.parse(part_text(module)).body:
        match item:
            case ast.Assign(targets=[ast.Name("__all__")], value=names):
                return tuple(ast.literal_eval(names))
    return ()
