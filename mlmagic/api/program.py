"""The program of a training call: a cell, a text, a function, or a package that is there already."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.source.history import Cell

if TYPE_CHECKING:
    from mlmagic.session import NotebookContext
    from mlmagic.source.data import DataFile
    from mlmagic.source.features import FeatureFiles
    from mlmagic.spec.package import TrainerPackage

_FUNCTIONS = ("train", "build_model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is to be packaged, as the caller gave it."""

    name: str
    source: str | Callable[..., Any] | None = None
    cell: Cell | None = None
    package: str | os.PathLike[str] | None = None
    module: str = "trainer.task"
    ship: Mapping[str, Any] = field(default_factory=dict)
    features: Callable[[], FeatureFiles] | None = None
    """Makes the modules of a dataset's features, for a program that has `build_model`."""

    def build(self, context: NotebookContext) -> TrainerPackage:
        """Return the package.

        Raises:
            CellError: the cell cannot become a package.
            PackageError: the given package cannot be run.
        """
        if self.package is not None:
            from mlmagic.source.package_dir import read_package

            return read_package(Path(self.package).expanduser(), self.module)
        from mlmagic.source.build import build_package

        module = module_of(self.source)
        return build_package(
            self.name,
            self.cell or cell_of(self.source),
            context.cells if module is None else module,
            live=context.live if module is None else {},
            ship=self._data_files(),
            features=self.features,
            notebook=context.notebook,
        )

    def _data_files(self) -> dict[str, DataFile]:
        if not self.ship:
            return {}
        from mlmagic.source.data import to_data_file

        return {name: to_data_file(name, value) for name, value in self.ship.items()}


def check_program(source: object, package: object, cell: object) -> None:
    """Check that exactly one program is given, and that it is of a kind that can be packaged.

    Raises:
        UsageError: it is not.
    """
    given = [name for name, value in (("source", source), ("package", package), ("cell", cell)) if value is not None]
    if len(given) != 1:
        told = " and ".join(given) if given else "none"
        raise UsageError(f"give the program once, as source (text or function) or package (folder); given: {told}.")
    if package is not None and not isinstance(package, str | os.PathLike):
        raise UsageError(f"package must be a folder's path, not {type(package).__name__} {package!r:.60}.")
    if source is not None and not isinstance(source, str):
        _check_function(source)


def _check_function(source: object) -> None:
    import inspect

    if not inspect.isfunction(source):
        raise UsageError(f"source must be a program's text or a function, not {type(source).__name__} {source!r:.60}.")
    if source.__name__ not in _FUNCTIONS:
        allowed = " or ".join(_FUNCTIONS)
        raise UsageError(
            f"the function must be called {allowed}, as in a %%train cell; it is called {source.__name__}."
        )
    if source.__closure__:
        names = ", ".join(source.__code__.co_freevars)
        raise UsageError(
            f"{source.__name__} uses variables of an enclosing function ({names}); pass them as keyword parameters."
        )


def cell_of(source: str | Callable[..., Any] | None) -> Cell:
    """Return a program's text or a function's own as a cell.

    Raises:
        UsageError: the source of the function cannot be found.
    """
    if isinstance(source, str):
        return Cell(source=source)
    import inspect
    import textwrap

    try:
        lines, _ = inspect.getsourcelines(source)  # type: ignore[arg-type]
    except (OSError, TypeError) as error:
        name = getattr(source, "__name__", "the program")
        raise UsageError(f"the source of {name} cannot be found; pass its text instead.") from error
    return Cell(source=textwrap.dedent("".join(lines)))


def module_of(source: str | Callable[..., Any] | None) -> tuple[Cell, ...] | None:
    """The text of the file that a function stands in, for what it uses; None for what belongs to the notebook."""
    if not callable(source):
        return None
    import inspect

    module = inspect.getmodule(source)
    try:
        return (Cell(source=inspect.getsource(module)),) if module else None
    except (OSError, TypeError):
        return None
