"""Where a trial is worth most: the logarithm of the expected improvement, and the search for its maximum.

The logarithm keeps its slope where hardly any improvement is expected (Ament et al., 2023).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy import optimize, special

from mlmagic.tuning.encoding import Encoding, Floats
from mlmagic.tuning.gaussian_process import Posterior
from mlmagic.tuning.space import Places, Space

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)

# Points that are drawn from everywhere, and about each of the best known ones.
_DRAWN = 1000
_NEAR = 60

# So many of the best are climbed from, and from the best of all so many steps are made on countable axes.
_CLIMBS = 6
_STEPS = 8


def log_improvement(means: Floats, deviations: Floats, best: float) -> Floats:
    """Return the logarithms of how much below `best` normal variables are expected to be."""
    steps = (best - means) / deviations
    density = -0.5 * steps**2 - _LOG_SQRT_2PI
    near = np.maximum(steps, -1.0)
    above = np.log(np.exp(-0.5 * near**2 - _LOG_SQRT_2PI) + near * special.ndtr(near))
    far = np.minimum(steps, -1.0)
    ratio = -far * special.erfcx(-far / math.sqrt(2)) * math.sqrt(math.pi / 2)
    # Far out both terms are nearly equal: their difference is 1 / step² then.
    rest = np.where(far < -1e4, far**-2.0, 1 - ratio)
    return np.asarray(np.log(deviations) + np.where(steps > -1.0, above, density + np.log(np.maximum(rest, 1e-300))))


class Acquisition:
    """The worth of points, and its maximum."""

    def __init__(self, space: Space, encoding: Encoding, posterior: Posterior, best: float) -> None:
        self._space = space
        self._encoding = encoding
        self._posterior = posterior
        self._best = best
        self._movable = [
            number
            for number, axis in enumerate(space.axes)
            if encoding.is_number[number] and axis.parameter.name not in space.parents
        ]

    def worth(self, points: Sequence[Places]) -> Floats:
        """Return the worth of some points."""
        return log_improvement(*self._posterior.predict(self._encoding.rows(points)), self._best)

    def best_points(self, known: Sequence[Places], numbers: random.Random) -> list[Places]:
        """Return points, the best first. `known` are good points, about which it is looked more closely."""
        drawn = self._found([numbers.random() for _ in self._space.axes] for _ in range(_DRAWN))
        near = self._found(self._moved(point, numbers) for point in known for _ in range(_NEAR))
        starts = [*_best_first(drawn)[: _CLIMBS // 2], *_best_first(near)[: _CLIMBS // 2]]
        found = {**drawn, **near, **self._found(self._climbed(start) for start in starts)}
        for _ in range(_STEPS):
            best = max(found, key=lambda point: found[point])
            beside = self._found(self._beside(best))
            found |= beside
            if not beside or max(beside.values()) <= found[best]:
                break
        return _best_first(found)

    def _found(self, points: Iterable[Sequence[float | None]]) -> dict[Places, float]:
        """Return the worth of the points at some places."""
        found = list(dict.fromkeys(self._space.nearest(point) for point in points))
        return dict(zip(found, self.worth(found).tolist(), strict=True)) if found else {}

    def _moved(self, point: Places, numbers: random.Random) -> list[float | None]:
        """Return a point near another one: some of its places, at least one, are others."""
        width = 10 ** numbers.uniform(-2.5, -0.5)
        chosen = numbers.randrange(len(point))
        moved: list[float | None] = []
        for number, place in enumerate(point):
            if number != chosen and numbers.random() > 0.5:
                moved.append(place)
            elif place is None or not self._encoding.is_number[number]:
                moved.append(numbers.random())
            else:
                moved.append(min(1.0, max(0.0, numbers.gauss(place, width))))
        return moved

    def _climbed(self, start: Places) -> Places:
        """Return the maximum that the numbers of a point lead up to, integers as if they were dense."""
        movable = [number for number in self._movable if start[number] is not None]
        if not movable:
            return start
        columns = [self._encoding.first_columns[number] for number in movable]
        row = self._encoding.rows([start])[0]

        def descend(places: Floats) -> tuple[float, Floats]:
            row[columns] = places
            worth, slope = self._slope(row)
            return -worth, -slope[columns]

        bounds = [(0.0, 1.0)] * len(columns)
        found = optimize.minimize(
            descend, row[columns], jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 100}
        )
        climbed = list(start)
        for number, place in zip(movable, found.x, strict=True):
            climbed[number] = float(place)
        return tuple(climbed)

    def _slope(self, row: Floats) -> tuple[float, Floats]:
        mean, deviation, by_mean, by_deviation = self._posterior.slopes(row)
        worth = float(log_improvement(np.array([mean]), np.array([deviation]), self._best)[0])
        step = (self._best - mean) / deviation
        below = math.exp(min(50.0, float(special.log_ndtr(step)) - worth))
        density = math.exp(min(50.0, -0.5 * step**2 - _LOG_SQRT_2PI - worth))
        return worth, density * by_deviation - below * by_mean

    def _beside(self, point: Places) -> list[Places]:
        """Return the points next to one on a countable axis."""
        return [
            (*point[:number], other, *point[number + 1 :])
            for number, (axis, place) in enumerate(zip(self._space.axes, point, strict=True))
            if place is not None
            for other in axis.beside(place)
        ]


def _best_first(found: Mapping[Places, float]) -> list[Places]:
    return sorted(found, key=lambda point: -found[point])
