"""What monitoring found last, and its alerts."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta

import pytest

from mlmagic.errors import NotFoundError, WorkspaceError
from mlmagic.spec.monitoring import (
    DriftReport,
    FeatureComparison,
    Finding,
    FindingKind,
    MetricType,
    SliceComparison,
    Verdict,
)
from mlmagic.spec.monitoring_report import Against, MonitoredWindow, MonitoringReport
from mlmagic.workspace import monitors
from mlmagic.workspace.monitors import (
    MonitorFolder,
    end_alerts,
    is_over,
    lasting_alerts,
    read_alerts,
    read_report,
    record_look,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def folder(tmp_path):
    return MonitorFolder(tmp_path / "monitoring")


def compared(name, *kinds, verdict=Verdict.ALERT, other=None, noise=0.0):
    return FeatureComparison(
        feature=name,
        metric_type=MetricType.JENSEN_SHANNON,
        distribution_deviation=0.5,
        anomaly_detection_threshold=0.3,
        verdict=verdict,
        noise=noise,
        findings=tuple(Finding(kind=kind, feature=name, text=f"{name}: {kind}", other=other) for kind in kinds),
    )


def found(*features, parts=(), against=Against.TRAINING, version="taxi@1"):
    report = DriftReport(baseline_count=9, current_count=9, features=features, slices=parts)
    window = MonitoredWindow(version=version, baseline="", report=report)
    return MonitoringReport(subject="rides", against=against, windows=(window,))


SHIFTED = compared("fare", FindingKind.MEAN_SHIFTED)


def look(folder, report, hour=0, **options):
    return record_look(folder, report, now=NOON + hour * HOUR, endpoint="rides", **options)


def test_an_alert_begins_once_and_ends(folder):
    first, second = look(folder, found(SHIFTED)), look(folder, found(SHIFTED), 1)
    assert ([alert.line for alert in first.began], second.began) == (["taxi@1: fare: MEAN_SHIFTED"], ())
    third = look(folder, found(compared("fare", verdict=Verdict.STEADY)), 2)
    assert [alert.id for alert in third.ended] == [first.began[0].id]
    kept = read_alerts(folder)
    assert [(each.first_seen, each.last_seen, each.end_time) for each in kept] == [(NOON, NOON + HOUR, NOON + 2 * HOUR)]
    assert read_report(folder).windows[0].report.features[0].verdict is Verdict.STEADY


def test_one_that_comes_again_is_another(folder):
    looks = [look(folder, found(*features), hour) for hour, features in enumerate([[SHIFTED], [], [SHIFTED]])]
    assert len({alert.id for each in looks for alert in each.began}) == 2
    assert [each.end_time is None for each in read_alerts(folder)] == [False, True]


def test_too_few_rows_end_nothing(folder):
    look(folder, found(SHIFTED))
    unsure = look(folder, found(compared("fare", verdict=Verdict.UNSURE)), 1)
    assert ([alert.feature for alert in unsure.lasting], unsure.ended) == (["fare"], ())


@pytest.mark.parametrize(
    ("report", "lasts"),
    [
        (found(compared("fare", verdict=Verdict.STEADY, noise=0.4)), True),
        (found(version="taxi@2"), True),
        (found(version="taxi@2"), False),
        (found(compared("fare", verdict=Verdict.STEADY, noise=0.1)), False),
    ],
    ids=["so few rows that all is chance", "no rows of a version", "nor is it deployed", "rows enough"],
)
def test_what_says_nothing_ends_nothing(folder, report, lasts):
    look(folder, found(SHIFTED), job="j1")
    again = look(folder, report, 1, job="j1", deployed=["taxi@1", "taxi@2"] if lasts else ["taxi@2"])
    assert (len(again.lasting), len(again.ended)) == (lasts, not lasts)
    assert not look(folder, found(SHIFTED), 2, job="j1").began or not lasts


@pytest.mark.parametrize("job", ["j1", None])
def test_a_slice_without_rows_ends_nothing(folder, job):
    steady = compared("fare", verdict=Verdict.STEADY)
    north, south = (SliceComparison(column="zone", value=value, features=(SHIFTED,)) for value in ("north", "south"))
    look(folder, found(steady, parts=(north,)), job=job)
    assert [each.slice for each in look(folder, found(steady, parts=(south,)), 1, job=job).lasting] == [
        "zone=north",
        "zone=south",
    ]
    # Who looks by hand may not have divided the rows.
    assert bool(look(folder, found(steady), 2, job=job).lasting) is (job is not None)


def test_each_cause_and_slice_is_an_alert_and_a_swap_is_one(folder):
    two = compared("fare", FindingKind.MISSING_CHANGED, FindingKind.VALUES_SCALED, FindingKind.NEW_VALUES)
    swap = [
        compared("a", FindingKind.COLUMNS_SWAPPED, other="b"),
        compared("b", FindingKind.COLUMNS_SWAPPED, other="a"),
    ]
    part = SliceComparison(column="zone", value="north", features=(SHIFTED,))
    began = look(folder, found(two, *swap, compared("c"), parts=(part,))).began
    assert [(each.feature, each.kind.value, each.slice) for each in began] == [
        ("fare", "MISSING_CHANGED", None),
        ("fare", "NEW_VALUES", None),
        ("b", "COLUMNS_SWAPPED", None),
        ("c", "DISTRIBUTION_CHANGED", None),
        ("fare", "MEAN_SHIFTED", "zone=north"),
    ]


def test_who_looks_ends_its_own_alerts_alone(folder):
    look(folder, found(SHIFTED), job="j1")
    assert not look(folder, found(), 1, job="j2").ended
    assert not look(folder, found(against=Against.WINDOW), 1, job="j1").ended
    assert look(folder, found(), 1, job="j1").ended


def test_what_a_job_has_told_is_not_raised_by_hand_again(folder):
    look(folder, found(SHIFTED), job="j1")
    assert not look(folder, found(SHIFTED), 1).began
    end_alerts(folder, job="j1", now=NOON + HOUR)
    assert [alert.end_time for alert in read_alerts(folder)] == [NOON + HOUR]
    assert look(folder, found(SHIFTED), 2).began


def test_what_was_found_by_hand_a_job_takes_over(folder):
    [by_hand] = look(folder, found(SHIFTED)).began
    first = look(folder, found(SHIFTED), 1, job="j1")
    assert [(each.id, each.first_seen, each.job) for each in first.began] == [(by_hand.id, NOON, "j1")]
    assert [len(first.lasting), len(read_alerts(folder))] == [1, 1]
    second = look(folder, found(SHIFTED), 2, job="j1")
    assert (second.began, len(second.lasting)) == ((), 1)
    assert look(folder, found(compared("fare", verdict=Verdict.STEADY)), 3, job="j1").ended
    assert not lasting_alerts(folder)


def test_what_only_somebody_found_a_job_leaves_alone(folder):
    look(folder, found(SHIFTED))
    assert not look(folder, found(compared("fare", verdict=Verdict.STEADY)), 1, job="j1").ended
    assert [alert.job for alert in lasting_alerts(folder)] == [None]


@pytest.mark.parametrize("who", [None, "j2"])
def test_what_a_job_left_is_taken_over_or_ended(folder, who):
    look(folder, found(SHIFTED), job="j1")
    taken = look(folder, found(SHIFTED), 1, job=who, is_over=lambda job: job == "j1")
    assert [(each.job, each.end_time) for each in read_alerts(folder)] == [(who, None)]
    assert (len(taken.began), taken.ended) == (1, ())
    look(folder, found(SHIFTED), 2, job="j1")
    look(folder, found(), 3, job=who, is_over=lambda job: job == "j1")
    assert not lasting_alerts(folder)


def test_what_two_jobs_found_is_one_trouble(folder):
    for job in ("j1", "j2"):
        look(folder, found(SHIFTED), job=job)
    assert len(read_alerts(folder)) == 2
    assert [alert.job for alert in lasting_alerts(folder)] == [min(read_alerts(folder), key=lambda each: each.id).job]


def test_a_job_that_cannot_be_read_may_look_yet():
    def get(error: Exception):
        raise error

    assert is_over(get, NotFoundError("no such job"))
    assert not is_over(get, WorkspaceError("the database is locked"))


def test_a_torn_line_says_nothing_and_harms_none(folder):
    look(folder, found(SHIFTED))
    folder.alerts.write_bytes(folder.alerts.read_bytes() + b'{"id": "x"')
    look(folder, found(SHIFTED, compared("miles", FindingKind.NEW_VALUES)), 1)
    assert [alert.feature for alert in read_alerts(folder)] == ["fare", "miles"]


def test_of_a_look_on_a_full_disk_nothing_has_begun(folder, monkeypatch):
    look(folder, found())

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(monitors.os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            look(folder, found(SHIFTED))
    assert not read_alerts(folder)
    assert look(folder, found(SHIFTED)).began


def test_the_file_stays_small(folder, monkeypatch):
    monkeypatch.setattr(monitors, "MOST_BYTES", 4000)
    monkeypatch.setattr(monitors, "MOST_ALERTS", 3)
    look(folder, found(SHIFTED), job="another")
    for hour in range(40):
        look(folder, found(*([SHIFTED] if hour % 2 else [])), hour)
    assert folder.alerts.stat().st_size < 8000
    assert read_alerts(folder)[0].job == "another"
    assert folder.alerts.stat().st_mode & 0o777 == 0o600
