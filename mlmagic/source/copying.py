"""Which executed statements may run again in a package: pure ones, over values that may be made again themselves."""

from __future__ import annotations

import ast
from collections.abc import Collection

from mlmagic.source.effects import Reason
from mlmagic.source.learning import Learners
from mlmagic.source.purity import MODULE_NAMES
from mlmagic.source.sharing import Change, Sharing
from mlmagic.source.trace import Entry, Trace, is_compound, is_import

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError"})


class Copying:
    """Decides for each statement of a trace."""

    def __init__(self, trace: Trace, sharing: Sharing, live: Collection[str], shipped: frozenset[str]) -> None:
        self._trace, self._sharing, self._live, self._shipped = trace, sharing, live, shipped
        self._reasons: dict[int, Reason | None] = {}
        self._causes: dict[int, tuple[str, int]] = {}  # what a statement read that exists only in the kernel
        self._learners = Learners(trace)

    def reason(self, index: int) -> Reason | None:
        """Return why a statement may not run again, or None if it may."""
        waiting = [index]  # not recursive: no chain of statements is too long
        while waiting:
            open_ = [] if waiting[-1] in self._reasons else self._undecided(self._trace.entries[waiting[-1]])
            waiting += open_
            if not open_:
                decided = waiting.pop()
                if decided not in self._reasons:
                    self._reasons[decided] = self._judge(self._trace.entries[decided])
        return self._reasons[index]

    def _undecided(self, entry: Entry) -> list[int]:
        """Return the statements, all of them earlier, that must be judged before this one."""
        if entry.effects.impure is not None:
            return []
        read = [(d, name) for name in entry.eager for d in self._trace.resolve(name, entry.index).definitions]
        needed: set[int] = set()
        for index, name in [*read, *((d, name) for name, d in self._trace.reached(entry, entry.index))]:
            needed.add(index)
            for change in self._sharing.changes(index, name, entry.index):
                needed.update([change.at, *change.through])
        return sorted(needed - self._reasons.keys())

    def root(self, index: int) -> tuple[str, int]:
        """Return the statement that a statement cannot be copied for, itself or an earlier one, and what it made."""
        name = ""
        while index in self._causes:
            name, index = self._causes[index]
        return name, index

    def touches(self, change: Change, index: int, name: str) -> bool:
        """Say whether a change can be one of what statement `index` gave to `name`.

        What a model was made of is changed by `model.fit()` only if it can learn itself.
        """
        return not change.through or not self.has_learned(change) or self._learners.can_learn(index, name)

    def has_learned(self, change: Change) -> bool:
        """Say whether all that a change does is to build objects up and to let them learn, as `model.fit()` does."""
        only_itself = self._trace.entries[change.at].effects.only_itself
        return bool(only_itself) and all(only_itself.values())

    def spoils(self, change: Change, index: int, name: str) -> bool:
        """Say whether a change cannot be copied, though it surely reaches what statement `index` gave to `name`.

        What a call that is not copied returned, such as a table that was read, is taken for an object of its own: a
        function seldom returns what it was given, and tables are changed all the time.
        """
        if self.reason(change.at) is None or any(self.reason(call) is not None for call in change.through):
            return False
        return self.touches(change, index, name)

    def is_shipped(self, name: str, time: int) -> bool:
        """Say whether a name means the data file; what it was before its last value does not."""
        return name in self._shipped and not self._trace.bound_after(name, time)

    def _judge(self, entry: Entry) -> Reason | None:
        if entry.effects.impure is not None and not _is_guarded_import(entry.statement.node):
            return entry.effects.impure
        for name, line in entry.eager.items():
            if self.is_shipped(name, entry.index) or name in entry.statement.names.guarded:
                continue
            resolution = self._trace.resolve(name, entry.index)
            bound = name in entry.statement.names.binds  # on some path, by the statement itself
            # A loop or branch that ran without a name that is nowhere did not come to where it is read.
            passed_by = is_compound(entry.statement.node) and name not in self._live
            known = resolution.definitions or name in MODULE_NAMES or bound or passed_by
            if name in self._shipped or not known:
                return Reason(f"reads {name}, which exists only in the kernel", line)
            for index in resolution.definitions:
                if spoilt := self._spoilt(index, name, entry.index):
                    self._blame(entry, index, name)
                    return Reason(f"reads {name}, which {spoilt}", line)
        for name, index in self._trace.reached(entry, entry.index):
            if spoilt := self._spoilt(index, name, entry.index):
                self._blame(entry, index, name)
                return Reason(f"reads {name}, which {spoilt}", entry.statement.first_line)
        return None

    def _blame(self, entry: Entry, index: int, name: str) -> None:
        if self.reason(index) is not None:
            self._causes[entry.index] = name, index

    def _spoilt(self, index: int, name: str, time: int) -> str:
        """Say why a definition, or a change made to its object before a time, cannot be copied."""
        if self.reason(index) is not None:
            return "exists only in the kernel"
        if is_import(self._trace.entries[index].statement.node):
            return ""
        if any(self.spoils(change, index, name) for change in self._sharing.changes(index, name, time)):
            return "was changed in a way that cannot be copied"
        return ""


def _is_guarded_import(node: ast.stmt) -> bool:
    """Say whether it is `try: import … except ImportError: …`; the handler speaks only where the import fails."""
    if (
        not isinstance(node, ast.Try)
        or not all(is_import(child) for child in node.body)
        or node.finalbody
        or node.orelse
    ):
        return False
    names = {
        child.id
        for handler in node.handlers
        if handler.type
        for child in ast.walk(handler.type)
        if isinstance(child, ast.Name)
    }
    return bool(names) and names <= _IMPORT_ERRORS
