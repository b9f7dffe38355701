"""What happened, in order: each change of a job, model, dataset or endpoint leaves a row, in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mlmagic.spec.job import JobState
from mlmagic.spec.noun import Noun
from mlmagic.spec.report import StateChange
from mlmagic.workspace.database import Database
from mlmagic.workspace.times import from_micros, to_micros

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Noun):
    """Something happened to one of these. Ids grow, also over a rebuild; events do not survive one."""

    id: int
    time: datetime
    subject: str
    """`job:<id>`, `model:<name>`, `dataset:<name>` or `endpoint:<name>`."""
    kind: str
    """Of a job: `state` or `deleted`. Of a model: `version`, `alias` or `deleted`. Of a dataset: `version` or
    `deleted`. Of an endpoint: `created`, `changed` or `deleted`."""
    payload: Mapping[str, object]


class EventLog:
    """Reads events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(self, event_id: int, *, limit: int = 1000) -> list[Event]:
        """Return the events after one, oldest first; 0 is before the first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, time, subject, kind, payload FROM events WHERE id > ? ORDER BY id LIMIT ?",
                (event_id, limit),
            ).fetchall()
        return [
            Event(id=row[0], time=from_micros(row[1]), subject=row[2], kind=row[3], payload=json.loads(row[4]))
            for row in rows
        ]

    def state_changes(self, job_id: str) -> tuple[StateChange, ...]:
        """Return the states that a job came to, in order, as far as events reach back."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT time, payload FROM events WHERE subject = ? AND kind = 'state' ORDER BY id", (f"job:{job_id}",)
            ).fetchall()
        payloads = [(from_micros(time), json.loads(payload)) for time, payload in rows]
        return tuple(
            StateChange(state=JobState(payload["state"]), time=time, attempt=payload.get("attempt", 0))
            for time, payload in payloads
        )

    def last_id(self) -> int:
        """Return the id after which nothing has happened yet."""
        with self._database.read() as connection:
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
        return int(row[0])


def add_event(
    connection: sqlite3.Connection, subject: str, kind: str, payload: Mapping[str, object], now: datetime
) -> None:
    """Add an event to the transaction that the connection is in."""
    connection.execute(
        "INSERT INTO events (time, subject, kind, payload) VALUES (?, ?, ?, ?)",
        (to_micros(now), subject, kind, json.dumps(payload, sort_keys=True)),
    )
