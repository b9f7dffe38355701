"""Types that a kernel shows in a way of ours; a terminal shows their text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any


class OwnDisplay(ABC):
    """Shows the objects of one type. IPython knows it by its names, so that nothing is imported for it."""

    module: str
    name: str

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def start(self) -> None:
        """Let IPython show such objects so, if this is a kernel."""
        if hasattr(self._shell, "kernel"):
            self._formatter.for_type_by_name(self.module, self.name, self.show)

    def stop(self) -> None:
        """Leave them to IPython again."""
        with suppress(KeyError):
            self._formatter.pop(f"{self.module}.{self.name}")

    @abstractmethod
    def show(self, shown: Any) -> None:
        """Show one."""

    @property
    def _formatter(self) -> Any:
        return self._shell.display_formatter.ipython_display_formatter
