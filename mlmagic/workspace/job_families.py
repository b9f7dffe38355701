"""A study and its trials as rows: a trial is made while its study runs, and is deleted together with it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mlmagic.errors import ConflictError
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.workspace.events import add_event

if TYPE_CHECKING:
    import sqlite3


def check_parent(connection: sqlite3.Connection, record: JobRecord) -> None:
    """See that a trial's study still makes trials: in the transaction in which one is made, so that none is overlooked.

    Raises:
        ConflictError: the study has ended, is to end, or is gone.
    """
    study = record.spec.parent
    row = connection.execute("SELECT state FROM jobs WHERE id = ?", (study,)).fetchone()
    if row is None or JobState(row[0]).is_final or JobState(row[0]) is JobState.CANCELLING:
        is_now = "was deleted" if row is None else f"is {row[0]}"
        raise ConflictError(f"study {study} {is_now}, so it gets no trial {record.spec.trial}.")


def check_deletable(connection: sqlite3.Connection, record: JobRecord) -> tuple[str, ...]:
    """Return the trials that are deleted with a job.

    Raises:
        ConflictError: it has not ended, or one of its trials, or the study that it is a trial of.
    """
    if not record.state.is_final:
        raise ConflictError(
            f"job {record.id} is {record.state} and cannot be deleted.", hint=f"First `%jobs cancel {record.id}`."
        )
    study = record.spec.parent
    row = connection.execute("SELECT state FROM jobs WHERE id = ?", (study,)).fetchone()
    if row is not None and not JobState(row[0]).is_final:
        raise ConflictError(
            f"job {record.id} is a trial of {study}, which is {row[0]}: it cannot be deleted alone.",
            hint="Delete the study once it has ended; its trials go with it.",
        )
    trials = connection.execute("SELECT id, state FROM jobs WHERE parent = ? ORDER BY trial", (record.id,)).fetchall()
    if running := [f"{trial} is {state}" for trial, state in trials if not JobState(state).is_final]:
        raise ConflictError(
            f"study {record.id} cannot be deleted: {running[0]}.", hint="It is being cancelled. Try again in a moment."
        )
    return tuple(str(trial) for trial, _ in trials)


def delete_rows(connection: sqlite3.Connection, job_id: str, now: datetime) -> None:
    """Delete a job's rows, and all events but the last one: that it is gone is all that anybody needs to hear."""
    connection.execute("DELETE FROM records WHERE number = (SELECT number FROM jobs WHERE id = ?)", (job_id,))
    connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
    connection.execute("DELETE FROM events WHERE subject = ?", (f"job:{job_id}",))
    add_event(connection, f"job:{job_id}", "deleted", {}, now)
