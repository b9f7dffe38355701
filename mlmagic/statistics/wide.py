"""Whole numbers so large that a float64 does not tell them from their neighbours: identifiers, mostly."""

from __future__ import annotations

from mlmagic.statistics.distinct import DistinctSketch
from mlmagic.statistics.hashing import Integers, hash_integers
from mlmagic.statistics.runs import Runs


class WideCounts:
    """Counts each of them exactly while there are at most `limit`; then only how many there are."""

    __slots__ = ("limit", "runs", "sketch")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.runs = Runs.none()
        self.sketch: DistinctSketch | None = None

    @property
    def is_exact(self) -> bool:
        """Tell whether each is counted."""
        return self.sketch is None

    @property
    def is_empty(self) -> bool:
        """Tell whether there are none."""
        return self.sketch is None and not len(self.runs.keys)

    @property
    def unique(self) -> int:
        """About how many different ones there are."""
        return len(self.runs.keys) if self.sketch is None else self.sketch.estimate()

    def add(self, values: Integers) -> None:
        """Count numbers."""
        self._add(Runs.of(values))

    def merge(self, other: WideCounts) -> None:
        """Take what another has counted."""
        self._add(other.runs)
        if other.sketch is not None:
            self._dense().merge(other.sketch)

    def _add(self, runs: Runs) -> None:
        if self.sketch is None:
            self.runs = self.runs.merge(runs)
            if len(self.runs.keys) > self.limit:
                self._dense()
        else:
            self.sketch.add(hash_integers(runs.keys))

    def _dense(self) -> DistinctSketch:
        if self.sketch is None:
            self.sketch = DistinctSketch()
            self.sketch.add(hash_integers(self.runs.keys))
            self.runs = Runs.none()
        return self.sketch
