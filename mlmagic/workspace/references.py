"""Which job a user means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlmagic.errors import NotFoundError, UsageError, nearest
from mlmagic.spec.job import JobKind
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import read_trials

if TYPE_CHECKING:
    import sqlite3

_TRIAL = re.compile(r"(?P<study>.+)(?P<separator>[/-])(?P<number>[1-9]\d{0,4})", re.ASCII)


def resolve(connection: sqlite3.Connection, reference: str, workspace: Workspace) -> str:
    """Return the id that is meant by an id, by a unique prefix of one, or by a name (its newest job).

    `taxi/7` is the seventh trial of the study that is meant by `taxi`. Without a number, no trial is meant.

    Raises:
        NotFoundError: none is.
        UsageError: the prefix fits several.
    """
    found = _find(connection, reference)
    if found is None and (parts := _TRIAL.fullmatch(reference)) is not None:
        found = _find_trial(connection, parts, workspace)
    if found is None:
        raise no_such_job(connection, reference, workspace)
    return found


def _find(connection: sqlite3.Connection, reference: str, kind: JobKind | None = None) -> str | None:
    """Return the job that is meant where no trial is, or the one that has this very id."""
    of_kind = "" if kind is None else f"AND kind = '{kind}'"
    row = connection.execute(
        f"SELECT id FROM jobs WHERE (id = :it OR display_name = :it AND parent IS NULL) {of_kind} "  # noqa: S608 - a word of ours
        "ORDER BY id = :it DESC, create_time DESC, id DESC LIMIT 1",
        {"it": reference},
    ).fetchone()
    if row is not None:
        return str(row[0])
    # In SQLite's order of text `~` is behind everything that an id may hold.
    rows = connection.execute(
        f"SELECT id FROM jobs WHERE id > :it AND id < :it || '~' AND :it <> '' AND parent IS NULL {of_kind} "  # noqa: S608 - a word of ours
        "ORDER BY create_time DESC, id DESC LIMIT 6",
        {"it": reference},
    ).fetchall()
    if len(rows) > 1:
        raise _ambiguous(reference, [row[0] for row in rows])
    return str(rows[0][0]) if rows else None


def _find_trial(connection: sqlite3.Connection, parts: re.Match[str], workspace: Workspace) -> str | None:
    """Return the job of a study's trial; None where the first part means no study."""
    study, number = parts["study"], int(parts["number"])
    if parts["separator"] == "/":
        study_id = _find(connection, study, JobKind.TUNING)
        if study_id is None:
            known = _find(connection, study)
            if known is None:
                return None
            raise NotFoundError(
                f"{study!r} is no study, so it has no trial {number}.", hint="`%tune list` shows all studies."
            )
    else:
        # Of a study that goes on with another, the first trials' jobs have the other's id.
        row = connection.execute("SELECT id FROM jobs WHERE id = ? AND kind = ?", (study, JobKind.TUNING)).fetchone()
        if row is None:
            return None
        study_id = str(row[0])
    return _job_of_trial(study_id, number, workspace)


def _job_of_trial(study_id: str, number: int, workspace: Workspace) -> str:
    jobs = {trial.number: trial.job for trial in read_trials(workspace.job(study_id))}
    if number not in jobs:
        hint = f"It has trials {min(jobs)} to {max(jobs)}." if jobs else "It has no trials yet."
        raise NotFoundError(f"{study_id} has no trial {number}.", hint=hint)
    return jobs[number]


def no_such_job(connection: sqlite3.Connection, reference: str, workspace: Workspace) -> NotFoundError:
    """Return the error that names the nearest."""
    names = [row[0] for row in connection.execute("SELECT DISTINCT display_name FROM jobs")]
    recent = "SELECT id FROM jobs WHERE parent IS NULL ORDER BY create_time DESC LIMIT 200"
    ids = [row[0] for row in connection.execute(recent)]
    hint = nearest(reference, [*names, *ids]) or (
        "`%jobs` lists all jobs." if names else f"The workspace {workspace.root} has no jobs yet."
    )
    return NotFoundError(f"there is no job {reference!r}.", hint=hint)


def _ambiguous(reference: str, ids: Sequence[str]) -> UsageError:
    problems = [*ids[:5], "…"] if len(ids) > 5 else ids
    return UsageError(
        f"{reference!r} is the beginning of several job ids:", problems=problems, hint="Write more of it."
    )
