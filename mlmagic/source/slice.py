"""A cell and what it needs from the executed cells, in an order that runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mlmagic.source.history import Cell, LiveName


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A top-level statement of a cell, as written: with its decorators and the comment lines directly above it."""

    source: str
    cell: Cell
    first_line: int
    """The line of the notebook cell on which `source` begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A program: the cell and what it needs."""

    statements: tuple[Statement, ...]
    modules: tuple[str, ...]
    """The top-level names of all imported modules, sorted; imports inside functions count."""
    shipped: tuple[str, ...]
    """The shipped names that the program uses, sorted."""
    notes: tuple[str, ...]
    """What was left out, and why."""


def slice_cell(
    cell: Cell,
    history: Sequence[Cell],
    *,
    live: Mapping[str, LiveName] | None = None,
    shipped: Collection[str] = (),
) -> Slice:
    """Return the cell with what it needs from the cells executed before it.

    Args:
        cell: the cell to package; it was not executed.
        history: the executed cells, in the order of their execution.
        live: the names in the kernel's namespace.
        shipped: names that the package provides from data files, whatever the cells say.

    Raises:
        LiveObjectError: it needs names that exist only as objects in the kernel.
        CellError: it is not Python, or needs a name that nothing defines.
    """
    statements = (Statement(source=cell.source, cell=cell, first_line=cell.first_line),)
    return Slice(statements=statements, modules=(), shipped=(), notes=())
