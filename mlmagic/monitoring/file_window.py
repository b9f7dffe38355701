"""The rows of files beside a baseline, and those of each slice: counted in parts, merged in any order."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

import numpy as np

from mlmagic.monitoring.slices import Slices
from mlmagic.monitoring.window import Values, Window, WindowValues
from mlmagic.spec.monitoring_files import Counting, FileCounts


class FileWindow:
    """Counts rows of files.

    Args:
        counting: what is counted of them.
        names: the columns that the files have.
    """

    def __init__(self, counting: Counting, names: Collection[str]) -> None:
        known = [column.name for column in counting.baseline.columns]
        self._lacking = tuple(name for name in known if name not in names) if counting.skips_lacking else ()
        self._window = Window(counting.baseline, skipped={*counting.skipped, *self._lacking})
        self._slices = None if counting.by is None else Slices(counting.baseline, counting.by, counting.values)

    def add(self, data: Any) -> None:
        """Count rows, as `Window.add` takes them."""
        self._window.add(data)
        if self._slices is not None:
            self._slices.add(data)

    def merge(self, other: Self) -> Self:
        """Count what another one has counted, and return this one."""
        self._window.merge(other._window)
        if self._slices is not None and other._slices is not None:
            self._slices.merge(other._slices)
        return self

    @property
    def counts(self) -> FileCounts:
        """What is known so far."""
        values = self._window.values.features
        return FileCounts(
            statistics=self._window.statistics,
            bins={name: tuple(each.bins.tolist()) for name, each in values.items() if each.bins is not None},
            slices={} if self._slices is None else self._slices.statistics,
            lacking=self._lacking,
        )


def window_values(counts: FileCounts) -> WindowValues:
    """Return what is known of the rows, to be compared with the baseline."""
    bins = {name: np.array(each) for name, each in counts.bins.items()}
    return WindowValues(
        rows=counts.statistics.rows,
        features={
            column.name: Values(statistics=column, bins=bins.get(column.name)) for column in counts.statistics.columns
        },
    )
