"""Cloud Logging's entries, brought into the log files of our job's folder, where offsets are bytes.

Entries may come late and out of order, so each time some seconds are asked for again, and what is known is left out. A
file only grows; what a killed process had appended, but not noted down, is cut off and appended again.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.client.dataflow import is_pipeline
from mlmagic.backends.google.remote import RemoteRecord
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.noun import Noun
from mlmagic.spec.resources import ROLES
from mlmagic.workspace.files import append, explained, write_atomic
from mlmagic.workspace.layout import JobFolder

_TASK = re.compile(r"workerpool([0-3])-(\d{1,4})")
_LEAST_OVERLAP_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCursor(Noun):
    """`logs.json`: how far the logs of an attempt have been fetched."""

    attempt: int
    time: datetime | None = None
    """Of the newest entry."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """The newest entries' ids → their times: what is asked for again."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """How long each file was then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    id: str
    time: datetime
    task: str
    text: str


def fetch_logs(client: GoogleClient, folder: JobFolder, remote: RemoteRecord) -> bool:
    """Append what is new to the files, and say whether anything was. Only who holds the job's lock may call this.

    Raises:
        BackendError: Google refused, or did not answer.
        WorkspaceError: the disk is full.
    """
    cursor, is_any_new = _read_cursor(folder, remote.attempt), False
    with explained(f"write the logs of job {folder.id}"):
        _cut(folder, cursor)
        for page in _pages(client, remote, cursor):
            new = [entry for entry in map(_entry, page) if entry.id not in cursor.seen]
            if new:
                _append(folder, new)
                cursor = _moved(folder, cursor, new, _overlap(client))
                write_atomic(folder.log_cursor, dumps(cursor), sync=False)
                is_any_new = True
    return is_any_new


def role_of(task: str) -> tuple[str, int] | None:
    """Return role and index of a replica, told by Vertex AI's name of it; None for what is no replica."""
    match = _TASK.fullmatch(task)
    return (ROLES[int(match[1])], int(match[2])) if match else None


def log_path(folder: JobFolder, task: str) -> Path:
    """Return the file of a replica; what is no replica's is the service's own."""
    replica = role_of(task)
    return folder.supervisor_log if replica is None else folder.log(*replica)


def _pages(client: GoogleClient, remote: RemoteRecord, cursor: LogCursor) -> Iterator[list[dict[str, Any]]]:
    if remote.name is not None and is_pipeline(remote.name):
        yield from client.pipelines.messages(remote.name, cursor.time and cursor.time - _overlap(client))
        return
    job_number = (remote.name or "").rpartition("/")[2]
    where = f'resource.type="ml_job" AND resource.labels.job_id="{job_number}"'
    if remote.trial is not None:
        where += f' AND labels."ml.googleapis.com/trial_id"="{remote.trial}"'
    if cursor.time is not None:
        where += f' AND timestamp>="{(cursor.time - _overlap(client)).isoformat()}"'
    token = ""
    while True:
        document = client.log_entries(where, token)
        yield document.get("entries", [])
        token = document.get("nextPageToken", "")
        if not token:
            return


def _overlap(client: GoogleClient) -> timedelta:
    return timedelta(seconds=max(_LEAST_OVERLAP_SECONDS, client.settings.settle_seconds))


def _entry(told: Mapping[str, Any]) -> _Entry:
    labels = told.get("resource", {}).get("labels", {})
    payload = told.get("jsonPayload", {})
    text = told.get("textPayload") or (payload.get("message") if isinstance(payload, Mapping) else "") or ""
    return _Entry(
        id=str(told.get("insertId", "")),
        time=datetime.fromisoformat(told["timestamp"]),
        task=str(labels.get("task_name") or told.get("labels", {}).get("task_name", "")),
        text=str(text).removesuffix("\n") + "\n",
    )


def _append(folder: JobFolder, entries: list[_Entry]) -> None:
    texts: dict[Path, list[str]] = {}
    for entry in entries:
        texts.setdefault(log_path(folder, entry.task), []).append(entry.text)
    for path, lines in texts.items():
        append(path, "".join(lines))


def _moved(folder: JobFolder, cursor: LogCursor, new: list[_Entry], overlap: timedelta) -> LogCursor:
    newest = max([entry.time for entry in new] + ([cursor.time] if cursor.time else []))
    since = newest - overlap
    seen = {key: time for key, time in cursor.seen.items() if datetime.fromisoformat(time) >= since}
    seen |= {entry.id: entry.time.isoformat() for entry in new if entry.time >= since}
    return LogCursor(attempt=cursor.attempt, time=newest, seen=seen, sizes=_sizes(folder))


def _sizes(folder: JobFolder) -> dict[str, int]:
    files = [*folder.logs.glob("*.log"), *folder.root.glob(folder.supervisor_log.name)]
    return {path.name: path.stat().st_size for path in files}


def _read_cursor(folder: JobFolder, attempt: int) -> LogCursor:
    with explained(f"read {folder.log_cursor}"), contextlib.suppress(FileNotFoundError, DecodeError):
        cursor = loads(LogCursor, folder.log_cursor.read_bytes())
        if cursor.attempt == attempt:
            return cursor
    # Nothing of this attempt yet: what the files have is that of the ones before.
    cursor = LogCursor(attempt=attempt, sizes=_sizes(folder))
    with explained(f"write {folder.log_cursor}"):
        write_atomic(folder.log_cursor, dumps(cursor), sync=False)
    return cursor


def _cut(folder: JobFolder, cursor: LogCursor) -> None:
    for name, size in _sizes(folder).items():
        known = cursor.sizes.get(name, 0)
        if size > known:
            path = folder.supervisor_log if name == folder.supervisor_log.name else folder.logs / name
            os.truncate(path, known)
