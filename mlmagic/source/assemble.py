"""The text of `trainer/model.py` and its like: the slice's statements, and which cell each line came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlmagic.source.data import DataFile
from mlmagic.source.history import Cell
from mlmagic.source.slice import Statement
from mlmagic.spec.package import SourceBlock

MODEL_FILE = "trainer/model.py"
_DOCSTRING = '"""Copied from the cells of a notebook; a comment above each block names its cell."""'
_FUTURE = re.compile(r"from\s+__future__\s+import\b")
_DEFINITION = re.compile(r"(?:[ \t]*(?:#.*)?\n)*(?:@|async def\b|def\b|class\b)")


@dataclass(slots=True)
class ModelText:
    """`model.py` as it grows."""

    file: str = MODEL_FILE
    """Its path within the package."""
    lines: list[str] = field(default_factory=lambda: [_DOCSTRING])
    statements: list[Statement] = field(default_factory=list)
    blocks: list[SourceBlock] = field(default_factory=list)
    """Where each of the statements stands."""
    header_lines: list[int] = field(default_factory=list)
    """The lines, from 1, of the comments that name cells."""

    @property
    def text(self) -> str:
        """The whole file."""
        return "\n".join(self.lines) + "\n"

    def text_without_numbers(self) -> str:
        """The file as it would be if its cells had no execution numbers."""
        lines = list(self.lines)
        for line in self.header_lines:
            lines[line - 1] = "# Cell"
        return "\n".join(lines) + "\n"

    def add(self, statement: Statement) -> None:
        """Append a statement, and note where it came from."""
        lines = statement.source.rstrip("\n").split("\n")
        first = len(self.lines) + 1
        self.lines += lines
        self.statements.append(statement)
        self.blocks.append(
            SourceBlock(
                file=self.file,
                first_line=first,
                last_line=len(self.lines),
                cell_number=statement.cell.number,
                cell_id=statement.cell.cell_id,
                cell_first_line=statement.first_line,
            )
        )

    def add_header(self, cell: Cell) -> None:
        """Append the comment that names a cell."""
        self.lines.append(f"# {cell.title}")
        self.header_lines.append(len(self.lines))


def assemble(statements: Sequence[Statement], data: Sequence[DataFile], file: str = MODEL_FILE) -> ModelText:
    """Return `model.py`, or `file` in its place: future imports, data files, then the statements in their order."""
    model = ModelText(file=file)
    futures = [statement for statement in statements if _FUTURE.match(statement.source)]
    for index, statement in enumerate(futures):
        if statement.source not in [earlier.source for earlier in futures[:index]]:
            model.lines += [""] * (len(model.lines) == 1)
            model.add(statement)
    if data:
        model.lines += ["", *_load_lines(data)]
    previous: Statement | None = None
    for statement in statements:
        if not _FUTURE.match(statement.source):
            _add_spaced(model, statement, previous)
            previous = statement
    return model


def _load_lines(data: Sequence[DataFile]) -> list[str]:
    imports = sorted({line for file in data for line in file.imports})
    loads = [f"{file.name} = {file.loader}" for file in data]
    return ["# Data files of this package", "from pathlib import Path", "", *imports, "", *loads]


def _add_spaced(model: ModelText, statement: Statement, previous: Statement | None) -> None:
    same_cell = previous is not None and previous.cell == statement.cell
    gap = statement.first_line - _last_line(previous) - 1 if previous else 0
    definitions = _DEFINITION.match(statement.source) or (previous and _DEFINITION.match(previous.source))
    if same_cell and gap >= -1:  # -1: two statements on one line
        model.lines += [""] * max(0, min(gap, 2))
    else:
        model.lines += [""] * (2 if definitions else 1)
        model.add_header(statement.cell)
    model.add(statement)


def _last_line(statement: Statement) -> int:
    return statement.first_line + statement.source.rstrip("\n").count("\n")
