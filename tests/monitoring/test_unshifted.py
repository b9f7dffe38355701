"""Windows of the baseline's own distribution: no alarm in 95 of 100, even where every threshold is 0."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.flights import statistics_of

from mlmagic.monitoring.compare import report
from mlmagic.monitoring.window import Window
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.monitoring import AlertCondition, DataDriftSpec

TYPES = {
    "normal": ColumnType.FLOAT,
    "skewed": ColumnType.FLOAT,
    "whole": ColumnType.INTEGER,
    "few": ColumnType.STRING,
    "many": ColumnType.STRING,
    "rare": ColumnType.BOOLEAN,
}
ZERO = AlertCondition(threshold=0)
STRICTEST = DataDriftSpec(
    default_numeric_alert_condition=ZERO,
    default_categorical_alert_condition=ZERO,
    missing_threshold=0,
    unseen_threshold=0,
    shift_threshold=0,
)


def _draw(rows: int, *seed: int) -> dict[str, Any]:
    chance = np.random.default_rng(seed)
    return {
        "normal": chance.normal(0, 1, rows),
        "skewed": pa.array(chance.lognormal(1, 1, rows), mask=chance.random(rows) < 0.02),
        "whole": chance.integers(0, 12, rows),
        "few": np.array(["a", "b", "c", "d"])[chance.choice(4, rows, p=[0.5, 0.3, 0.19, 0.01])],
        "many": np.char.add("value ", np.minimum(chance.zipf(1.6, rows), 10**6).astype(str)),
        "rare": chance.random(rows) < 0.03,
    }


def _alarms(training: int, rows: int, windows: int) -> tuple[int, int]:
    """Return how many windows raise an alarm, by default and where every threshold is 0."""
    usual = strictest = 0
    for seed in range(windows):
        baseline = statistics_of(_draw(training, seed, 0), TYPES)
        window = Window(baseline)
        window.add(_draw(rows, seed, 1))
        current = window.values
        usual += report(baseline, current).has_anomaly
        strictest += report(baseline, current, STRICTEST).has_anomaly
    return usual, strictest


@pytest.mark.parametrize("rows", [1, 2])
def test_a_few_rows_are_no_alarm(rows: int) -> None:
    usual, _ = _alarms(1000, rows, windows=6)
    assert usual == 0


def test_small_windows_of_a_small_baseline() -> None:
    usual, strictest = _alarms(300, 50, windows=15)
    assert (usual, strictest <= 1) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("training", [300, 20_000])
@pytest.mark.parametrize("rows", [50, 1_000, 10_000])
def test_windows(training: int, rows: int) -> None:
    usual, strictest = _alarms(training, rows, windows=100)
    assert usual <= 2
    assert strictest <= 5


@pytest.mark.slow
def test_a_million_rows() -> None:
    assert _alarms(20_000, 1_000_000, windows=4) == (0, 0)
