"""A request log from its files: what was converted, and what still stands in journals, each record once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.serving.request_log.convert import TORN
from mlmagic.serving.request_log.folder import LogFolder
from mlmagic.serving.request_log.records import unpack
from mlmagic.serving.request_log.tables import to_table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPart:
    """What one worker logged for a while."""

    table: pa.Table
    """As `tables.schema` says."""
    torn: int
    """Records that were cut off when the worker was killed; none of them had been told as sampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of the log is read."""

    columns: list[str] | None = None
    """None stands for all."""
    between: tuple[datetime, datetime] | None = None
    """Files without any request from then to then are left out; in others there may be earlier and later ones."""


ALL = Choice()


def read_parts(root: Path, choice: Choice = ALL) -> Iterator[LogPart]:
    """Yield the parts, the oldest first; memory is that of one part."""
    folder = LogFolder(root)
    usage = folder.usage()
    for stem in sorted(usage.parquets | usage.journals):
        part = _read(folder, stem, choice)
        if part is not None:
            yield part


def _read(folder: LogFolder, stem: str, choice: Choice) -> LogPart | None:
    """Return a part; None if the budget has taken it by now. A journal that is gone has become Parquet."""
    for read in (_read_parquet, _read_journal, _read_parquet):
        with contextlib.suppress(FileNotFoundError):
            return read(folder, stem, choice)
    return None


def _read_parquet(folder: LogFolder, stem: str, choice: Choice) -> LogPart | None:
    import pyarrow.parquet as pq

    path = folder.parquet(stem)
    if not path.exists():
        raise FileNotFoundError(path)
    with pq.ParquetFile(path) as file:
        if choice.between is not None and not _overlaps(file.metadata, choice.between):
            return None
        table: Any = file.read(columns=choice.columns)
        return LogPart(table=table, torn=int((file.schema_arrow.metadata or {}).get(TORN, b"0")))


def _overlaps(metadata: Any, between: tuple[datetime, datetime]) -> bool:
    """Say whether any group of rows has requests from then to then, by what the file says of them."""
    place = metadata.schema.names.index("logging_time")
    known = [metadata.row_group(at).column(place).statistics for at in range(metadata.num_row_groups)]
    return any(each is None or (each.min <= between[1] and each.max >= between[0]) for each in known)


def _read_journal(folder: LogFolder, stem: str, choice: Choice) -> LogPart | None:
    journal = unpack(folder.journal(stem).read_bytes())
    if journal is None:
        return None
    return LogPart(table=to_table(journal.head, journal.records, choice.columns), torn=journal.torn)
