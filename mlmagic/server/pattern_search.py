"""A search by a regular expression that a user typed, in a process of its own.

Some patterns take years on a text of forty letters, and Python lets nothing else run meanwhile: in the server's own
process nobody's kernel would answer any more, and there would be no way to stop it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlmagic.errors import UsageError, WorkspaceError
from mlmagic.filters.tree import And, Filter, Node, Not, Operator, Or, Term

PATTERN_SECONDS = 5.0
_PATTERNS = frozenset({Operator.MATCHES, Operator.DIFFERS})


def has_pattern(where: Filter | None) -> bool:
    """Say whether a filter has a regular expression in it."""
    return where is not None and _has_pattern(where.root)


def search_apart(database: Path, sql: str, values: Sequence[str | int | float]) -> list[tuple[Any, ...]]:
    """Return the rows that a query finds.

    Raises:
        UsageError: that takes too long.
        WorkspaceError: the database cannot be searched.
    """
    asked = json.dumps({"database": os.fspath(database), "sql": sql, "values": list(values)})
    # No module that happens to lie in the folder of somebody's notebooks is to be imported.
    command = [sys.executable, "-P", "-m", __name__]
    try:
        done = subprocess.run(
            command, input=asked, capture_output=True, text=True, timeout=PATTERN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"the filter has a pattern with which the jobs were not looked through in {PATTERN_SECONDS:g} s.",
            hint="What repeats a repetition, such as (a+)+, may take for ever: write it without, here a+.",
        ) from None
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        raise WorkspaceError(f"the jobs cannot be searched by that pattern: {said[0]}.")
    return [tuple(row) for row in json.loads(done.stdout)]


def _has_pattern(node: Node) -> bool:
    match node:
        case Term(operator=operator):
            return operator in _PATTERNS
        case Not(node=inner):
            return _has_pattern(inner)
        case And(nodes=nodes) | Or(nodes=nodes):
            return any(map(_has_pattern, nodes))


def _search() -> None:
    import contextlib
    import resource
    import sqlite3
    from urllib.parse import quote

    from mlmagic.workspace.database import add_functions

    # Also where nobody is left who would end it.
    most = round(2 * PATTERN_SECONDS)
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    asked = json.load(sys.stdin)
    address = f"file:{quote(asked['database'])}?mode=rw"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=PATTERN_SECONDS)) as connection:
        add_functions(connection)
        json.dump(connection.execute(asked["sql"], asked["values"]).fetchall(), sys.stdout)


if __name__ == "__main__":
    _search()
