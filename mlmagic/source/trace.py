"""The executed cells as one row of top-level statements, in the order in which they ran.

A time is a place in that row.
"""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from mlmagic.source.callees import assigned_value
from mlmagic.source.cells import ParsedStatement, parse_cell
from mlmagic.source.conduct import Conduct, conduct_of_statement
from mlmagic.source.effects import Effects, Judge, Reason
from mlmagic.source.history import Cell
from mlmagic.source.links import Links, find_links
from mlmagic.source.settings import adds_up

_AT = attrgetter("at")
_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """A statement that ran, or, of the cell to be packaged, one that will run."""

    index: int
    statement: ParsedStatement
    cell: Cell
    of_cell: bool
    lazy: bool
    """`from __future__ import annotations` holds: annotations are not evaluated."""
    effects: Effects = field(default_factory=Effects)
    links: Links = field(default_factory=lambda: Links(()))

    @property
    def eager(self) -> dict[str, int]:
        """Names read when it ran, with the line in the cell's source."""
        names = self.statement.names
        return names.eager if self.lazy or not names.annotations else {**names.annotations, **names.eager}

    @property
    def wished(self) -> dict[str, int]:
        """Names that appear without being read."""
        names = self.statement.names
        return {**names.annotations, **names.hopeful} if self.lazy else names.hopeful

    def place(self, line: int) -> str:
        """`Cell [3], line 2`, for a line of the cell's source."""
        return self.cell.place(line)


class Binding(NamedTuple):
    """A statement that gives a name a value, or takes the name away."""

    at: int
    certain: bool = True
    deletes: bool = False
    module: str = ""
    """`a.b` of `import a.b`, which adds to what an earlier `import a` bound."""


class Resolution(NamedTuple):
    """What a name means at a time: more than one definition where some are conditional."""

    definitions: tuple[int, ...]
    settled: bool
    """One of the definitions is certain."""
    deleted: int | None = None
    """The `del` after which there is none."""


class Trace:
    """Statements in the order of their execution; the cell to be packaged comes last."""

    def __init__(self, history: Sequence[Cell], cell: Cell, shipped: Iterable[str]) -> None:
        self.entries: list[Entry] = []
        self.stars: list[int] = []
        self.from_magics: dict[str, Cell] = {}
        """Names that a cell magic bound, as `%%capture out` does."""
        self._bindings: dict[str, list[Binding]] = {}
        self._resolutions: dict[tuple[str, int, int], Resolution] = {}
        self._code: list[frozenset[int]] = []  # of each entry: the functions and classes that its values may contain
        self._reached: dict[tuple[int, int], tuple[tuple[str, int], ...]] = {}
        self._shipped = frozenset(shipped)
        self._judge = Judge(self)
        self._set_by: dict[str, Entry] = {}
        self._lazy = False
        for executed in history:
            parsed = parse_cell(executed.source)
            self.from_magics.update(dict.fromkeys(parsed.binds, executed))
            for statement in executed_statements(executed):
                if not self._repeats(statement, executed):
                    self._append(statement, executed, of_cell=False)
            if (raising := raising_statement(executed)) is not None:
                self._append(raising, executed, of_cell=False, halfway=True)
        for statement in parse_cell(cell.source).statements:
            self._append(statement, cell, of_cell=True)

    @property
    def end(self) -> int:
        """The time after everything."""
        return len(self.entries)

    # What names mean

    def resolve(self, name: str, time: int) -> Resolution:
        """Return the statements that give a name its value at a time."""
        bound = bisect_left(self._bindings.get(name, ()), time, key=_AT)
        key = (name, bound, bisect_left(self.stars, time))  # between two bindings every answer is the same
        if key not in self._resolutions:
            self._resolutions[key] = self._resolve(name, time)
        return self._resolutions[key]

    def _resolve(self, name: str, time: int) -> Resolution:
        found: list[int] = []
        stars = [index for index in self.stars if index < time]
        settled, deleted, modules = False, None, set[str]()
        for binding in reversed(self._bindings.get(name, [])):
            if binding.at >= time or binding.module in modules:
                continue
            if modules and not binding.module:
                break
            if binding.deletes and binding.certain:
                deleted = binding.at
                break
            found.append(binding.at)
            settled = settled or binding.certain
            if binding.module:
                modules.add(binding.module)
            elif binding.certain:
                break
        if not settled or (stars and stars[-1] > found[-1]):
            first = found[-1] if settled else -1
            found += [index for index in stars if index > first]
        return Resolution(tuple(sorted(set(found))), settled, deleted)

    def definition(self, name: str, time: int) -> tuple[ast.stmt, int] | None:
        """Return the statement that bound the name last before a time, and when it ran."""
        for binding in reversed(self._bindings.get(name, [])):
            if binding.at < time:
                return None if binding.deletes else (self.entries[binding.at].statement.node, binding.at)
        return None

    def stars_before(self, time: int) -> list[str]:
        """Return the modules star-imported before a time."""
        return [star for index in self.stars if index < time for star in self.entries[index].statement.names.stars]

    def provides(self, name: str) -> bool:
        """Say whether the package has the name from a data file."""
        return name in self._shipped

    def is_fixed(self, index: int, name: str) -> bool:
        """Say whether what statement `index` gave to `name` is a value that cannot change."""
        node = self.entries[index].statement.node
        value = assigned_value(node, name)
        if value is None and isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple | ast.List):
            value = node.value  # IMG_HEIGHT, IMG_WIDTH = 224, 224
        return value is not None and self._judge.meanings.is_immutable(value, index)

    def changes_only_modules(self, entry: Entry) -> bool:
        """Say whether all that a statement changes was imported."""
        changed = [self.definition(name, entry.index) for name in entry.effects.changes]
        return all(found is not None and is_import(found[0]) for found in changed)

    def bound_after(self, name: str, time: int) -> bool:
        """Say whether a name gets another value or loses it at a time or later, before the cell."""
        return any(b.at >= time and not self.entries[b.at].of_cell for b in self._bindings.get(name, []))

    def reached(self, entry: Entry, time: int) -> tuple[tuple[str, int], ...]:
        """Return what functions read that a statement may call, if it runs at a time: names with their definitions."""
        key = (entry.index, time)
        if key not in self._reached:
            self._reached[key] = tuple(dict.fromkeys(self._reach(entry, time)))
        return self._reached[key]

    def _reach(self, entry: Entry, time: int) -> Iterator[tuple[str, int]]:
        if not _runs_code(entry.statement.node):
            return
        waiting = [
            index for name in entry.eager for d in self.resolve(name, time).definitions for index in self._code[d]
        ]
        waiting += [entry.index] if entry.statement.names.late else []
        seen = set(waiting)
        while waiting:
            for name in self.entries[waiting.pop()].statement.names.late:
                for definition in self.resolve(name, time).definitions:
                    if definition != entry.index:
                        yield name, definition
                    waiting += sorted(self._code[definition] - seen)
                    seen |= self._code[definition]

    def names(self) -> list[str]:
        """Return all names that were ever bound."""
        return list(self._bindings)

    # Building

    def _append(self, statement: ParsedStatement, cell: Cell, *, of_cell: bool, halfway: bool = False) -> None:
        index, names = len(self.entries), statement.names
        self._lazy = self._lazy or is_lazy_import(statement.node)
        entry = Entry(index=index, statement=statement, cell=cell, of_cell=of_cell, lazy=self._lazy)
        own = frozenset(name for name in names.binds if name not in names.eager)
        conduct = conduct_of_statement(statement.node, own if is_compound(statement.node) else frozenset())
        entry.effects = self._weigh(conduct, statement, index)
        if self._sets_again(entry):
            return
        self.entries.append(entry)
        self._code.append(frozenset())
        if halfway:
            self._append_halfway(entry)
            return
        entry.links = find_links(statement.node, names, entry.eager, self._late_of)
        held = [self._code[d] for name in entry.eager for d in self.resolve(name, index).definitions]
        self._code[index] = frozenset([index] if names.late else []).union(*held)
        modules = _plain_imports(statement.node)
        for name in names.deletes:
            self._bind(name, Binding(index, certain=isinstance(statement.node, ast.Delete), deletes=True))
        for name, certain in names.binds.items():
            self._bind(name, Binding(index, certain=certain, module=modules.get(name, "")))
        for name in entry.effects.rebinds:
            if name not in names.binds:
                self._bind(name, Binding(index, certain=False))
        if names.stars:
            self.stars.append(index)

    def _append_halfway(self, entry: Entry) -> None:
        """Count what a statement that raised may have done: a loop may have bound and changed, `x.fit()` changed."""
        names, in_part = entry.statement.names, is_compound(entry.statement.node)
        if not in_part and entry.effects.impure is None:
            entry.effects.changes.clear()
        entry.effects.impure = Reason("raised halfway", entry.statement.first_line)
        for name in [*names.binds, *entry.effects.rebinds] if in_part else entry.effects.rebinds:
            self._bind(name, Binding(entry.index, certain=False))

    def _weigh(self, conduct: Conduct, statement: ParsedStatement, time: int) -> Effects:
        try:
            effects = self._judge.weigh(conduct, time)
        except RecursionError:
            effects = Effects(impure=Reason("calls too deep to be followed", statement.first_line))
        if conduct.waits is not None:
            effects.refuse("awaits", conduct.waits)
        return effects

    def _bind(self, name: str, binding: Binding) -> None:
        self._bindings.setdefault(name, []).append(binding)

    def _late_of(self, name: str) -> Iterable[str] | None:
        """Return what a function reads when it is called, or None if the name is not bound."""
        found = self.definition(name, self.end)
        return None if found is None else self.entries[found[1]].statement.names.late

    def _repeats(self, statement: ParsedStatement, cell: Cell) -> bool:
        """Say whether running the statement again made no difference, and if so show it where it ran last.

        So it is with a re-run cell of imports and definitions: nothing that it reads or binds has changed since.
        """
        names = statement.names
        if not names.binds or names.deletes or names.stars:
            return False
        latest = {self._bindings[name][-1].at if name in self._bindings else -1 for name in names.binds}
        before = self.entries[latest.pop()] if len(latest) == 1 and latest != {-1} else None
        if before is None or before.statement.source != statement.source or before.lazy != self._lazy:
            return False
        effects, now = before.effects, len(self.entries)
        if effects.impure or effects.changes or effects.rebinds or any(name in before.eager for name in names.binds):
            return False
        if any(self.resolve(name, now) != self.resolve(name, before.index) for name in before.eager):
            return False
        if set(self.reached(before, now)) != set(self.reached(before, before.index)):
            return False
        if is_import(statement.node):  # the same module, whatever was done to it
            before.statement, before.cell = statement, cell
            return True
        later = self.entries[before.index + 1 :]
        if self._makes_an_object(statement.node, before.index) and any(_takes_hold(e, names.binds) for e in later):
            return False
        # Through other names, a change may have reached whatever the statement reads that can change at all.
        touched = set(names.binds) if self._reads_only_fixed(before) else None
        if any(e.effects.changes if touched is None else not touched.isdisjoint(e.effects.changes) for e in later):
            return False
        before.statement, before.cell = statement, cell
        return True

    def _sets_again(self, entry: Entry) -> bool:
        """Say whether it only sets, as a re-run cell does, what the same statement has set last."""
        effects, before = entry.effects, {self._set_by.get(setting) for setting in entry.effects.settings}
        self._set_by.update(dict.fromkeys(effects.settings, entry))
        if len(before) != 1 or (last := before.pop()) is None or entry.of_cell or entry.statement.names.binds:
            return False
        if last.statement.source != entry.statement.source or effects.impure or effects.rebinds:
            return False
        if any(adds_up(setting) for setting in effects.settings) or not self.changes_only_modules(entry):
            return False
        same = all(self.resolve(name, entry.index) == self.resolve(name, last.index) for name in entry.eager)
        if same and set(self.reached(entry, entry.index)) == set(self.reached(last, last.index)):
            self._set_by.update(dict.fromkeys(effects.settings, last))
            return True
        return False

    def _reads_only_fixed(self, entry: Entry) -> bool:
        """Say whether all that the statement may read are modules, functions, classes and values that cannot change."""
        read = [(name, index) for name in entry.eager for index in self.resolve(name, entry.index).definitions]
        for name, index in [*read, *self.reached(entry, entry.index)]:
            node = self.entries[index].statement.node
            value = assigned_value(node, name)
            if isinstance(node, _DEFINITIONS) or (
                value is not None and self._judge.meanings.is_immutable(value, index)
            ):
                continue
            return False
        return True

    def _makes_an_object(self, node: ast.stmt, time: int) -> bool:
        """Say whether running the statement twice makes two objects that can be told apart."""
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            return not self._judge.meanings.is_immutable(node.value, time)
        return not isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def executed_statements(cell: Cell) -> tuple[ParsedStatement, ...]:
    """Return the statements of a cell that ran to their end."""
    statements = parse_cell(cell.source).statements
    if cell.raised_line is None:
        return statements
    return tuple(statement for statement in statements if statement.last_line < cell.raised_line)


def raising_statement(cell: Cell) -> ParsedStatement | None:
    """Return the statement in which a cell raised."""
    line = cell.raised_line
    statements = parse_cell(cell.source).statements if line is not None else ()
    return next((s for s in statements if line is not None and s.first_line <= line <= s.last_line), None)


def is_import(node: ast.stmt) -> bool:
    """Say whether it is an import, of any form."""
    return isinstance(node, ast.Import | ast.ImportFrom)


def is_lazy_import(node: ast.stmt) -> bool:
    """Say whether it is `from __future__ import annotations`."""
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
    )


def _takes_hold(entry: Entry, names: Collection[str]) -> bool:
    """Say whether a statement ties something to the objects behind the names, so that their identity matters."""
    tied = any(tie.name in names for tie in entry.links.ties)
    return tied or (bool(entry.effects.changes) and any(name in names for name in entry.eager))


def is_compound(node: ast.stmt) -> bool:
    """Say whether it has statements in it that run as it goes along."""
    return isinstance(
        node, ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try | ast.Match | ast.TryStar
    )


def _plain_imports(node: ast.stmt) -> dict[str, str]:
    if not isinstance(node, ast.Import):
        return {}
    return {alias.name.partition(".")[0]: alias.name for alias in node.names if not alias.asname}


@lru_cache(maxsize=8192)
def _runs_code(node: ast.stmt) -> bool:
    """Say whether a statement may call functions of the notebook when it runs."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return False
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
        return bool(node.decorator_list) or any(_runs(default) for default in defaults)
    return isinstance(node, ast.ClassDef) or _runs(node)


def _runs(node: ast.AST) -> bool:
    quiet = (
        ast.Constant,
        ast.Name,
        ast.Tuple,
        ast.List,
        ast.Set,
        ast.Dict,
        ast.expr_context,
        ast.Assign,
        ast.AnnAssign,
    )
    if isinstance(node, ast.Lambda):
        return any(_runs(default) for default in [*node.args.defaults, *node.args.kw_defaults] if default)
    return not isinstance(node, quiet) or any(_runs(child) for child in ast.iter_child_nodes(node))
