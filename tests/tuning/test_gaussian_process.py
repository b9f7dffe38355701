"""The Gaussian process and the expected improvement, against what their definitions give."""

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from mlmagic.tuning.acquisition import log_improvement
from mlmagic.tuning.encoding import Floats
from mlmagic.tuning.gaussian_process import _NOISE_PRIOR, Posterior, _Likelihood, fit_kernel
from mlmagic.tuning.kernel import Kernel, standard_values

GROUPS = np.array([0, 1, 1])
KERNEL = Kernel(weights=np.array([4.0, 1.0, 1.0]), scale=1.5, noise=1e-4)


def _data(count: int) -> tuple[Floats, Floats]:
    rows = np.random.default_rng(0).random((count, 3))
    return rows, np.sin(6 * rows[:, 0]) + 0.1 * rows[:, 1]


def test_it_goes_through_what_it_knows_and_is_unsure_elsewhere() -> None:
    rows, values = _data(12)
    means, deviations = Posterior(KERNEL, rows, values).predict(np.vstack([rows, [[9.0, 9.0, 9.0]]]))
    assert means[:-1] == pytest.approx(values, abs=0.01)
    assert deviations[:-1].max() < 0.02
    assert [means[-1], deviations[-1]] == pytest.approx([0, math.sqrt(1.5)], abs=1e-3)


def test_much_noise_is_not_taken_for_a_rough_function() -> None:
    numbers = np.random.default_rng(0)
    rows = numbers.random((120, 3))
    values = np.sin(6 * rows[:, 0]) + numbers.normal(0, 0.7, 120)
    kernel = fit_kernel(rows, standard_values(values, 3.0), GROUPS)
    assert kernel.noise > 0.2
    assert kernel.weights.max() < 100


def test_slopes_are_the_gradients_of_the_prediction() -> None:
    rows, values = _data(12)
    posterior, row = Posterior(KERNEL, rows, values), np.array([0.3, 0.6, 0.2])
    mean, deviation, by_mean, by_deviation = posterior.slopes(row)
    assert [[mean], [deviation]] == [pytest.approx(one) for one in posterior.predict(row[None])]
    for place, slope in ((0, by_mean), (1, by_deviation)):
        expected = optimize.approx_fprime(
            row, lambda point, place=place: posterior.predict(point[None])[place][0], 1e-6
        )
        assert slope == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_the_likelihood_and_its_gradient() -> None:
    rows, values = _data(10)
    likelihood, logarithms = _Likelihood(rows, values, GROUPS), np.log([0.5, 1.2, 1.5, 0.01])
    expected = optimize.approx_fprime(logarithms, lambda point: likelihood(point)[0], 1e-6)
    assert likelihood(logarithms)[1] == pytest.approx(expected, rel=1e-4, abs=1e-4)
    weights = np.array([0.5, 1.2, 1.2]) ** -2.0
    covariance = Kernel(weights=weights, scale=1.5, noise=0.01).between(rows, rows) + 0.01 * np.eye(10)
    density = stats.multivariate_normal(np.zeros(10), covariance).logpdf(values)
    flat = np.log([0.5, 1.2, 1.5, 0.02])
    other = stats.multivariate_normal(np.zeros(10), covariance + 0.01 * np.eye(10)).logpdf(values)
    middle, width = _NOISE_PRIOR
    prior = ((math.log(0.01) - middle) ** 2 - (math.log(0.02) - middle) ** 2) / 2 / width**2
    assert likelihood(logarithms)[0] - likelihood(flat)[0] == pytest.approx(other - density + prior)


def test_the_likeliest_kernel_knows_which_parameter_matters_and_how_noisy_values_are() -> None:
    rows, values = _data(40)
    noisy = values + np.random.default_rng(1).normal(0, 0.5, 40)
    clean, rough = (fit_kernel(rows, standard_values(one, 3.0), GROUPS) for one in (values, noisy))
    assert clean.weights[0] > 5 * clean.weights[1]
    assert clean.weights[1] == clean.weights[2]
    assert clean.noise < 1e-3
    assert rough.noise > 0.1


@pytest.mark.parametrize("best", [-30.0, -3.0, -1.0, 0.0, 2.0])
def test_the_expected_improvement_is_what_its_integral_gives(best: float) -> None:
    mean, deviation = 0.5, 0.8
    step = (best - mean) / deviation
    # Scaled by the density at `best`, so that it does not underflow.
    scaled, _ = integrate.quad(lambda gap: gap * math.exp(-gap * (gap - 2 * step) / 2), 0, 60)
    expected = math.log(scaled * deviation) - step**2 / 2 - math.log(2 * math.pi) / 2
    assert log_improvement(np.array([mean]), np.array([deviation]), best)[0] == pytest.approx(expected, rel=1e-6)


def test_hopeless_points_still_differ() -> None:
    worths = log_improvement(np.array([1.0, 1e3, 1e5, 1e7]), np.ones(4), 0.0)
    assert np.isfinite(worths).all()
    assert (np.diff(worths) < 0).all()


def test_bad_values_are_drawn_in_and_the_order_stays() -> None:
    values = standard_values(np.array([1.0, 2.0, 3.0, 1e12, 2.5]), 3.0)
    assert list(np.argsort(values, kind="stable")) == [0, 1, 4, 2, 3]
    assert values[3] - values[2] == pytest.approx(4 * (values[1] - values[0]))


@pytest.mark.parametrize("divergent", [1e13, 1e25, 1e38, 1.7e308])
@pytest.mark.parametrize("level", [0.0, 1000.0, -3.5])
def test_a_divergent_value_is_a_bad_one_and_no_more(divergent: float, level: float) -> None:
    usual = [level + value for value in (0.5, 0.4, 0.6, 0.3, 0.9)]
    bad = standard_values(np.array([*usual, level + 2.0]), 3.0)
    assert standard_values(np.array([*usual, divergent]), 3.0) == pytest.approx(bad, rel=1e-6)
    assert len(set(bad.tolist())) == 6


def test_where_most_are_equal_divergent_values_do_not_hide_the_bad_ones() -> None:
    for equal in (0.0, 0.3):
        found = standard_values(np.array([equal, equal, equal, 0.5, 1e20]), 3.0)
        assert found == pytest.approx(standard_values(np.array([equal, equal, equal, 0.5, 0.9]), 3.0), rel=1e-3)
        assert found[3] > 1
    assert not standard_values(np.array([0.5] * 9), 3.0).any()


def test_values_of_any_size_are_scaled_alike() -> None:
    values = np.array([1.0, 2.0, 3.0, 1.5, 1e6])
    for size in (1e-290, 1e-20, 2.0**1000):
        assert standard_values(values * size, 3.0) == pytest.approx(standard_values(values, 3.0))
