"""The code and the declaration of a preprocessing call: a cell, a text, a function, a mapping, a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.api.program import cell_of, module_of
from mlmagic.errors import UsageError, nearest
from mlmagic.source.history import Cell

if TYPE_CHECKING:
    from mlmagic.session import NotebookContext
    from mlmagic.spec.package import TrainerPackage

_FUNCTIONS = ("clean", "clean_row")


@dataclass(frozen=True, slots=True, kw_only=True)
class CleaningSource:
    """What is to be packaged, as the caller gave it."""

    source: str | Callable[..., Any] | None = None
    cell: Cell | None = None
    declaration: Mapping[Any, Any] | None = None
    ship: Mapping[str, Any] = field(default_factory=dict)

    def build(self, name: str, context: NotebookContext, *, target: str | None, key: str | None) -> TrainerPackage:
        """Return the package.

        Raises:
            CellError: the cell cannot become a package.
            UsageError: features that cannot be used.
            MissingDependencyError: the pipeline needs what is not installed.
        """
        from mlmagic.source.data import to_data_file
        from mlmagic.source.preprocessing import build_preprocessor

        module = module_of(self.source)
        return build_preprocessor(
            name,
            cell_of(self.source) if self.source is not None else self.cell,
            context.cells if module is None else module,
            declaration=self.declaration,
            target=target,
            key=key,
            live=context.live if module is None else {},
            data={name: to_data_file(name, value) for name, value in self.ship.items()},
            notebook=context.notebook,
        )


def check_source(source: object, cell: object) -> None:
    """Check that at most one program is given, and that it is of a kind that can be packaged.

    Raises:
        UsageError: it is not.
    """
    import inspect

    if source is not None and cell is not None:
        raise UsageError("give the code once, as source or in the cell.")
    if source is None or isinstance(source, str):
        return
    if not inspect.isfunction(source):
        raise UsageError(f"source must be a cell's text or a function, not {type(source).__name__} {source!r:.60}.")
    if source.__name__ not in _FUNCTIONS:
        raise UsageError(f"the function must be called clean or clean_row; it is called {source.__name__}.")
    if source.__closure__:
        names = ", ".join(source.__code__.co_freevars)
        raise UsageError(f"{source.__name__} uses variables of an enclosing function ({names}), which stay behind.")


def read_declaration(given: object) -> dict[Any, Any] | None:
    """Return a declaration of features that is given as a mapping, or as the path of a YAML or JSON file.

    Raises:
        UsageError: it is neither, or cannot be read.
    """
    from mlmagic.source.declaration import parse_declaration

    if given is None:
        return None
    if isinstance(given, Mapping):
        return dict(given)
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"features must be a mapping or a file's path, not {type(given).__name__} {given!r:.60}.")
    path = Path(given).expanduser()
    try:
        return dict(parse_declaration(path.read_text("utf-8"), str(path)))
    except FileNotFoundError:
        names = [str(other) for other in path.parent.glob("*")] if path.parent.is_dir() else []
        raise UsageError(f"features: there is no file {str(path)!r}. {nearest(str(path), names)}".rstrip()) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"features: {str(path)!r} cannot be read: {error}.") from None
