"""What those who listen are told, as it goes over the wire."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobSummary
from mlmagic.spec.panel_rows import JobRow

_MOST_WRITTEN = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something to tell those who listen, as it goes over the wire."""

    event: str
    """`job`, `deleted`, `model`, `endpoint`, `dataset`, `lagging`."""
    data: str = "{}"
    id: int | None = None
    """The event in the database that it tells of."""
    replaces: str | None = None
    """A later message of the same kind makes this one worthless."""

    def __str__(self) -> str:
        number = "" if self.id is None else f"id: {self.id}\n"
        return f"{number}event: {self.event}\ndata: {self.data}\n\n"


LAGGING = Message(event="lagging")


class RowWriter:
    """Writes rows as the codec does, at a fraction of its cost: what stands still in one that moves is encoded once."""

    def __init__(self) -> None:
        self._still: dict[str, tuple[JobSummary, str]] = {}

    def text(self, row: JobRow) -> str:
        """Return the row as JSON."""
        job_id = row.summary.id
        known = self._still.get(job_id)
        if known is None or known[0] is not row.summary:
            if len(self._still) >= _MOST_WRITTEN:
                self._still.clear()
            still = _json(encode(JobRow(summary=row.summary, origin=row.origin)))
            known = self._still[job_id] = row.summary, still[:-1]
        moving = {key: value for key, value in _moving(row) if value is not None}
        return f"{known[1]},{_json(moving)[1:]}" if moving else known[1] + "}"


def _moving(row: JobRow) -> Iterator[tuple[str, object]]:
    yield "fraction", row.fraction
    yield "etaSeconds", row.eta_seconds
    yield "waitingFor", row.waiting_for
    if row.headline is not None:
        points = row.headline.points
        are_plain = all(map(math.isfinite, (row.headline.value, *points)))
        told = {"name": row.headline.name, "value": row.headline.value, **({"points": points} if points else {})}
        yield "headline", told if are_plain else encode(row.headline)
    yield "cores", row.cores
    yield "memoryBytes", row.memory_bytes
    yield "note", row.note
    yield "trouble", row.trouble


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
