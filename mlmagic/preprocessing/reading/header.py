"""What the first row of a CSV file says. Needs the standard library alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from mlmagic.errors import UsageError

DELIMITERS = ",\t;|"


def delimiter_of(row: str, path: str) -> str:
    """Return what keeps the fields of a row apart."""
    if path.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    unquoted = re.sub(r'"[^"]*"', "", row)
    return max(DELIMITERS, key=unquoted.count)


def name_columns(cells: Sequence[str], path: str) -> tuple[str, ...]:
    """Name the columns; one without a name is called by its place, such as the index that pandas writes.

    Raises:
        UsageError: two are called the same.
    """
    names = tuple(cell.strip() or f"column_{place}" for place, cell in enumerate(cells, 1))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"{path}: has two columns called {', '.join(twice[:8])}; give others with --column-names")
    return names
