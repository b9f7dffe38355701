"""What has changed in a workspace since the last look."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from mlmagic.errors import MlmagicError
from mlmagic.server.endpoints_monitoring import monitor_folder, stamp
from mlmagic.server.job_rows_table import StillRow
from mlmagic.server.live_rows import RowReader, changed_texts
from mlmagic.server.watcher_messages import LAGGING, Message, RowWriter
from mlmagic.spec.job import JobKind, JobState
from mlmagic.spec.panel_rows import JobRow
from mlmagic.workspace.events import Event, EventLog

if TYPE_CHECKING:
    from mlmagic.spec.endpoint import EndpointRecord
    from mlmagic.workspace.database import Database

LIVE_SECONDS = 1.0
_MOST_EVENTS = 1_000
_MOST_WAITING = 100
"""Jobs in the queue whose reason to wait is told as it changes."""
_NOT_NOW = (MlmagicError, OSError, sqlite3.Error)
_NOUNS = ("model", "endpoint", "dataset")


class Changes:
    """Looks at a workspace again and again, at the cost of a `stat` and a pragma while nothing happens."""

    def __init__(
        self,
        database: Database,
        rows: RowReader,
        tend: Callable[[], None] = lambda: None,
        endpoints: Callable[[], Iterable[EndpointRecord]] = tuple,
    ) -> None:
        self._workspace = database.workspace
        self._path = database.workspace.database
        self._events = EventLog(database)
        self._rows = rows
        self._tend = tend
        self._endpoints = endpoints
        self._states: dict[str, tuple[object, object]] | None = None
        """How each endpoint was at the last look; None if there was none."""
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._version = -1
        self._running: list[StillRow] = []
        self._waiting: dict[str, str] = {}
        self._just_told: set[str] = set()
        """Jobs of which events told since the queue was looked at."""
        self._told: dict[str, JobRow] = {}
        self._troubles: Mapping[str, str] = {}
        """Why backends in the cloud could not be asked at the last look."""
        self._notes: dict[str, Mapping[str, str]] = {}
        """What was last said of the trials of each study that runs."""
        self._looked = 0.0
        self._writer = RowWriter()
        self.last_event = 0
        """The newest event that was told, or that was there when the looking began."""

    def begin(self) -> None:
        """Begin with what is there now: nothing of it is told."""
        self.close()
        try:
            if self._has_changed() and self._inode:
                self._read_state()
        except _NOT_NOW:
            # The first look that succeeds finds another database than none, and says so.
            self.close()

    def close(self) -> None:
        """Hold nothing open."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._inode, self._version, self._states = None, 0, -1, None
        self._running, self._waiting, self._told, self._notes, self.last_event = [], {}, {}, {}, 0

    def look(self) -> list[Message]:
        """Return what has happened since the last look. Never fails: what cannot be read now is told once it can."""
        messages: list[Message] = []
        version, inode = self._version, self._inode
        try:
            if self._has_changed():
                messages += self._after_change(is_another=self._inode != inode)
            if (now := time.monotonic()) - self._looked >= LIVE_SECONDS:
                self._looked = now
                self._tend()
                # One by one: what was told before one of them fails is told.
                jobs = (self._live, self._told_troubles, self._told_queue, self._told_trials)
                for tell in (*jobs, self._told_endpoints):
                    messages += tell()
        except _NOT_NOW:
            # Locked, or in between: it counts as not looked at.
            self._version, self._inode = version, inode
        return messages

    def since(self, event_id: int) -> list[Message]:
        """Return what has happened after an event, for somebody who was away; for any thread. Never fails."""
        # To look there would make a database.
        if not self._path.exists():
            return [LAGGING]
        try:
            return self._since(event_id)
        except _NOT_NOW:
            return [LAGGING]

    def _since(self, event_id: int) -> list[Message]:
        events = self._events.after(event_id, limit=_MOST_EVENTS)
        is_whole = event_id == self._events.last_id() if not events else events[0].id == event_id + 1
        if not is_whole or len(events) == _MOST_EVENTS:
            return [LAGGING]
        return self._told_of(events, RowWriter())

    def _has_changed(self) -> bool:
        """Say whether something was written by anybody; one that was replaced, removed or made again has changed."""
        try:
            inode = self._path.stat().st_ino
        except OSError:
            inode = 0
        if inode != self._inode or (inode and self._connection is None):
            if self._connection is not None:
                self._connection.close()
            self._connection = _connect(str(self._path)) if inode else None
            self._inode, self._version = inode, -1
            if not inode:
                return True
        if self._connection is None:
            return False
        try:
            version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.DatabaseError:
            self._connection.close()
            self._connection = None
            raise
        has_changed = version != self._version
        self._version = version
        return has_changed

    def _after_change(self, *, is_another: bool) -> list[Message]:
        if is_another:
            # Other events, perhaps other jobs: whoever listens is to read everything again.
            if self._inode:
                self._read_state()
            else:
                self._running, self._waiting, self._told, self._notes, self.last_event = [], {}, {}, {}, 0
            return [LAGGING]
        events = self._events.after(self.last_event, limit=_MOST_EVENTS)
        if not events:
            return []
        if len(events) == _MOST_EVENTS:
            self._read_state()
            return [LAGGING]
        messages = self._told_of(events, self._writer)
        messages += self._told_trials()
        self._just_told |= {event.subject.partition(":")[2] for event in events}
        self._read_running()
        self.last_event = events[-1].id
        return messages

    def _read_state(self) -> None:
        self.last_event = self._events.last_id()
        self._told_waiting()
        self._read_running()

    def _read_running(self) -> None:
        ids = self._rows.table.ids_in(JobState.RUNNING)
        self._running = self._rows.table.rows(ids)
        self._told = {job_id: self._told[job_id] for job_id in ids if job_id in self._told}

    def _told_of(self, events: Sequence[Event], writer: RowWriter) -> list[Message]:
        """Return a message for each job, model, endpoint or dataset, however much has happened to it."""
        newest = {event.subject: event for event in events}
        jobs = {subject.partition(":")[2]: event for subject, event in newest.items() if subject.startswith("job:")}
        rows = {row.summary.id: row for row in self._rows.moving(self._rows.table.rows(jobs))}
        messages = []
        for subject, event in newest.items():
            kind, _, name = subject.partition(":")
            if kind == "job":
                messages.append(_told_of_job(name, rows.get(name), event.id, writer))
            elif kind in _NOUNS:
                data = json.dumps({"name": name, "kind": event.kind})
                messages.append(Message(event=kind, data=data, id=event.id))
        return sorted(messages, key=lambda message: message.id or 0)

    def _told_troubles(self) -> list[Message]:
        """Return the rows of jobs that do not run whose backend cannot be asked any more, or can again."""
        troubles = self._rows.troubles()
        changed = {name for name in {*troubles, *self._troubles} if troubles.get(name) != self._troubles.get(name)}
        messages: list[Message] = []
        if changed and self._inode:
            waiting = self._rows.table.ids_in(JobState.QUEUED, JobState.PENDING, JobState.CANCELLING)[:_MOST_WAITING]
            rows = [row for row in self._rows.table.rows(waiting) if row.summary.backend in changed]
            messages += self._row_messages(self._rows.moving(rows))
        # Last: what could not be read now is told at the next look.
        self._troubles = troubles
        return messages

    def _told_queue(self) -> list[Message]:
        """Return what jobs in the queue wait for now, if anything has happened to a job since it was told."""
        if not self._just_told:
            return []
        # Not at each event: it costs as much as the queue is long.
        messages = self._told_waiting(apart_from=self._just_told)
        self._just_told = set()
        return messages

    def _told_waiting(self, apart_from: Collection[str] = ()) -> list[Message]:
        """Return the rows of jobs in the queue that wait for something else by now, but of those just told."""
        waiting = self._rows.waiting(self._rows.table.ids_in(JobState.QUEUED)[:_MOST_WAITING])
        changed = [job_id for job_id in changed_texts(self._waiting, waiting) if job_id not in apart_from]
        self._waiting = waiting
        return self._row_messages(self._rows.moving(self._rows.table.rows(changed))) if changed else []

    def _told_trials(self) -> list[Message]:
        """Return the rows of trials of which there is more to say: a study learns how one ended after it has."""
        changed: list[str] = []
        notes: dict[str, Mapping[str, str]] = {}
        for row in self._running:
            if row.summary.kind is JobKind.TUNING:
                study = row.summary.id
                notes[study] = self._rows.trial_notes(study)
                if (known := self._notes.get(study)) is not None and known is not notes[study]:
                    changed += changed_texts(known, notes[study])
        self._notes = notes
        return self._row_messages(self._rows.moving(self._rows.table.rows(changed))) if changed else []

    def _live(self) -> list[Message]:
        """Return the rows in which something has moved."""
        moved = [row for row in self._rows.moving(self._running) if self._told.get(row.summary.id) != row]
        self._told.update({row.summary.id: row for row in moved})
        return self._row_messages(moved)

    def _told_endpoints(self) -> list[Message]:
        """Return a message for each endpoint that is in another state, or of which monitoring found something.

        No event tells what becomes of its processes, and of those that look.
        """
        if not self._inode:
            return []
        found = {record.spec.name: _state_of(record) for record in self._endpoints()}
        states = {name: (state, self._looked_at(name)) for name, state in found.items()}
        known, self._states = self._states or states, states
        changed = [
            (name, kind)
            for name, now in states.items()
            for kind, was, then in zip(("state", "monitoring"), known.get(name, now), now, strict=True)
            if was != then
        ]
        return [
            Message(event="endpoint", data=json.dumps({"name": name, "kind": kind}), replaces=f"{kind}:{name}")
            for name, kind in changed
        ]

    def _looked_at(self, endpoint: str) -> object:
        folder = monitor_folder(self._workspace, endpoint)
        return stamp(folder.report), stamp(folder.alerts)

    def _row_messages(self, rows: Iterable[JobRow]) -> list[Message]:
        return [Message(event="job", data=self._writer.text(row), replaces=row.summary.id) for row in rows]


def _told_of_job(job_id: str, row: JobRow | None, event_id: int, writer: RowWriter) -> Message:
    if row is None:
        return Message(event="deleted", data=json.dumps({"job": job_id}), id=event_id)
    return Message(event="job", data=writer.text(row), id=event_id)


def _state_of(record: EndpointRecord) -> object:
    status = record.status
    ready = sum(worker.state == "ready" for worker in status.workers)
    return status.state, status.generation, status.refused_generation, ready, status.error


def _connect(path: str) -> sqlite3.Connection:
    # It may be used by any thread of a pool of one, and makes no file that is not there.
    return sqlite3.connect(
        f"file:{quote(path)}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
