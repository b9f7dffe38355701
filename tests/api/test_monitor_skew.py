"""Skew in the requests of real flights is found and named by `monitor` itself; requests as they are raise no alarm."""

from __future__ import annotations

import numpy as np
import pytest
from support.flights import served
from support.monitored import NAME
from support.monitored_flights import flights_endpoint, log_flights

from mlmagic.api.monitor import monitor
from mlmagic.spec.monitoring import FindingKind


@pytest.fixture
def folder(session, tmp_path):
    """The log of an endpoint."""
    return flights_endpoint(session, tmp_path)


def shift(rows, chance):
    rows["dep_delay"] += 25


def add_category(rows, chance):
    rows.loc[chance.random(len(rows)) < 0.05, "carrier"] = "XX"


def lose(rows, chance):
    rows.loc[chance.random(len(rows)) < 0.28, "air_time"] = np.nan


def convert(rows, chance):
    rows["distance"] *= 1.609344


def swap(rows, chance):
    rows["origin"], rows["dest"] = rows["dest"].copy(), rows["origin"].copy()


SKEWS = {
    FindingKind.MEAN_SHIFTED: (shift, ["dep_delay"]),
    FindingKind.NEW_VALUES: (add_category, ["carrier"]),
    FindingKind.MISSING_CHANGED: (lose, ["air_time"]),
    FindingKind.UNIT_CHANGED: (convert, ["distance"]),
    FindingKind.COLUMNS_SWAPPED: (swap, ["origin", "dest"]),
}


def alerts(found):
    return {each.feature for window in found.windows for each in window.report.features if each.has_anomaly}


@pytest.mark.parametrize("size", [1_000, 10_000])
@pytest.mark.parametrize("kind", SKEWS)
def test_skew_in_requests_is_found_and_named(session, folder, size, kind):
    make, features = SKEWS[kind]
    rows = served(size, seed=size)
    make(rows, np.random.default_rng(7))
    log_flights(folder, rows)
    found = monitor(NAME, session=session)
    assert (found.requests, alerts(found)) == (size, set(features))
    assert [finding.kind for finding in found.findings] == [kind]


@pytest.mark.slow
def test_all_skews_are_found_in_a_million_requests(session, folder):
    rows = served(1_000_000, seed=1)
    for make, _ in SKEWS.values():
        make(rows, np.random.default_rng(7))
    log_flights(folder, rows, is_converted=True)
    found = monitor(NAME, session=session)
    assert found.requests == 1_000_000
    assert {finding.kind: finding.feature in SKEWS[finding.kind][1] for finding in found.findings} == dict.fromkeys(
        SKEWS, True
    )
    # The fifth of the features, the hour, is as it was.
    assert alerts(found) == {feature for _, features in SKEWS.values() for feature in features}


@pytest.mark.parametrize("windows", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_requests_as_they_are_raise_no_alarm(session, folder, windows):
    alarms = []
    for seed in range(windows):
        log_flights(folder, served(1_000, seed))
        found = monitor(NAME, session=session)
        alarms += [found.findings] if found.has_anomaly else []
    assert len(alarms) <= windows // 20, alarms


@pytest.mark.slow
def test_a_million_requests_as_they_are_raise_no_alarm(session, folder):
    log_flights(folder, served(1_000_000, seed=3), is_converted=True)
    found = monitor(NAME, session=session)
    assert not found.has_anomaly
    assert found.rows == 1_000_000
