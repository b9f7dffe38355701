"""Grid search: all points, one after the other."""

from __future__ import annotations

from mlmagic.errors import UsageError
from mlmagic.spec.study import StudySpec
from mlmagic.tuning.history import History
from mlmagic.tuning.space import Space
from mlmagic.tuning.suggester import Values


class GridSuggester(History):
    """Suggests the first point that was not tried."""

    def __init__(self, spec: StudySpec) -> None:
        super().__init__(Space(spec.parameters))
        problems = [
            f"{axis.parameter.name} is DOUBLE; a list like {axis.parameter.name}=0.01;0.1 can be gone through"
            for axis in self.space.axes
            if axis.count is None
        ]
        if problems:
            raise UsageError("A grid search cannot go through all numbers of a range.", problems=problems)

    def suggest(self, number: int) -> Values | None:
        """See `Suggester.suggest`."""
        del number  # Whichever trial asks: it gets the first point that is left.
        tried = self.tried
        return next((point for point in self.space.points() if self.space.key(point) not in tried), None)
