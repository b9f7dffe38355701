"""What was left out of the cells that became a package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlmagic.source.cells import parse_cell
from mlmagic.source.escapes import Escape
from mlmagic.source.history import Cell
from mlmagic.source.trace import Entry

_CHANGES_PROCESS = re.compile(r"[%!]\s*(pip|conda|mamba|uv|env|set_env|cd|run|export)\b")
_OURS = re.compile(r"%(mlmagic|jobs|models|predict|train|(re)?load_ext\s+mlmagic)\b")


def left_out(cell: Cell, history: Sequence[Cell], kept: Sequence[Entry]) -> Iterator[str]:
    """Yield a note for each line of IPython syntax in the cells that give something to the package.

    Lines that set up the kernel's process, as `%env` and `!pip install` do, are told wherever they are.
    """
    given = {id(entry.cell) for entry in kept} | {id(cell)}
    inside = {(id(entry.cell), escape) for entry in kept for escape in entry.statement.escapes}
    for executed in [*history, cell]:
        parsed = parse_cell(executed.source)
        between = [escape for escape in parsed.escapes if _ran(executed, escape) and not _OURS.match(escape.text)]
        told = [e for e in between if id(executed) in given or _CHANGES_PROCESS.match(e.text)]
        told += [e for s in parsed.statements for e in s.escapes if (id(executed), e) in inside]
        for escape in sorted(told, key=lambda escape: escape.line):
            yield f"{executed.place(escape.line)}: left out {escape.text}"


def _ran(cell: Cell, escape: Escape) -> bool:
    return cell.raised_line is None or escape.line < cell.raised_line
