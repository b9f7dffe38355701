from __future__ import annotations

import numpy as np
import pytest

from mlmagic.monitoring.versions import Names, percentile, what_is_worse, wilson
from mlmagic.serving.app.counters import Counters
from mlmagic.serving.app.predictions import PredictionCounts, leading_bits
from mlmagic.spec.rollout import Observed

NAMES = Names(candidate="taxi@2", current="taxi@1")


def predicted(numbers: object) -> Observed:
    """What is observed of predictions."""
    counts = PredictionCounts()
    values = np.asarray(numbers)
    counts.add({"fare": values}, len(values))
    return Observed(requests=len(values), **counts.told())


def answered(*seconds: float) -> Observed:
    """What is observed of answers that took so long."""
    counters = Counters()
    for one in seconds:
        counters.answered(1, one)
    status = counters.status(1, "onnx")
    return Observed(requests=status.requests, latencies=status.latency_counts)


@pytest.mark.parametrize(("errors", "requests"), [(3, 3), (3, 10), (10, 100), (40, 1000)])
def test_errors_that_the_other_has_not(errors: int, requests: int) -> None:
    reason = what_is_worse(Observed(requests=requests, errors=errors), Observed(requests=5000), NAMES)
    assert reason == f"{errors} of {requests:,} requests to taxi@2 failed; of taxi@1 0 of 5,000"


@pytest.mark.parametrize(("errors", "requests", "others"), [(2, 2, 0), (3, 300, 0), (30, 100, 1500), (1, 1000, 0)])
def test_errors_that_may_be_chance_or_are_not_its_own(errors: int, requests: int, others: int) -> None:
    candidate = Observed(requests=requests, errors=errors)
    assert what_is_worse(candidate, Observed(requests=5000, errors=others), NAMES) is None


def test_without_another_that_answers_errors_are_still_errors() -> None:
    assert what_is_worse(Observed(requests=5, errors=5), Observed(), NAMES) == "5 of 5 requests to taxi@2 failed"


def test_chance_alone_rolls_next_to_nothing_back() -> None:
    draw = np.random.default_rng(0)
    alarms = 0
    for _ in range(200):
        failed = np.cumsum(draw.random((2, 2000)) < 0.03, axis=1)
        looks = range(20, 2000, 20)
        alarms += any(
            what_is_worse(
                Observed(requests=at, errors=int(failed[0, at])),
                Observed(requests=at, errors=int(failed[1, at])),
                NAMES,
            )
            for at in looks
        )
    assert alarms <= 4


def test_what_is_slower_than_the_other_at_the_same_time() -> None:
    quick, slow = answered(*[0.004] * 200), answered(*[0.2] * 12)
    assert what_is_worse(slow, quick, NAMES) == (
        "the p99 of taxi@2 is 200 ms, that of taxi@1 5 ms at the same time: 12 of 12 answers took longer than 15 ms"
    )
    assert what_is_worse(slow, answered(*[0.15] * 200), NAMES) is None
    assert what_is_worse(slow, answered(*[0.004] * 20), NAMES) is None


def test_percentiles_are_bounds() -> None:
    assert percentile(answered(0.0012, 0.0012, 0.0031).latencies, 0.5) == 0.0015
    assert percentile(answered(0.0012, 1000.0).latencies, 0.99) == 70.0
    assert percentile((), 0.99) is None


def test_predictions_that_are_no_numbers() -> None:
    good = predicted(np.linspace(1, 9, 50))
    assert what_is_worse(predicted([1.0, np.nan, np.inf, np.nan]), good, NAMES) == (
        "3 of 4 predictions of taxi@2 are no finite numbers"
    )
    assert what_is_worse(predicted([np.nan, np.nan]), good, NAMES) is None


def test_predictions_that_are_others() -> None:
    draw = np.random.default_rng(0)
    fares = predicted(draw.gamma(3, 5, 2000))
    assert what_is_worse(predicted(draw.gamma(3, 5, 500)), fares, NAMES) is None
    assert what_is_worse(predicted(draw.gamma(3, 5, 500) * 1.1), fares, NAMES) is None
    reason = what_is_worse(predicted(draw.gamma(3, 5, 500) * 5), fares, NAMES)
    assert reason is not None
    assert reason.startswith(
        "predictions of 'fare' by taxi@2 are far from those of taxi@1: Jensen-Shannon divergence 0."
    )
    assert what_is_worse(predicted(draw.gamma(3, 5, 10) * 5), fares, NAMES) is None


def test_classes_that_are_others() -> None:
    first, second = np.tile([0.9, 0.1], (200, 1)), np.tile([0.1, 0.9], (200, 1))
    reason = what_is_worse(predicted(second), predicted(first), NAMES)
    assert reason is not None
    assert "L-infinity distance 1.00 in 200 and 200" in reason
    texts = np.array([b"cash", b"card"] * 100, object)
    assert what_is_worse(predicted(texts), predicted(texts), NAMES) is None


def test_leading_bits_are_in_the_order_of_the_numbers() -> None:
    numbers = np.array([-1e30, -2.0, -1.0, -1e-9, 1e-9, 0.5, 1.0, 1.5, 1e38])
    bits = leading_bits(numbers)
    assert bits.tolist() == sorted(set(bits.tolist()))
    assert bits.max() < 1 << 16


def test_wilsons_limits_hold_the_share() -> None:
    assert wilson(0, 0, 1.96) == 0.0
    assert wilson(5, 100, -1.96) == pytest.approx(0.0215, abs=1e-3)
    assert wilson(5, 100, 1.96) == pytest.approx(0.1118, abs=1e-3)
