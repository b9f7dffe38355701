"""Points of a space as rows of numbers, among which distances mean something."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlmagic.spec.study import ParameterKind
from mlmagic.tuning.space import Places, Space

Floats = NDArray[np.float64]

# A number that does not apply is in the middle: as far from all others as can be said of it.
_ABSENT = 0.5


class Encoding:
    """The columns of a space: one for a number, and for a categorical parameter one for each category."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._widths = [
            axis.count or 1 if axis.parameter.kind is ParameterKind.CATEGORICAL else 1 for axis in space.axes
        ]
        starts = np.cumsum([0, *self._widths])
        self.first_columns = [int(start) for start in starts[:-1]]
        """Of each axis."""
        self.groups = np.repeat(np.arange(len(space.axes)), self._widths)
        """The axis of each column."""
        self.is_number = [axis.parameter.kind is not ParameterKind.CATEGORICAL for axis in space.axes]
        """Whether an axis has an order, and one column."""

    def rows(self, points: Sequence[Places]) -> Floats:
        """Return points as rows: (points, columns)."""
        rows = np.empty((len(points), len(self.groups)))
        for number, first in enumerate(self.first_columns):
            places = [point[number] for point in points]
            if self.is_number[number]:
                rows[:, first] = [_ABSENT if place is None else place for place in places]
            else:
                rows[:, first : first + self._widths[number]] = self._categories(places, self._widths[number])
        return rows

    @staticmethod
    def _categories(places: Sequence[float | None], width: int) -> Floats:
        # Two categories lie 1 apart, and what does not apply as far from each of them.
        columns = np.full((len(places), width), math.sqrt(0.5) / width)
        for row, place in enumerate(places):
            if place is not None:
                columns[row] = 0.0
                columns[row, min(width - 1, int(place * width))] = math.sqrt(0.5)
        return columns
