"""Magics of others that have the name of one of ours, such as TensorBoard's own `%tensorboard`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any


class ReplacedMagics:
    """What stood in a shell's tables before ours came, to be put back when they go."""

    def __init__(self, shell: Any) -> None:
        self._tables: Mapping[str, dict[str, Any]] = shell.magics_manager.magics
        self._own: dict[str, Callable[..., Any]] = {}
        self._before: dict[tuple[str, str], Any] = {}

    def note(self, name: str, function: Callable[..., Any]) -> None:
        """Remember what has the name now that the function is about to get, and say so if anything has it."""
        found = {(kind, name): table[name] for kind, table in self._tables.items() if name in table}
        self._own[name] = function
        self._before |= found
        if found:
            whose = (getattr(next(iter(found.values())), "__module__", None) or "another extension").partition(".")[0]
            sys.stdout.write(
                f"%{name} is mlmagic's from now on, and no longer that of {whose}: "
                f"%{name} --help tells what it takes. %unload_ext mlmagic brings the other back.\n"
            )

    def restore(self) -> None:
        """Take our functions out, and put back what they took the place of; what came after ours stays."""
        for name, function in self._own.items():
            for kind, table in self._tables.items():
                if table.get(name) is function:
                    del table[name]
                    if (kind, name) in self._before:
                        table[name] = self._before[kind, name]
        self._own.clear()
        self._before.clear()
