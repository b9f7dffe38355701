"""What the kernel's past is to mlmagic: executed cells with their outcome, and the names that are alive."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.source.history import Cell, LiveName

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from mlmagic.session import NotebookContext

# IPython's own, _, __, ___, _i, _ii, _iii, _12, _i12, and the module's, such as __name__.
_OWN_NAME = re.compile(r"_{1,3}|_i{1,3}|_i?\d+|__\w+__")
# `%%time` and `%%timeit` compile their body under these names.
_TIMED = ("<timed exec>", "<timed eval>")


@dataclass(slots=True)
class _Running:
    """A cell between its first and its last moment."""

    info: Any
    thread: int
    nested_raised_line: int | None = None


class CellHistory:
    """Notes every cell that a shell executes; one object for each shell, made when the extension is loaded."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._running: list[_Running] = []
        self._bound_in: dict[str, tuple[int, int | None]] = {}
        # What came before is known by its text alone; the cell that loads the extension is noted when it has ended.
        present = shell.displayhook.exec_result
        earlier = shell.history_manager.input_hist_raw[1 : present and present.execution_count]
        self._cells = [Cell(source=text, number=n) for n, text in enumerate(earlier, 1) if text.strip()]

    def start(self) -> None:
        """Listen to the shell from now on."""
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)

    def stop(self) -> None:
        """Listen no more."""
        self._shell.events.unregister("pre_run_cell", self._before)
        self._shell.events.unregister("post_run_cell", self._after)

    def context(self) -> NotebookContext:
        """Return what a package may be built from at this moment."""
        from mlmagic.session import NotebookContext, current_session

        present = self._present_cell()
        cells = (*self._cells, present) if present else tuple(self._cells)
        live = LiveNames(self._shell, {name: number for name, (_, number) in self._bound_in.items()})
        return NotebookContext(cells=cells, live=live, notebook=current_session().notebook_path)

    def magic_cell(self, body: str, first_line: int) -> Cell:
        """Return the body of the cell magic that runs now, as a cell."""
        running = self._outermost()
        if running is None:
            return Cell(source=body, first_line=first_line)
        # Blank lines above, or another cell magic around it, move the body down.
        first_line = _first_line_of(body, running.info.raw_cell) or first_line
        return Cell(source=body, first_line=first_line, number=self._number(running.info), cell_id=running.info.cell_id)

    def _before(self, info: Any) -> None:
        self._running.append(_Running(info, threading.get_ident()))

    def _after(self, result: Any) -> None:
        if result is None or not result.info or not (result.info.raw_cell or "").strip():
            return  # an empty cell has no beginning either
        running = self._end(result.info) or _Running(result.info, threading.get_ident())
        raised_line = self._raised_line(result, running)
        outer = self._outermost()
        if outer is not None and outer.thread == running.thread:
            # The body of %%capture and its like: part of the cell around it, which swallows its error.
            _note_nested(outer, running, raised_line)
            return
        number = result.execution_count if result.info.store_history else None
        self._note_bindings(number)
        source, cell_id = result.info.raw_cell, result.info.cell_id
        self._cells.append(Cell(source=source, number=number, cell_id=cell_id, raised_line=raised_line))

    def _end(self, info: Any) -> _Running | None:
        running = next((running for running in self._running if running.info is info), None)
        if running is not None:
            self._running.remove(running)
        return running

    def _outermost(self) -> _Running | None:
        thread = threading.get_ident()
        return next((running for running in self._running if running.thread == thread), None)

    def _number(self, info: Any) -> int | None:
        """Return the execution number of the running cell. The shell's own counter may have moved on to the next."""
        if not info.store_history:
            return None
        result = self._shell.displayhook.exec_result
        if result is not None and result.info is info:
            return int(result.execution_count)
        return len(self._shell.history_manager.input_hist_raw) - 1

    def _raised_line(self, result: Any, running: _Running) -> int | None:
        if result.error_before_exec is not None:
            return 1  # a syntax error: none of it ran
        if result.error_in_exec is None:
            return running.nested_raised_line
        if running.nested_raised_line is not None:
            return running.nested_raised_line
        line = self._line_in_cell(result.error_in_exec.__traceback__, running.info.raw_cell)
        return line or 1

    def _line_in_cell(self, traceback: TracebackType | None, raw: str) -> int | None:
        line = None
        while traceback is not None:
            frame = traceback.tb_frame
            if frame.f_globals is self._shell.user_ns:
                if frame.f_code.co_filename in _TIMED:
                    return traceback.tb_lineno + _first_text_line(raw)
                if line is None:
                    line = self._raw_line(raw, traceback.tb_lineno)
            traceback = traceback.tb_next
        return line

    def _present_cell(self) -> Cell | None:
        """Return the running cell up to the statement that runs now, unless it is one of our cell magics."""
        running = self._outermost()
        if running is None or running.info.raw_cell.lstrip().startswith("%%"):
            return None
        frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the stack is what is asked for
        line = None
        while frame is not None:
            line = frame.f_lineno if frame.f_globals is self._shell.user_ns else line
            frame = frame.f_back
        if line is None:
            return None
        raw = running.info.raw_cell
        return Cell(
            source=raw,
            number=self._number(running.info),
            cell_id=running.info.cell_id,
            raised_line=self._raw_line(raw, line),
        )

    def _raw_line(self, raw: str, line: int) -> int:
        """Return the line of the cell as written that became this line of what IPython made of it."""
        written, transformed = raw.splitlines(), self._shell.transform_cell(raw).splitlines()
        blank = _first_text_line(raw) - 1
        if len(written) - blank == len(transformed):
            return line + blank
        return _aligned(written, transformed, line)

    def _note_bindings(self, number: int | None) -> None:
        for name, value in list(self._shell.user_ns.items()):
            known = self._bound_in.get(name)
            if known is None or known[0] != id(value):
                self._bound_in[name] = (id(value), number)


class LiveNames(Mapping[str, LiveName]):
    """The names in the kernel that are the user's; each is described when it is asked for."""

    def __init__(self, shell: Any, bound_in: Mapping[str, int | None]) -> None:
        self._names = shell.user_ns
        self._hidden = shell.user_ns_hidden
        self._bound_in = bound_in

    def __getitem__(self, name: str) -> LiveName:
        if name not in self:
            raise KeyError(name)
        kind = type(self._names[name]).__qualname__
        return LiveName(name=name, type_name=kind, cell_number=self._bound_in.get(name))

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str) or name not in self._names or _OWN_NAME.fullmatch(name):
            return False
        # As in %who: IPython's own names are hidden for as long as they keep IPython's values.
        return name not in self._hidden or self._names[name] is not self._hidden[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in list(self._names) if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _note_nested(outer: _Running, inner: _Running, raised_line: int | None) -> None:
    """Note in which line of the outer cell the inner one, which is the end of its text, raised."""
    first = _first_line_of(inner.info.raw_cell, outer.info.raw_cell)
    if raised_line is not None and first is not None:
        outer.nested_raised_line = raised_line + first - 1


def _first_line_of(part: str, whole: str) -> int | None:
    """Return the line of a text on which its end begins; None if the part is not its end."""
    whole, part = whole.rstrip(), part.rstrip()
    return len(whole.splitlines()) - len(part.splitlines()) + 1 if whole.endswith(part) else None


def _first_text_line(raw: str) -> int:
    return len(raw) and 1 + raw[: len(raw) - len(raw.lstrip())].count("\n")


def _aligned(written: list[str], transformed: list[str], line: int) -> int:
    """Return the written line that a transformed one came from, where continued magics made several lines one."""
    from difflib import SequenceMatcher

    old, new = [text.strip() for text in written], [text.strip() for text in transformed]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    last = 1
    for block in matcher.get_matching_blocks():
        if block.b + 1 > line:
            break
        last = block.a + min(line - block.b, block.size + 1)
    return max(1, min(last, len(written)))
