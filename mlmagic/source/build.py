"""A cell and what it needs become a trainer package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.source.data import DataFile
from mlmagic.spec.package import TrainerPackage

if TYPE_CHECKING:
    from mlmagic.source.history import Cell, LiveName


def build_package(
    name: str,
    cell: Cell,
    history: Sequence[Cell] = (),
    *,
    live: Mapping[str, LiveName] | None = None,
    data: Mapping[str, DataFile] | None = None,
    installed: Callable[[str], tuple[str, str] | None] | None = None,
    local_modules: Callable[[str], Path | None] | None = None,
    notebook: str | None = None,
    python: str = "",
) -> TrainerPackage:
    """Build the package of a `%%train` cell.

    Args:
        name: display name; the distribution is called after it.
        cell: the cell; `source` is the body, without the line of the magic.
        history: the executed cells, oldest first.
        live: what the kernel's namespace holds, by name.
        data: what `--with` ships, by name.
        installed: distribution and version that provide a module; by default the running interpreter's.
        local_modules: the file or folder of a module that is not installed; by default what the interpreter would import.
        notebook: path of the notebook, for the source map.
        python: the kernel's Python version, by default the running one.

    Raises:
        CellError: the cell cannot become a package; the text says why and what to do.
    """
    raise TypeError
