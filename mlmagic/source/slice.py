"""A cell and what it needs from the executed cells, in an order that runs.

A backward slice over the trace of executed statements. What a kept statement read when it ran means what it meant then;
what its functions read when they are called means the last definition. Statements stay in the order of their execution,
so both may be there: a default argument keeps the value that it saw. Code that changed a kept value comes along.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mlmagic.errors import nearest
from mlmagic.source.cells import compile_problem, parse_cell
from mlmagic.source.copying import Copying
from mlmagic.source.effects import Reason
from mlmagic.source.history import Cell, LiveName
from mlmagic.source.notes import left_out
from mlmagic.source.problems import Fault, Problem, raise_problems, raise_syntax
from mlmagic.source.purity import IPYTHON_NAMES, MODULE_NAMES
from mlmagic.source.settings import is_read_by, only_variables, reads_environment
from mlmagic.source.sharing import Change, Sharing
from mlmagic.source.trace import Entry, Trace, is_compound, is_import, is_lazy_import


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
    problem = parse_cell(cell.source).problem or compile_problem(cell.source, in_notebook=False)
    if problem is not None:
        raise_syntax(cell, problem)
    ran = [executed for executed in history if executed.raised_line is None or _ran_in_part(executed)]
    return _Slicer(Trace(ran, cell, shipped), cell, ran, live or {}, frozenset(shipped)).slice()


def _ran_in_part(cell: Cell) -> bool:
    """Say whether a cell that raised got as far as running: one that does not compile did not."""
    return compile_problem(cell.source, in_notebook=True) is None


class _Slicer:
    """Keeps statements until nothing more is needed."""

    def __init__(
        self, trace: Trace, cell: Cell, history: Sequence[Cell], live: Mapping[str, LiveName], shipped: frozenset[str]
    ) -> None:
        self._trace, self._cell, self._history = trace, cell, history
        self._live = live
        self._sharing = Sharing(trace)
        self._copying = Copying(trace, self._sharing, live, shipped)
        self._kept: dict[int, bool] = {}  # index: whether its functions are called after it ran
        self._waiting: list[tuple[int, bool]] = []
        self._until: dict[tuple[int, str], int] = {}
        self._used: set[str] = set()
        self._problems: dict[str, Problem] = {}
        self._deletions: dict[tuple[str, int], None] = {}
        self._unsure: dict[str, tuple[Entry, int]] = {}  # late reads that nothing defines so far
        self._found: set[str] = set()
        self._notes: list[str] = []

    def slice(self) -> Slice:
        """Return the program."""
        dropped = set()
        for entry in self._trace.entries:
            if entry.of_cell and self._shows_in_ipython(entry):
                dropped.add(entry.index)
            elif entry.of_cell:
                self._keep(entry.index, late=True)
            elif is_lazy_import(entry.statement.node) and self._trace.entries[-1].lazy:
                self._keep(entry.index, late=False)
        self._settle()
        raise_problems(self._cell, list(self._problems.values()))
        kept = [entry for entry in self._trace.entries if entry.index in self._kept and entry.index not in dropped]
        kept.sort(key=lambda entry: not _is_future(entry.statement.node))
        return Slice(
            statements=tuple(_statement(entry) for entry in kept),
            modules=tuple(
                sorted({module for entry in kept for module in entry.statement.names.modules} - {"__future__"})
            ),
            shipped=tuple(sorted(self._used)),
            notes=tuple(dict.fromkeys([*left_out(self._cell, self._history, kept), *self._notes])),
        )

    def _settle(self) -> None:
        while True:
            while self._waiting:
                index, late = self._waiting.pop(0)
                self._follow(self._trace.entries[index], late=late)
            before = len(self._kept)
            for name, index in list(self._deletions):
                if any(kept < index and name in self._trace.entries[kept].statement.names.binds for kept in self._kept):
                    # Else the name would be alive in the package where it is not in the kernel.
                    self._keep(index, late=False)
            self._set_up()
            if len(self._kept) == before and not self._waiting:
                break
        rebound = {name for index in self._kept for name in self._trace.entries[index].statement.names.rebinds}
        for name, (entry, line) in self._unsure.items():
            if name not in self._found and name not in rebound:
                self._undefined(name, entry, line)

    def _set_up(self) -> None:
        """Keep what set up the libraries that the program imports."""
        kept = [self._trace.entries[index] for index in self._kept]
        modules = {module for entry in kept for module in entry.statement.names.modules}
        asks = any(reads_environment(entry.statement.node) for entry in kept if not entry.effects.settings)
        for entry in self._trace.entries:
            if entry.index in self._kept or not entry.effects.settings or entry.of_cell or _binds_plainly(entry):
                continue
            settings = entry.effects.settings
            if any(is_read_by(setting, modules) for setting in settings) or (asks and only_variables(settings)):
                self._set(entry)

    def _set(self, entry: Entry) -> None:
        reason = self._copying.reason(entry.index)
        if reason is None:
            self._keep(entry.index, late=False)
        elif only_variables(entry.effects.settings):
            place = entry.place(entry.statement.first_line)
            self._notes.append(f"{place}: left out {_first_line(entry)}, which {reason.text}")

    def _keep(self, index: int, *, late: bool) -> None:
        if index not in self._kept or (late and not self._kept[index]):
            self._kept[index] = late or self._kept.get(index, False)
            self._waiting.append((index, late))

    # What a statement needs

    def _follow(self, entry: Entry, *, late: bool) -> None:
        guarded = {*entry.statement.names.guarded, *entry.statement.names.binds}
        for name, line in entry.eager.items():
            self._need(
                name,
                entry.index,
                entry,
                line,
                strict=name not in guarded,
                late=not _only_called(self._trace, entry, name),
            )
        for name, index in self._trace.reached(entry, entry.index):
            self._found.add(name)
            if self._is_copied(index):
                self._require(index, name, entry.index, late=False)
            else:
                self._live_problem(name, self._trace.entries[index], entry, entry.statement.first_line)
        for name in entry.wished:
            self._wish(name)
        if late:
            for name, line in entry.statement.names.late.items():
                self._need(name, self._trace.end, entry, line, strict=name not in guarded, late=True)

    def _need(self, name: str, time: int, entry: Entry, line: int, *, strict: bool, late: bool) -> None:
        """Keep what a name means at a time."""
        if self._copying.is_shipped(name, time):
            self._used.add(name)
            return
        resolution = self._trace.resolve(name, time)
        if resolution.deleted is not None:
            self._deletions[name, resolution.deleted] = None
        if spoilt := [index for index in resolution.definitions if not self._is_copied(index)]:
            self._live_problem(name, self._trace.entries[spoilt[-1]], entry, line)
            return
        for index in resolution.definitions:
            self._require(index, name, time, late=late)
        if resolution.settled or resolution.definitions or name in MODULE_NAMES:
            return
        if name in IPYTHON_NAMES:
            text = f"{name} exists only in IPython; needed by {entry.place(line)}"
            self._problem(Problem(fault=Fault.IPYTHON, name=name, text=text))
        elif name in self._trace.from_magics or name in self._live:
            self._live_problem(name, None, entry, line)
        elif strict and time == self._trace.end:
            self._unsure.setdefault(name, (entry, line))
        elif strict and entry.of_cell:
            self._undefined(name, entry, line)

    def _wish(self, name: str) -> None:
        """Keep a name that an unevaluated annotation mentions, if it can be copied."""
        if self._copying.is_shipped(name, self._trace.end):
            return
        for index in self._trace.resolve(name, self._trace.end).definitions:
            if self._is_copied(index):
                self._require(index, name, index + 1, late=True)

    def _is_copied(self, index: int) -> bool:
        return self._trace.entries[index].of_cell or self._copying.reason(index) is None

    def _require(self, index: int, name: str, until: int, *, late: bool) -> None:
        """Keep a definition, and what changes its object until a time."""
        definition = self._trace.entries[index]
        self._keep(index, late=late)
        since = self._until.get((index, name), index)
        if until <= since:
            return
        self._until[index, name] = until
        for change in list(self._sharing.changes(index, name, until)):
            if change.at >= since and change.at not in self._kept:
                self._require_change(change, name, definition)

    def _require_change(self, found: Change, name: str, definition: Entry) -> None:
        change, reason = self._trace.entries[found.at], self._copying.reason(found.at)
        if not self._copying.touches(found, definition.index, name):
            return
        if only_variables(change.effects.settings) and (
            is_import(definition.statement.node) or self._trace.changes_only_modules(change)
        ):
            return  # `os` is needed for much else; `_set_up` decides
        if reason is None:
            self._keep(change.index, late=True)
            return
        if not self._copying.spoils(found, definition.index, name):
            return
        first = _first_line(change)
        if is_import(definition.statement.node):
            self._notes.append(f"{change.place(change.statement.first_line)}: left out {first}, which {reason.text}")
            return
        made = f"{name} of {definition.place(definition.statement.first_line)}"
        if self._copying.has_learned(found) and not reason.text.startswith("reads "):
            text = f"{made} has learned in {change.place(change.statement.first_line)}, {first}"
            self._problem(Problem(fault=Fault.LEARNED, name=name, text=text))
            return
        text = f"{made} is changed by {change.place(change.statement.first_line)}, {first}, which cannot be copied: it "
        self._problem(Problem(fault=Fault.CHANGED, name=name, text=text + reason.text))

    # Problems and notes

    def _problem(self, problem: Problem) -> None:
        self._problems.setdefault(problem.name, problem)

    def _undefined(self, name: str, entry: Entry, line: int) -> None:
        known = dict.fromkeys(known for known in [*self._trace.names(), *self._live] if known != name)
        known.update(dict.fromkeys(difflib.get_close_matches(name, sorted(MODULE_NAMES), n=1, cutoff=0.8)))
        offer = nearest(name, known)
        text = f"{name}, read in {entry.place(line)}. {offer}".rstrip().removesuffix(".")
        self._problem(Problem(fault=Fault.UNDEFINED, name=name, text=text))

    def _live_problem(self, name: str, definition: Entry | None, entry: Entry, line: int) -> None:
        live = self._live.get(name)
        type_name = live.type_name if live else "object"
        text = f"{name} ({type_name})" if live else name
        magic = self._trace.from_magics.get(name)
        if definition is not None:
            origin, index = self._copying.root(definition.index)
            root = self._trace.entries[index]
            reason = self._copying.reason(index) or Reason("", root.statement.first_line)
            text += f", from {origin}" if origin not in ("", name) else ""
            text += f": {root.place(reason.line)} {reason.text}"
        elif magic is not None:
            text += f": {magic.title}, line {magic.first_line} captured it"
        elif live is not None and live.cell_number is not None:
            text += f": made in Cell [{live.cell_number}]"
        text += f"; needed by {entry.place(line)}"
        self._problem(Problem(fault=Fault.LIVE, name=name, text=text, type_name=type_name))

    def _shows_in_ipython(self, entry: Entry) -> bool:
        """Say whether it is a statement such as `display(df)`, which a program can do without."""
        if not isinstance(entry.statement.node, ast.Expr):
            return False
        for name in entry.eager:
            if name in IPYTHON_NAMES and not self._trace.resolve(name, entry.index).definitions:
                first = _first_line(entry)
                place = entry.place(entry.statement.first_line)
                self._notes.append(f"{place}: left out {first}: {name} exists only in IPython")
                return True
        return False


def _statement(entry: Entry) -> Statement:
    line = entry.cell.first_line + entry.statement.first_line - entry.statement.comments - 1
    return Statement(source=entry.statement.source, cell=entry.cell, first_line=line)


def _first_line(entry: Entry) -> str:
    return entry.statement.source.split("\n")[entry.statement.comments].strip()


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _binds_plainly(entry: Entry) -> bool:
    """Say whether it is there for the names that it binds, as `model = make(seed=1)` is."""
    return bool(entry.statement.names.binds) and not is_compound(entry.statement.node)


def _only_called(trace: Trace, entry: Entry, name: str) -> bool:
    """Say whether a name is a function that a statement calls and that nobody can call later through the result."""
    found = trace.definition(name, entry.index)
    if found is None or entry.of_cell or not isinstance(found[0], ast.FunctionDef) or _has_code_inside(found[0]):
        return False
    called, read = 0, 0
    for node in ast.walk(entry.statement.node):
        called += isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        read += isinstance(node, ast.Name) and node.id == name
    return called == read


@lru_cache(maxsize=8192)
def _has_code_inside(function: ast.FunctionDef) -> bool:
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Yield, ast.YieldFrom)
    return any(isinstance(node, inner) for child in function.body for node in ast.walk(child))
