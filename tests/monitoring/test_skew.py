"""Skew that was put into real rows is found and named; rows as they are raise no alarm."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from support.flights import served, training_statistics

from mlmagic.monitoring.compare import report
from mlmagic.monitoring.window import Window
from mlmagic.spec.monitoring import DriftReport, FindingKind, Verdict

SIZES = (1_000, 10_000, pytest.param(1_000_000, marks=pytest.mark.slow))


def _report(rows: pd.DataFrame) -> DriftReport:
    window = Window(training_statistics())
    window.add(rows)
    return report(training_statistics(), window.values)


def _skewed(size: int, skew: Callable[[pd.DataFrame, np.random.Generator], object]) -> DriftReport:
    rows = served(size, seed=size)
    skew(rows, np.random.default_rng(7))
    return _report(rows)


def _alerts(found: DriftReport) -> list[str]:
    return [feature.feature for feature in found.features if feature.has_anomaly]


@pytest.mark.parametrize("size", SIZES)
def test_a_shifted_mean_is_found(size: int) -> None:
    found = _skewed(size, lambda rows, _: rows.__setitem__("dep_delay", rows.dep_delay + 25))
    (finding,) = found.findings
    assert _alerts(found) == ["dep_delay"]
    assert finding.kind is FindingKind.MEAN_SHIFTED
    assert finding.before == pytest.approx(12.6, abs=0.2)
    assert finding.after == pytest.approx(37.6, abs=3)


@pytest.mark.parametrize("size", SIZES)
def test_a_new_category_is_found(size: int) -> None:
    found = _skewed(size, lambda rows, chance: rows.loc.__setitem__((chance.random(size) < 0.05, "carrier"), "XX"))
    (finding,) = found.findings
    assert _alerts(found) == ["carrier"]
    assert (finding.kind, finding.new_values) == (FindingKind.NEW_VALUES, ("XX",))
    assert finding.text.startswith('carrier: new category "XX" (')


@pytest.mark.parametrize("size", SIZES)
def test_more_missing_values_are_found(size: int) -> None:
    found = _skewed(size, lambda rows, chance: rows.loc.__setitem__((chance.random(size) < 0.28, "air_time"), np.nan))
    (finding,) = found.findings
    assert _alerts(found) == ["air_time"]
    assert finding.kind is FindingKind.MISSING_CHANGED
    assert finding.text.startswith("air_time: missing 2.8 % → ")


@pytest.mark.parametrize("size", SIZES)
def test_kilometres_for_miles_are_found(size: int) -> None:
    found = _skewed(size, lambda rows, _: rows.__setitem__("distance", rows.distance * 1.609344))
    (finding,) = found.findings
    assert _alerts(found) == ["distance"]
    assert finding.kind is FindingKind.UNIT_CHANGED
    assert finding.factor == pytest.approx(1.609, abs=0.05)
    assert "as from miles to kilometres" in finding.text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("first", "second"), [("dep_delay", "air_time"), ("origin", "dest")])
def test_swapped_columns_are_found(size: int, first: str, second: str) -> None:
    def swap(rows: pd.DataFrame, _: object) -> None:
        rows[first], rows[second] = rows[second].copy(), rows[first].copy()

    found = _skewed(size, swap)
    (finding,) = found.findings
    assert _alerts(found) == sorted(found_pair := [first, second], key=[f.feature for f in found.features].index)
    assert finding.kind is FindingKind.COLUMNS_SWAPPED
    assert {finding.feature, finding.other} == set(found_pair)


@pytest.mark.parametrize(
    ("size", "windows"), [(50, 40), *(pytest.param(size, 100, marks=pytest.mark.slow) for size in (50, 1_000, 10_000))]
)
def test_real_rows_as_they_are_raise_no_alarm(size: int, windows: int) -> None:
    alarms = [found.findings for seed in range(windows) if (found := _report(served(size, seed))).has_anomaly]
    assert len(alarms) <= windows // 20, alarms


@pytest.mark.slow
def test_a_million_real_rows_as_they_are_raise_no_alarm() -> None:
    found = _report(served(1_000_000, seed=3))
    assert not found.has_anomaly
    assert found.current_count == 1_000_000


def test_few_rows_beyond_a_threshold_are_unsure() -> None:
    rows = served(12, seed=5)
    rows["hour"] = np.array([5, 6, 22, 23] * 3)
    (hour,) = [feature for feature in _report(rows).features if feature.feature == "hour"]
    assert hour.distribution_deviation > hour.anomaly_detection_threshold
    assert hour.verdict is Verdict.UNSURE
