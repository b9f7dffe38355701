"""Bayesian search: a Gaussian process of what was found, and the point that promises most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from mlmagic.spec.study import Goal, StudySpec
from mlmagic.tuning.history import History
from mlmagic.tuning.quasi_random import spread_places
from mlmagic.tuning.random_search import draw_untried, random_of
from mlmagic.tuning.space import Places, Space
from mlmagic.tuning.suggester import Values

# Less than this many results tell the process nothing.
_MIN_RESULTS = 3

# Suggestions take about half a second with so many results: of more, the best and the newest are enough.
_MAX_RESULTS = 200


class GaussianSuggester(History):
    """Suggests points spread over the space first, then those that promise most."""

    def __init__(self, spec: StudySpec, earlier: Sequence[tuple[Values, float]] = ()) -> None:
        super().__init__(Space(spec.parameters))
        self._seed = spec.seed
        self._sign = -1.0 if spec.goal is Goal.MAXIMIZE else 1.0
        self._earlier = [
            (places, self._sign * value)
            for values, value in earlier
            if math.isfinite(value) and (places := self.space.places(values)) is not None
        ]
        self._spread = min(10, max(4, len(spec.parameters) + 2)) - len(self._earlier)

    def suggest(self, number: int) -> Values | None:
        """See `Suggester.suggest`."""
        tried = self.tried
        for places in self._candidates(number):
            point = self.space.point(places)
            if self.space.key(point) not in tried:
                return point
        return draw_untried(self.space, tried, random_of(self._seed, number))

    def _candidates(self, number: int) -> Iterable[Places]:
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
        if self._earlier and not self.told:
            # What was best elsewhere: a study should have tried it itself.
            return [min(self._earlier, key=lambda result: result[1])[0]]
        if len(results) < _MIN_RESULTS or number <= self._spread:
            return [self.space.nearest(spread_places(self._seed, number, len(self.space.axes)))]
        return self._promising(number, results, pending, failed)

    def _promising(
        self,
        number: int,
        results: Sequence[tuple[Places, float]],
        pending: Sequence[Places],
        failed: Sequence[Places],
    ) -> Sequence[Places]:
        from threadpoolctl import threadpool_limits

        from mlmagic.tuning.surrogate import promising

        if len(results) > _MAX_RESULTS:
            half = _MAX_RESULTS // 2
            best = sorted(results[:-half], key=lambda result: result[1])[:half]
            results = [*best, *results[-half:]]
        # More threads would add in another order, and so suggest another point; for so little they are also slower.
        with threadpool_limits(limits=1, user_api="blas"):
            return promising(self.space, results, pending, failed[-_MAX_RESULTS:], random_of(self._seed, number))
