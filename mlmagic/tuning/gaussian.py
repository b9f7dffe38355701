"""Bayesian search: a Gaussian process of what was found, and the point that promises most."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.spec.study import Goal, StudySpec
from mlmagic.tuning.history import History
from mlmagic.tuning.quasi_random import spread_places
from mlmagic.tuning.random_search import draw_untried, random_of
from mlmagic.tuning.space import Places, Space
from mlmagic.tuning.suggester import Values

# More would make a suggestion take seconds: of many trials the best and the newest are enough.
_MOST = 200


class GaussianSuggester(History):
    """Suggests points spread over the space first, then those that promise most."""

    def __init__(self, spec: StudySpec, earlier: Sequence[tuple[Values, float]] = ()) -> None:
        super().__init__(Space(spec.parameters))
        self._seed = spec.seed
        self._sign = -1.0 if spec.goal is Goal.MAXIMIZE else 1.0
        self._first = min(10, max(4, len(spec.parameters) + 2))
        self._earlier = [
            (places, self._sign * value)
            for values, value in earlier
            if (places := self.space.places(values)) is not None
        ]

    def suggest(self, number: int) -> Values | None:
        """See `Suggester.suggest`."""
        tried, numbers = self.tried, random_of(self._seed, number)
        for places in self._promising(number):
            point = self.space.point(places)
            if self.space.key(point) not in tried:
                return point
        return draw_untried(self.space, tried, numbers)

    def _promising(self, number: int) -> Sequence[Places]:
        """Return points, the most promising first."""
        results = list(self._earlier)
        pending: list[Places] = []
        failed: list[Places] = []
        for trial in self.told:
            places = self.space.places(trial.values)
            if places is None:
                continue
            if trial.value is not None:
                results.append((places, self._sign * trial.value))
            else:
                (failed if trial.is_finished else pending).append(places)
        if len(results) < 3 or (number <= self._first and len(self._earlier) < self._first):
            return [self.space.nearest(spread_places(self._seed, number, len(self.space.axes)))]
        from threadpoolctl import threadpool_limits

        from mlmagic.tuning.surrogate import promising

        # More threads would add in another order, and so suggest another point; for so little they are also slower.
        with threadpool_limits(limits=1, user_api="blas"):
            return promising(self.space, results, pending, failed, random_of(self._seed, number))
