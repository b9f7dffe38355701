"""What a suggester was told of a study's trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlmagic.tuning.space import Key, Space
from mlmagic.tuning.suggester import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A trial that was told."""

    values: Values
    value: float | None = None
    """None: it runs, or is infeasible."""
    is_finished: bool = False


class History:
    """The half of a suggester that remembers. Each trial has its number, so the order of calls leaves no trace."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self._told: dict[int, Told] = {}

    def started(self, number: int, values: Values) -> None:
        """See `Suggester.started`."""
        self._told.setdefault(number, Told(values=values))

    def finished(self, number: int, values: Values, value: float | None) -> None:
        """See `Suggester.finished`."""
        is_feasible = value is not None and math.isfinite(value)
        self._told[number] = Told(values=values, value=value if is_feasible else None, is_finished=True)

    @property
    def told(self) -> Sequence[Told]:
        """All trials by number."""
        return [self._told[number] for number in sorted(self._told)]

    @property
    def tried(self) -> set[Key]:
        """The points of all trials, with those that run."""
        return {self.space.key(trial.values) for trial in self._told.values()}
