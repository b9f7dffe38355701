"""The Lab extension shows every type that panels have; one that it did not know would fall back to HTML."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

from mlmagic import panels

SAVED = Path(__file__).parents[2] / "labextension" / "src" / "renderer" / "saved.ts"
PREFIX, SUFFIX = "application/vnd.mlmagic.", "+json"


def test_the_renderer_knows_all_types_of_panels() -> None:
    source = SAVED.read_text()
    names = re.search(r"const NAMES = \[(.*?)\]", source, re.DOTALL)
    assert names is not None
    known = {f"{PREFIX}{name}{SUFFIX}" for name in re.findall(r"'([\w-]+)'", names[1])}
    assert known == own_types()


def own_types() -> set[str]:
    """Return the values of all constants that are called a mime type and are ours."""
    modules = [
        importlib.import_module(f"{panels.__name__}.{each.name}") for each in pkgutil.iter_modules(panels.__path__)
    ]
    return {
        value
        for module in modules
        for name, value in vars(module).items()
        if name.endswith("MIME_TYPE") and isinstance(value, str) and value.startswith(PREFIX)
    }
