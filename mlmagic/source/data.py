"""`--with df`: a DataFrame or array becomes a data file of the package. Nothing is pickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A data file and the expression that reads it again."""

    name: str
    """The name in the notebook, and in `model.py`."""
    file_name: str
    """Within `trainer/data/`."""
    content: bytes
    loader: str
    """An expression for `model.py`."""
    imports: tuple[str, ...] = ()
    """What the loader needs, such as `import pandas as pd`."""
    modules: tuple[str, ...] = ()
    """What it needs to be installed."""


def to_data_file(name: str, value: Any) -> DataFile:
    """Return the object as a file that gives an equal object when it is read.

    Raises:
        UsageError: it is of a kind that cannot be shipped, too large, or would not come back the same.
    """
    raise TypeError(name, value)
