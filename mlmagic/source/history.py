"""What the kernel knows about its past: the executed cells, and the names that are alive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell as the user wrote it: raw text, before IPython transformed it."""

    source: str
    number: int | None = None
    """The execution count, as in `In [3]`; None for a cell that was never executed."""
    cell_id: str | None = None
    raised_line: int | None = None
    """The line of `source`, from 1, of the top-level statement that raised; None if all of it ran."""
    first_line: int = 1
    """The line of the notebook cell on which `source` begins: 2 for the body of a cell magic."""

    @property
    def title(self) -> str:
        """`Cell [3]`, as errors and notes call it; `Cell` if it has no number."""
        return "Cell" if self.number is None else f"Cell [{self.number}]"

    def place(self, line: int) -> str:
        """`Cell [3], line 2`, for a line of `source`, from 1; the number is that of the line in the notebook's cell."""
        return f"{self.title}, line {self.first_line + line - 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveName:
    """A name in the kernel's namespace."""

    name: str
    type_name: str
    cell_number: int | None = None
    """The last cell that bound it, where that is known."""
