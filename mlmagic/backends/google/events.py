"""TensorBoard's event files of a job, brought from the bucket into its folder, where curves and metrics read them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.objects import below, grow, output_folder
from mlmagic.backends.google.remote import RemoteRecord
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.noun import Noun
from mlmagic.workspace.files import explained, write_atomic
from mlmagic.workspace.layout import JobFolder

LARGEST_BYTES = 512 << 20
"""What is larger holds more than scalars; it stays in the bucket."""
_POLLS = 10
"""How many times as seldom as the job itself its files are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCursor(Noun):
    """`events.json`: which event files are here."""

    time: datetime
    """When the bucket was asked last."""
    generations: Mapping[str, int] = field(default_factory=dict)
    """Path below the log folder → the generation of the object that the file is equal to."""


def events_are_due(client: GoogleClient, folder: JobFolder) -> bool:
    """Say whether the bucket was not asked lately for the files of a running job."""
    cursor = _read_cursor(folder)
    return cursor is None or not _is_recent(cursor, client.settings.poll_seconds * _POLLS)


def fetch_events(client: GoogleClient, folder: JobFolder, remote: RemoteRecord) -> list[str]:
    """Bring what is new. Only who holds the job's lock may call this.

    Returns:
        The files that are too large to be brought.

    Raises:
        BackendError, NotFoundError: Google refused, or did not answer.
        WorkspaceError: the disk is full.
    """
    cursor = _read_cursor(folder)
    listed = below(client, output_folder(client, remote, folder.id, "logs"))
    files = {path: stored for path, stored in listed.items() if "tfevents" in path.rpartition("/")[2]}
    known = dict(cursor.generations) if cursor is not None else {}
    too_large = [path for path, stored in files.items() if stored.size > LARGEST_BYTES]
    with explained(f"write the metrics of job {folder.id}"):
        for path, stored in files.items():
            file = folder.tensorboard_dir / path
            is_known = known.get(path) == stored.generation and file.exists()
            if is_known or path in too_large:
                continue
            # Written again since it was listed: there will be another time, for then the job has not ended.
            with contextlib.suppress(ConflictError, NotFoundError):
                grow(client, stored, file, beside=folder.fetched)
                known[path] = stored.generation
        write_atomic(folder.event_cursor, dumps(EventCursor(time=datetime.now(UTC), generations=known)), sync=False)
    return too_large


def _is_recent(cursor: EventCursor, seconds: float) -> bool:
    # A clock may be set back.
    return 0 <= (datetime.now(UTC) - cursor.time).total_seconds() < seconds


def _read_cursor(folder: JobFolder) -> EventCursor | None:
    with explained(f"read {folder.event_cursor}"), contextlib.suppress(FileNotFoundError, DecodeError):
        return loads(EventCursor, folder.event_cursor.read_bytes())
    return None
