"""What a search expects of points that were not tried."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from mlmagic.tuning.acquisition import Acquisition
from mlmagic.tuning.encoding import Encoding, Floats
from mlmagic.tuning.gaussian_process import Posterior, fit_kernel
from mlmagic.tuning.kernel import squared_distances, standard_values
from mlmagic.tuning.space import Places, Space

# How much a failed point says of its surroundings: as a bad value with this variance.
_FAILED_NOISE = 0.1

# How far on the bad side values are told apart.
_REACH = 3.0

_BELIEVED_NOISE = 1e-6

# So many trials so near each other, on axes of length 1, are enough.
_CROWD = 3
_CROWD_RADIUS = 0.01

# So many of the best points are looked about.
_KNOWN = 5


def promising(
    space: Space,
    results: Sequence[tuple[Places, float]],
    pending: Sequence[Places],
    failed: Sequence[Places],
    numbers: random.Random,
) -> list[Places]:
    """Return points by how much they promise, the best first.

    Args:
        space: what is searched.
        results: points that were tried, and what they reached; less is better.
        pending: points whose trials run: they are taken to reach what is expected of them.
        failed: points without a value: they are taken to be as bad as the worst.
        numbers: where chance comes from.
    """
    encoding = Encoding(space)
    places = [point for point, _ in results]
    rows, values = encoding.rows(places), standard_values(np.array([value for _, value in results]), _REACH)
    kernel = fit_kernel(rows, values, encoding.groups)
    if failed:
        rows = np.vstack([rows, encoding.rows(failed)])
        values = np.append(values, np.full(len(failed), values.max()))
    noises = np.zeros(len(rows))
    noises[len(results) :] = _FAILED_NOISE
    posterior = Posterior(kernel, rows, values, noises)
    if pending:
        running = encoding.rows(pending)
        rows, values = np.vstack([rows, running]), np.append(values, posterior.predict(running)[0])
        # Believed without a doubt: else the place beside one that runs would promise as much as itself.
        noises = np.append(noises, np.full(len(pending), _BELIEVED_NOISE - kernel.noise))
        posterior = Posterior(kernel, rows, values, noises)
    tried = [*places, *pending]
    expected = posterior.predict(encoding.rows(tried))[0]
    known = [tried[place] for place in np.argsort(expected, kind="stable")[:_KNOWN]]
    points = Acquisition(space, encoding, posterior, float(expected.min())).best_points(known, numbers)
    return _crowded_last(points, encoding, encoding.rows(tried))


def _crowded_last(points: Sequence[Places], encoding: Encoding, tried: Floats) -> list[Places]:
    """Put points last that have enough tried ones about them: the rest of a minimum is not worth all trials."""
    near = squared_distances(encoding.rows(points), tried) < _CROWD_RADIUS**2
    is_crowded = dict(zip(points, (near.sum(1) >= _CROWD).tolist(), strict=True))
    return sorted(points, key=lambda point: is_crowded[point])
