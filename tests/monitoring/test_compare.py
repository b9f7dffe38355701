"""Verdicts, own thresholds, predictions, slices, and the record of all that."""

from typing import Any

import numpy as np
import pytest
from support.flights import statistics_of

from mlmagic.errors import UsageError
from mlmagic.monitoring.compare import compare, compare_slices, report
from mlmagic.monitoring.slices import Slices, slices_of
from mlmagic.monitoring.window import Window, values_of
from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.monitoring import AlertCondition, DataDriftSpec, DriftReport, FindingKind, Verdict
from mlmagic.spec.statistics import SplitStatistics

TYPES = {"fare": ColumnType.FLOAT, "city": ColumnType.STRING}


def _rows(rows: int = 4000, *, shift: float = 0.0, only: str | None = None) -> dict[str, Any]:
    chance = np.random.default_rng(0)
    city = np.array(["Oslo", "Rome"])[chance.integers(0, 2, rows)]
    fare = chance.normal(10, 2, rows) + np.where((city == only) if only else True, shift, 0.0)
    return {"fare": fare, "city": city}


BASELINE = statistics_of(_rows(), TYPES)


def _values(rows: dict[str, Any]) -> Any:
    window = Window(BASELINE)
    window.add(rows)
    return window.values


def _sliced(rows: dict[str, Any]) -> dict[str, SplitStatistics]:
    slices = Slices(BASELINE, "city", slices_of(BASELINE, "city"))
    slices.add(rows)
    return dict(slices.statistics)


def test_the_same_rows_are_steady() -> None:
    compared = compare(BASELINE, _values(_rows()))
    assert [feature.verdict for feature in compared] == [Verdict.STEADY] * 2
    assert [feature.distribution_deviation for feature in compared] == [0, 0]


def test_a_small_change_is_told_and_own_thresholds_make_an_alert_of_it() -> None:
    values = _values(_rows(shift=0.8))
    (fare, _) = compare(BASELINE, values)
    strict = DataDriftSpec(feature_alert_conditions={"fare": AlertCondition(threshold=0.01)})
    (alert, _) = compare(BASELINE, values, strict)
    assert (fare.verdict, alert.verdict) == (Verdict.CHANGED, Verdict.ALERT)
    assert (alert.anomaly_detection_threshold, alert.findings[0].kind) == (0.01, FindingKind.MEAN_SHIFTED)


def test_another_share_is_named_where_nothing_else_happened() -> None:
    rows = _rows() | {"city": np.array(["Oslo"] * 3800 + ["Rome"] * 200)}
    (_, city) = compare(BASELINE, _values(rows))
    (finding,) = city.findings
    assert finding.kind is FindingKind.DISTRIBUTION_CHANGED
    assert finding.text == 'city: share of "Oslo" 49 % → 95 %'


def test_all_that_is_wrong_is_told_at_once() -> None:
    spec = DataDriftSpec(
        features=("fair",), default_numeric_alert_condition=AlertCondition(threshold=3), false_alarm_rate=0
    )
    with pytest.raises(UsageError) as refused:
        compare(BASELINE, _values(_rows()), spec)
    assert "the numeric threshold is 3; it must be from 0 to 1; the rate of false alarms is 0" in str(refused.value)
    assert 'the baseline has no column "fair"; it has fare, city.' in str(refused.value)


def test_predictions_drift_from_window_to_window() -> None:
    types = {"prediction": ColumnType.FLOAT}
    before, after = (statistics_of({"prediction": _rows(shift=shift)["fare"]}, types) for shift in (0, 4))
    found = report(BASELINE, _values(_rows()), predictions=(before, values_of(after, before)))
    assert found.has_anomaly
    assert [finding.feature for finding in found.findings] == ["prediction"]
    assert loads(DriftReport, dumps(found)) == found


def test_a_prediction_follows_its_inputs_and_has_no_unit_of_its_own() -> None:
    types = {"km": ColumnType.FLOAT}
    numbers = np.random.default_rng(0).lognormal(2, 0.7, 4000)
    before, after = (statistics_of({"km": values}, types) for values in (numbers, numbers * 3.6))
    found = report(before, values_of(after, before), predictions=(before, values_of(after, before)))
    assert [finding.kind for finding in found.features[0].findings] == [FindingKind.UNIT_CHANGED]
    (scaled, shifted) = found.predictions[0].findings
    assert (scaled.kind, shifted.kind) == (FindingKind.VALUES_SCALED, FindingKind.MEAN_SHIFTED)
    assert scaled.text == "km: values are multiplied by 3.6"


def test_a_prediction_that_grew_by_a_number_is_not_multiplied() -> None:
    types = {"fare": ColumnType.FLOAT}
    numbers = np.random.default_rng(0).normal(20, 2, 4000)
    before, after = (statistics_of({"fare": values}, types) for values in (numbers, numbers + 273.15))
    found = report(before, values_of(after, before), predictions=(before, values_of(after, before)))
    assert [each.kind for each in found.predictions[0].findings] == [FindingKind.MEAN_SHIFTED]


def test_a_slice_is_compared_with_its_like() -> None:
    found = compare_slices("city", _sliced(_rows()), _sliced(_rows(shift=3, only="Rome")))
    assert {part.value: part.has_anomaly for part in found} == {"Oslo": False, "Rome": True}
    assert [feature.feature for feature in found[0].features] == ["fare"]
    assert report(BASELINE, _values(_rows()), slices=found).has_anomaly


def test_slices_need_listed_values() -> None:
    with pytest.raises(UsageError, match='no column "town" to divide rows by; it has fare, city'):
        slices_of(BASELINE, "town")
    with pytest.raises(UsageError, match='the values of "fare" are not listed: divide rows by a column of text'):
        slices_of(BASELINE, "fare")


def test_a_number_between_two_slices_is_in_neither() -> None:
    baseline = statistics_of({"riders": np.array([1, 2, 2])}, {"riders": ColumnType.INTEGER})
    slices = Slices(baseline, "riders", ["1", "2"])
    slices.add({"riders": np.array([2.0, 2.7, np.nan])})
    assert {value: each.rows for value, each in slices.statistics.items()} == {"2": 1}


def test_nothing_is_said_of_no_rows() -> None:
    compared = compare(BASELINE, Window(BASELINE).values)
    assert {feature.verdict for feature in compared} == {Verdict.STEADY}
    assert compared[0].noise == 1


@pytest.mark.parametrize("after", [np.inf, np.nan])
def test_numbers_that_are_none_are_missing(after: float) -> None:
    rows = _rows()
    rows["fare"][: len(rows["fare"]) // 2] = after
    whole = {**rows, "fare": np.full(4000, after)}
    assert [compare(BASELINE, _values(each))[0].current_missing_rate for each in (rows, whole)] == [0.5, 1.0]
    (finding,) = compare(BASELINE, _values(whole))[0].findings
    assert finding.text == "fare: missing 0 % → 100 %"


@pytest.mark.parametrize(("before", "after"), [((1e308, -1e308), (1.0, 2.0)), ((1.0, 2.0), (1.5e308, -1e308))])
def test_the_largest_numbers_there_are_raise_an_alert_and_no_warning(before: Any, after: Any) -> None:
    spread = np.random.default_rng(0).uniform(0.5, 1, 1000)
    known = statistics_of({"fare": np.tile(before, 500) * spread}, {"fare": ColumnType.FLOAT})
    window = Window(known)
    window.add({"fare": np.tile(after, 500) * spread})
    assert [feature.verdict for feature in compare(known, window.values)] == [Verdict.ALERT]
