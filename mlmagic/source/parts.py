"""Modules that a package has for the asking: `from trainer.loop import fit` in a cell puts them into its package."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache

from mlmagic.source.imports import Import

PACKAGE = "trainer"
"""What every package built from a cell is called."""

LOOP_FILE = f"{PACKAGE}/loop.py"

# The modules that cells may import, with those that they import in turn.
_PARTS: Mapping[str, tuple[str, ...]] = {"loop": ("checkpoint", "cluster", "epochs", "loop", "servers", "workers")}


def part_files(item: Import) -> dict[str, bytes] | None:
    """Return the files that come into a package for an import from it, or None if there is no such module or name."""
    _, module, name = (*item.name.split(".", 2), "", "")[:3]
    if module not in _PARTS or (name and name not in _public_names(module)):
        return None
    return {f"{PACKAGE}/{part}.py": part_text(part).encode() for part in _PARTS[module]}


def offer() -> str:
    """Return the imports that there are."""
    return " ".join(f"`from {PACKAGE}.{module} import {', '.join(_public_names(module))}` works." for module in _PARTS)


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
