"""A Gaussian process: what is known of a function from some of its values, and how sure that is.

The kernel is Matérn 5/2 with a length for each parameter; lengths, scale and noise are those that are most likely after
the data (maximum a posteriori). Rasmussen and Williams, Gaussian Processes for Machine Learning, algorithm 2.1 and 5.9.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from mlmagic.tuning.encoding import Floats
from mlmagic.tuning.kernel import SQRT5, Kernel

# Log-normal priors, for values with variance 1 on axes of length 1: the middle and the width of each.
_LENGTH_PRIOR = (math.log(0.7), 1.0)
_SCALE_PRIOR = (0.0, 1.0)
_NOISE_PRIOR = (math.log(1e-3), 3.0)

_LENGTH_BOUNDS = (math.log(0.02), math.log(50.0))
_SCALE_BOUNDS = (math.log(0.05), math.log(50.0))
_NOISE_BOUNDS = (math.log(1e-6), math.log(2.0))

# Where the search for the likeliest begins: smooth with hardly any noise, mostly noise, and rough. Of so many values
# that this takes long the last is left out.
_STARTS = ((0.7, 1.0, 1e-4), (1.5, 1.0, 0.3), (0.25, 1.0, 1e-3))
_MANY = 100


class Posterior:
    """What is known of the function after its values at some rows."""

    def __init__(self, kernel: Kernel, rows: Floats, values: Floats, noises: Floats | None = None) -> None:
        """Take what is known; `noises` are variances of single values beyond the kernel's noise."""
        self.kernel = kernel
        self.rows = rows
        covariance = kernel.between(rows, rows)
        covariance[np.diag_indices_from(covariance)] += kernel.noise + (0.0 if noises is None else noises)
        self._factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        self._solved = linalg.cho_solve((self._factor, True), values, check_finite=False)

    def predict(self, rows: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the function at some rows."""
        across = self.kernel.between(rows, self.rows)
        halves = linalg.solve_triangular(self._factor, across.T, lower=True, check_finite=False)
        variances = self.kernel.scale - np.einsum("ij,ij->j", halves, halves)
        return across @ self._solved, np.sqrt(np.maximum(variances, 1e-12))

    def slopes(self, row: Floats) -> tuple[float, float, Floats, Floats]:
        """Return mean, standard deviation, and the gradients of both at one row."""
        differences = row - self.rows
        distances = SQRT5 * np.sqrt(differences**2 @ self.kernel.weights)
        decay = self.kernel.scale * np.exp(-distances)
        across = decay * (1 + distances + distances**2 / 3)
        gradient = (-5 / 3 * decay * (1 + distances))[:, None] * differences * self.kernel.weights
        solved = linalg.cho_solve((self._factor, True), across, check_finite=False)
        deviation = math.sqrt(max(self.kernel.scale - float(across @ solved), 1e-12))
        return float(across @ self._solved), deviation, self._solved @ gradient, -(solved @ gradient) / deviation


def fit_kernel(rows: Floats, values: Floats, groups: NDArray[np.int64]) -> Kernel:
    """Return the likeliest kernel.

    Args:
        rows: points, (points, columns).
        values: their values, with mean 0 and variance 1.
        groups: the parameter of each column; columns of the same share their length.
    """
    likelihood = _Likelihood(rows, values, groups)
    count = likelihood.parameters
    bounds = [_LENGTH_BOUNDS] * count + [_SCALE_BOUNDS, _NOISE_BOUNDS]
    found = [
        optimize.minimize(
            likelihood,
            np.log([*[length] * count, scale, noise]),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 50},
        )
        for length, scale, noise in (_STARTS if len(values) <= _MANY else _STARTS[:2])
    ]
    best = np.exp(min(found, key=lambda one: float(one.fun)).x)
    lengths, (scale, noise) = best[:count], best[count:]
    return Kernel(weights=lengths[groups] ** -2.0, scale=float(scale), noise=float(noise))


class _Likelihood:
    """How unlikely a kernel is, as the logarithms of its lengths, scale and noise tell it: value and gradient."""

    def __init__(self, rows: Floats, values: Floats, groups: NDArray[np.int64]) -> None:
        self.parameters = int(groups.max()) + 1
        self._values = values
        count = len(values)
        self._distances = np.zeros((self.parameters, count * count))
        for column, group in enumerate(groups):
            self._distances[group] += (np.subtract.outer(rows[:, column], rows[:, column]) ** 2).ravel()
        self._middles = np.array([*[_LENGTH_PRIOR[0]] * self.parameters, _SCALE_PRIOR[0], _NOISE_PRIOR[0]])
        self._widths = np.array([*[_LENGTH_PRIOR[1]] * self.parameters, _SCALE_PRIOR[1], _NOISE_PRIOR[1]])

    def __call__(self, logarithms: Floats) -> tuple[float, Floats]:
        count = len(self._values)
        weights = np.exp(-2 * logarithms[:-2])
        scale, noise = np.exp(logarithms[-2:])
        distances = SQRT5 * np.sqrt(weights @ self._distances).reshape(count, count)
        decay = scale * np.exp(-distances)
        alike = decay * (1 + distances + distances**2 / 3)
        covariance = alike + noise * np.eye(count)
        try:
            factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        except linalg.LinAlgError:
            return 1e25, np.zeros_like(logarithms)
        inverse = linalg.cho_solve((factor, True), np.eye(count), check_finite=False)
        solved = inverse @ self._values
        steps = (logarithms - self._middles) / self._widths
        unlikely = 0.5 * self._values @ solved + np.log(np.diag(factor)).sum() + 0.5 * steps @ steps
        change = 0.5 * (inverse - np.outer(solved, solved))
        by_length = (self._distances @ (change * (5 / 3) * decay * (1 + distances)).ravel()) * weights
        by_scale, by_noise = np.vdot(change, alike), noise * np.trace(change)
        return float(unlikely), np.array([*by_length, by_scale, by_noise]) + steps / self._widths
