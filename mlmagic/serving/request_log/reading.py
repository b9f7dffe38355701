"""A request log from its files: what was converted, and what still stands in journals, each record once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
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


def read_parts(root: Path, columns: list[str] | None = None) -> Iterator[LogPart]:
    """Yield the parts, the oldest first; memory is that of one part. `columns` are all that is read."""
    folder = LogFolder(root)
    usage = folder.usage()
    for stem in sorted(usage.parquets | usage.journals):
        part = _read(folder, stem, columns)
        if part is not None:
            yield part


def _read(folder: LogFolder, stem: str, columns: list[str] | None) -> LogPart | None:
    """Return a part; None if the budget has taken it by now. A journal that is gone has become Parquet."""
    for read in (_read_parquet, _read_journal, _read_parquet):
        with contextlib.suppress(FileNotFoundError):
            return read(folder, stem, columns)
    return None


def _read_parquet(folder: LogFolder, stem: str, columns: list[str] | None) -> LogPart:
    import pyarrow.parquet as pq

    path = folder.parquet(stem)
    if not path.exists():
        raise FileNotFoundError(path)
    table: Any = pq.read_table(path, columns=columns)
    return LogPart(table=table, torn=int(table.schema.metadata.get(TORN, b"0")))


def _read_journal(folder: LogFolder, stem: str, columns: list[str] | None) -> LogPart | None:
    journal = unpack(folder.journal(stem).read_bytes())
    if journal is None:
        return None
    table = to_table(journal.head, journal.records)
    return LogPart(table=table if columns is None else table.select(columns), torn=journal.torn)
