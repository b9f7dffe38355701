"""Which job a user means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlmagic.errors import NotFoundError, UsageError, nearest
from mlmagic.workspace.layout import Workspace

if TYPE_CHECKING:
    import sqlite3


def resolve(connection: sqlite3.Connection, reference: str, workspace: Workspace) -> str:
    """Return the id that is meant by an id, by a unique prefix of one, or by a name (its newest job).

    Raises:
        NotFoundError: none is.
        UsageError: the prefix fits several.
    """
    row = connection.execute(
        "SELECT id FROM jobs WHERE id = :it OR display_name = :it "
        "ORDER BY id = :it DESC, create_time DESC, id DESC LIMIT 1",
        {"it": reference},
    ).fetchone()
    if row is not None:
        return str(row[0])
    # In SQLite's order of text `~` is behind everything that an id may hold.
    rows = connection.execute(
        "SELECT id FROM jobs WHERE id > :it AND id < :it || '~' AND :it <> '' "
        "ORDER BY create_time DESC, id DESC LIMIT 6",
        {"it": reference},
    ).fetchall()
    if not rows:
        raise no_such_job(connection, reference, workspace)
    if len(rows) > 1:
        raise _ambiguous(reference, [row[0] for row in rows])
    return str(rows[0][0])


def no_such_job(connection: sqlite3.Connection, reference: str, workspace: Workspace) -> NotFoundError:
    """Return the error that names the nearest."""
    names = [row[0] for row in connection.execute("SELECT DISTINCT display_name FROM jobs")]
    ids = [row[0] for row in connection.execute("SELECT id FROM jobs ORDER BY create_time DESC LIMIT 200")]
    hint = nearest(reference, [*names, *ids]) or (
        "`%jobs` lists all jobs." if names else f"The workspace {workspace.root} has no jobs yet."
    )
    return NotFoundError(f"there is no job {reference!r}.", hint=hint)


def _ambiguous(reference: str, ids: Sequence[str]) -> UsageError:
    problems = [*ids[:5], "…"] if len(ids) > 5 else ids
    return UsageError(
        f"{reference!r} is the beginning of several job ids:", problems=problems, hint="Write more of it."
    )
