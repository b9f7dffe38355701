"""Rows that could not be read: each with where it stands, why, and its text."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import pyarrow as pa

from mlmagic.spec.statistics import RejectedRow

SAMPLES = 5
"""How many rows of each reason are kept as examples."""
SAMPLE_LENGTH = 500
TEXT_LENGTH = 65_536
SCHEMA = pa.schema([("file", pa.string()), ("line", pa.int64()), ("reason", pa.string()), ("text", pa.string())])
"""Of `rejected/*.parquet`."""

Fault = tuple[str, str]
"""What is wrong with a row: the reason without the value, and with it."""


class Rejection(NamedTuple):
    """One row. They sort by where they stand."""

    file: str
    offset: int
    """In bytes or rows of the file: what orders them."""
    reason: str
    """Without the value: `fare: not a number`."""
    told: str
    """With it: `fare: "abc" is not a number`."""
    text: str | None = None
    """The row as it stands in the file, or the beginning of a long one."""
    line: int | None = None
    """From 1, where that is known."""


def rejection_batch(rejections: Sequence[Rejection]) -> pa.RecordBatch:
    """Return the rows as they are written to `rejected/*.parquet`."""
    texts = [None if row.text is None else row.text[:TEXT_LENGTH] for row in rejections]
    columns = [
        pa.array([row.file for row in rejections], pa.string()),
        pa.array([row.line for row in rejections], pa.int64()),
        pa.array([row.reason for row in rejections], pa.string()),
        pa.array([_encodable(text) for text in texts], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


@dataclass(slots=True)
class Tally:
    """Counts by reason and the first few of each: the same however the rows were divided."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[Rejection]] = field(default_factory=dict)

    def add(self, rejections: Iterable[Rejection]) -> None:
        """Count these rows."""
        by_reason: dict[str, list[Rejection]] = {}
        for row in rejections:
            by_reason.setdefault(row.reason, []).append(row)
        for reason, rows in by_reason.items():
            self.counts[reason] += len(rows)
            self._keep(reason, rows)

    def merge(self, other: Self) -> Self:
        """Count what the other has counted, and return this one."""
        self.counts.update(other.counts)
        for reason, rows in other.first.items():
            self._keep(reason, rows)
        return self

    @property
    def total(self) -> int:
        """How many rows there were."""
        return self.counts.total()

    def samples(self) -> tuple[RejectedRow, ...]:
        """Return the first few rows of each reason, the most frequent reason first."""
        reasons = sorted(self.counts, key=lambda reason: (-self.counts[reason], reason))
        return tuple(_sample(row) for reason in reasons for row in self.first[reason])

    def _keep(self, reason: str, rows: list[Rejection]) -> None:
        kept = [*self.first.get(reason, ()), *heapq.nsmallest(SAMPLES, rows, key=_place)]
        self.first[reason] = heapq.nsmallest(SAMPLES, kept, key=_place)


def _place(row: Rejection) -> tuple[str, int, str]:
    return row.file, row.offset, row.text or ""


def _sample(row: Rejection) -> RejectedRow:
    text = None if row.text is None else _encodable(row.text[:SAMPLE_LENGTH])
    return RejectedRow(file=row.file, reason=row.told, line=row.line, text=text)


def _encodable(text: str | None) -> str | None:
    # A row that is not UTF-8 was decoded with placeholders for its bytes; these are spelt out.
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()
