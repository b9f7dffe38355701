"""Jobs as rows of the database, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from mlmagic.spec import codec
from mlmagic.spec.job import FINAL_STATES, JobKind, JobRecord, JobState, JobSummary, Placement
from mlmagic.workspace.times import from_micros, to_micros

if TYPE_CHECKING:
    import sqlite3

SUMMARY_COLUMNS = (
    "id, display_name, kind, backend, state, create_time, start_time, end_time, priority, attempt, model_version, "
    "dataset_version, error, parent, trial"
)

UNFINISHED_ROWS = f"state IN ({', '.join(sorted(repr(str(state)) for state in JobState if state not in FINAL_STATES))})"
"""A condition. A query that means to use the index of unfinished jobs has it word for word."""

UNFINISHED_COLUMNS = (
    "id, state, attempt, priority, create_time, start_time, update_time, cores, memory_bytes, environment, parent"
)

_COLUMNS = (
    *SUMMARY_COLUMNS.split(", "),
    *("update_time", "exit_code", "model", "dataset", "scale_tier", "labels", "flags", "metrics"),
    *("cores", "memory_bytes", "environment"),
)

_WRITE_ROW = (
    f"INSERT INTO jobs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608 - constants
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in _COLUMNS)}"
)
_WRITE_RECORD = "REPLACE INTO records (number, record) SELECT number, ? FROM jobs WHERE id = ?"

# Ten thousand rows make the difference between a look-up and a call worth having.
_KINDS = {str(kind): kind for kind in JobKind}
_STATES = {str(state): state for state in JobState}


class Clause(Protocol):
    """A piece of SQL, and the values of its placeholders."""

    @property
    def sql(self) -> str:
        """Without what a user typed."""
        ...

    @property
    def values(self) -> Sequence[str | int | float]:
        """One for each `?`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedJob:
    """What a scheduler needs to know of a job, told without reading its record."""

    id: str
    state: JobState
    attempt: int
    priority: int
    create_time: datetime
    start_time: datetime | None
    update_time: datetime
    cores: float
    """What it takes of the machine, like `memory_bytes`."""
    memory_bytes: int
    environment: str | None
    """See `JobSpec.environment`."""
    parent: str | None
    """See `JobSpec.parent`."""


def write_job(connection: sqlite3.Connection, record: JobRecord) -> dict[str, Any]:
    """Insert or replace a job's row in the transaction that the connection is in; return the record as JSON values."""
    document = codec.encode(record)
    connection.execute(_WRITE_ROW, _row(record, document))
    connection.execute(_WRITE_RECORD, (_compact({"schemaVersion": codec.SCHEMA_VERSION, **document}), record.id))
    return document


def _row(record: JobRecord, document: Mapping[str, Any]) -> tuple[object, ...]:
    spec, placement = record.spec, record.spec.placement or Placement()
    times = [None if time is None else to_micros(time) for time in (record.start_time, record.end_time)]
    return (
        record.id,
        spec.display_name,
        str(spec.kind),
        spec.backend,
        str(record.state),
        to_micros(record.create_time),
        *times,
        spec.priority,
        record.attempt,
        record.model_version,
        record.dataset_version,
        record.error and record.error.message,
        spec.parent,
        spec.trial,
        to_micros(record.update_time),
        record.exit_code,
        spec.model,
        spec.dataset,
        spec.resources.scale_tier,
        _mapping(document["spec"].get("labels")),
        _mapping(document["spec"].get("flags")),
        _mapping(document.get("metrics")),
        placement.cores,
        placement.memory_bytes,
        spec.environment,
    )


def _mapping(values: Mapping[str, Any] | None) -> str | None:
    return _compact(values) if values else None


def _compact(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def to_summary(row: tuple[Any, ...]) -> JobSummary:
    """Read a row of `SUMMARY_COLUMNS`."""
    job_id, display_name, kind, backend, state, create_time, start_time, end_time, *others = row
    priority, attempt, model_version, dataset_version, error, parent, trial = others
    return JobSummary(
        id=job_id,
        display_name=display_name,
        kind=_KINDS[kind],
        backend=backend,
        state=_STATES[state],
        create_time=from_micros(create_time),
        start_time=None if start_time is None else from_micros(start_time),
        end_time=None if end_time is None else from_micros(end_time),
        priority=priority,
        attempt=attempt,
        model_version=model_version,
        dataset_version=dataset_version,
        error=error,
        parent=parent,
        trial=trial,
    )


def to_unfinished(row: tuple[Any, ...]) -> UnfinishedJob:
    """Read a row of `UNFINISHED_COLUMNS`."""
    job_id, state, attempt, priority, create_time, start_time, update_time, *others = row
    cores, memory_bytes, environment, parent = others
    return UnfinishedJob(
        id=job_id,
        state=_STATES[state],
        attempt=attempt,
        priority=priority,
        create_time=from_micros(create_time),
        start_time=None if start_time is None else from_micros(start_time),
        update_time=from_micros(update_time),
        cores=cores,
        memory_bytes=memory_bytes,
        environment=environment,
        parent=parent,
    )
