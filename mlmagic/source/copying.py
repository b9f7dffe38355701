"""Which executed statements may run again in a package: pure ones, over values that may be made again themselves."""

from __future__ import annotations

import ast

from mlmagic.source.effects import Reason
from mlmagic.source.purity import MODULE_NAMES
from mlmagic.source.sharing import Sharing
from mlmagic.source.trace import Entry, Trace, is_import

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError"})


class Copying:
    """Decides for each statement of a trace."""

    def __init__(self, trace: Trace, sharing: Sharing, shipped: frozenset[str]) -> None:
        self._trace, self._sharing, self._shipped = trace, sharing, shipped
        self._reasons: list[Reason | None] = []

    def reason(self, index: int) -> Reason | None:
        """Return why a statement may not run again, or None if it may."""
        while len(self._reasons) <= index:
            # In order, since a statement depends on earlier ones alone: no chain is too long.
            self._reasons.append(self._judge(self._trace.entries[len(self._reasons)]))
        return self._reasons[index]

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
            known = resolution.definitions or name in MODULE_NAMES or bound
            if name in self._shipped or not known:
                return Reason(f"reads {name}, which exists only in the kernel", line)
            for index in resolution.definitions:
                if spoilt := self._spoilt(index, name, entry.index):
                    return Reason(f"reads {name}, which {spoilt}", line)
        for name, index in self._trace.reached(entry, entry.index):
            if spoilt := self._spoilt(index, name, entry.index):
                return Reason(f"reads {name}, which {spoilt}", entry.statement.first_line)
        return None

    def _spoilt(self, index: int, name: str, time: int) -> str:
        """Say why a definition, or a change made to its object before a time, cannot be copied."""
        if self.reason(index) is not None:
            return "exists only in the kernel"
        if is_import(self._trace.entries[index].statement.node):
            return ""
        if any(self.reason(change) is not None for change in self._sharing.changes(index, name, time)):
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
