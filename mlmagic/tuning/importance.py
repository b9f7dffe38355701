"""Which parameters mattered: how much of what a study found each of them explains."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from mlmagic.spec.study import Goal, Study, TrialState
from mlmagic.spec.study_report import IMPORTANCE_TRIALS
from mlmagic.tuning.encoding import Encoding, Floats
from mlmagic.tuning.kernel import Kernel, matern, squared_distances, standard_values
from mlmagic.tuning.space import Places, Space

# More trials make it no clearer, and slower.
_MAX_TRIALS = 100

# What lengths and noises are tried. An infinite length: the parameter says nothing.
_LENGTHS = (math.inf, 3.0, 1.0, 0.5, 0.2)
_NOISES = (1e-3, 1e-2, 0.1, 0.5)
_ROUNDS = 3

# Divergent trials shall not be all that counts.
_REACH = 10.0

# At so many points it is seen what changes if one parameter does.
_POINTS = 300


def importance(study: Study) -> Mapping[str, float]:
    """Return each parameter's share in what made values differ, all together 1.

    A Gaussian process is fitted to the final values, and asked how its values vary with each parameter while the others
    stay (total Sobol indices, by Jansen's estimator). Empty if fewer than 8 trials succeeded, or if they look as if no
    parameter had mattered.
    """
    sign = -1.0 if study.spec.goal is Goal.MAXIMIZE else 1.0
    space = Space(study.spec.parameters)
    found: list[tuple[Places, float]] = []
    for trial in study.trials:
        values = {name: study.spec.parameter(name).value(text) for name, text in trial.parameters.items()}
        places = space.places(values)
        if trial.state is TrialState.SUCCEEDED and trial.final and places and math.isfinite(trial.final.value):
            found.append((places, sign * trial.final.value))
    if len(found) < IMPORTANCE_TRIALS:
        return {}
    if len(found) > _MAX_TRIALS:
        found = [found[round(place)] for place in np.linspace(0, len(found) - 1, _MAX_TRIALS)]
    # The matrices are too small to be shared among threads.
    with threadpool_limits(limits=1, user_api="blas"):
        shares = _shares(space, [places for places, _ in found], np.array([value for _, value in found]))
    names = [parameter.name for parameter in study.spec.parameters]
    return {} if shares is None else dict(zip(names, shares.tolist(), strict=True))


def _shares(space: Space, points: Sequence[Places], values: Floats) -> Floats | None:
    encoding = Encoding(space)
    rows, values = encoding.rows(points), standard_values(values, _REACH)
    kernel = _fitted(rows, values, encoding)
    solved = np.linalg.solve(kernel.between(rows, rows) + kernel.noise * np.eye(len(rows)), values)

    def predicted(points: Sequence[Places]) -> Floats:
        return kernel.between(encoding.rows(points), rows) @ solved

    numbers = random.Random(0)  # noqa: S311 - the same for the same study
    drawn = [[numbers.random() for _ in space.axes] for _ in range(_POINTS)]
    base = predicted([space.nearest(point) for point in drawn])
    effects = []
    for number in range(len(space.axes)):
        changed = [[*point[:number], numbers.random(), *point[number + 1 :]] for point in drawn]
        effects.append(float(np.mean((predicted([space.nearest(point) for point in changed]) - base) ** 2)))
    total = sum(effects)
    return np.array(effects) / total if total > 1e-9 else None


def _fitted(rows: Floats, values: Floats, encoding: Encoding) -> Kernel:
    """Return the likeliest of some kernels: one parameter after the other takes the length that suits best."""
    axes = len(encoding.first_columns)
    distances = [
        squared_distances(rows[:, encoding.groups == axis], rows[:, encoding.groups == axis]) for axis in range(axes)
    ]
    lengths, noise = [1.0] * axes, 0.1
    best = _unlikely(distances, lengths, noise, values)
    for _ in range(_ROUNDS):
        for axis in range(axes):
            for length in _LENGTHS:
                tried = [*lengths[:axis], length, *lengths[axis + 1 :]]
                if (unlikely := _unlikely(distances, tried, noise, values)) < best:
                    best, lengths = unlikely, tried
        for tried_noise in _NOISES:
            if (unlikely := _unlikely(distances, lengths, tried_noise, values)) < best:
                best, noise = unlikely, tried_noise
    return Kernel(weights=np.array(lengths)[encoding.groups] ** -2.0, scale=1.0, noise=noise)


def _unlikely(distances: Sequence[Floats], lengths: Sequence[float], noise: float, values: Floats) -> float:
    squares = sum((distance / length**2 for distance, length in zip(distances, lengths, strict=True)), 0.0)
    factor = np.linalg.cholesky(matern(np.asarray(squares)) + noise * np.eye(len(values)))
    halves = np.linalg.solve(factor, values)
    # The scale that suits best is known in closed form.
    return float(len(values) / 2 * math.log(halves @ halves / len(values) + 1e-12) + np.log(np.diag(factor)).sum())
