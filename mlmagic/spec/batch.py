"""What came of a batch prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.spec.noun import Noun
from mlmagic.spec.statistics import RejectedRow

KEY_FIELD = "mlmagic_key"
"""The member of an instance that is sent elsewhere by which its answer is known: a model has no input of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult(Noun):
    """`predictions.json`, in a job's output."""

    model_version: str
    output: str
    """The folder or the file, as the job was told."""
    errors: str
    """The folder of the rows that were rejected; there is none without such rows."""
    read: int
    """Rows, the rejected among them."""
    written: int
    size_bytes: int
    """Of the input."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """How many rows, by reason."""
    samples: tuple[RejectedRow, ...] = ()

    @property
    def rejected_rows(self) -> int:
        """How many rows were rejected."""
        return sum(self.rejected.values())

    def __str__(self) -> str:
        line = f"{self.written:,} rows predicted by {self.model_version}: {self.output}"
        return f"{line} · {self.rejected_rows:,} rejected: {self.errors}" if self.rejected else line
