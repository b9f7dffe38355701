"""What an endpoint was asked against what it was trained on, and against what was before."""

from __future__ import annotations

import pytest
from support.monitored import NOON, endpoint, log, register, rides

from mlmagic.api.monitor import monitor
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.spec.monitoring import FindingKind, Verdict
from mlmagic.spec.request_log import RequestLogging


@pytest.fixture
def folder(session, tmp_path):
    """The log of an endpoint with one version."""
    register(session, tmp_path)
    return endpoint(session, 1, log=RequestLogging(sampling_rate=1.0))


def verdicts(features):
    return {each.feature: each.verdict for each in features}


def test_what_it_was_trained_on_raises_no_alarm(session, folder):
    log(folder, rides(1000, seed=1))
    found = monitor("rides", session=session)
    assert verdicts(found.windows[0].report.features) == {"miles": Verdict.STEADY, "zone": Verdict.STEADY}
    assert (found.requests, found.rows, found.start, found.has_anomaly) == (100, 1000, NOON, False)


def test_kilometres_and_a_new_zone_are_named(session, folder):
    log(folder, rides(1000, seed=1, factor=1.609344, zones=("north", "south", "airport")))
    found = monitor("rides", session=session)
    kinds = {finding.feature: finding.kind for finding in found.findings}
    assert kinds == {"miles": FindingKind.UNIT_CHANGED, "zone": FindingKind.NEW_VALUES}
    told = str(found)
    assert "as from miles to kilometres" in told
    assert 'new category "airport"' in told


def test_each_version_is_compared_by_itself(session, folder, tmp_path):
    register(session, tmp_path)
    log(folder, rides(1000, seed=1))
    log(folder, rides(1000, seed=2, factor=1.609344), version=2)
    found = monitor("rides", session=session)
    assert [window.version for window in found.windows] == ["taxi@1", "taxi@2"]
    assert [window.report.has_anomaly for window in found.windows] == [False, True]


def test_the_window_before_is_the_baseline_of_drift(session, folder):
    log(folder, rides(1000, seed=1, factor=1.609344))
    log(folder, rides(1000, seed=2, factor=1.609344), hour=1)
    assert not monitor("rides", against="window", last="1h", session=session).has_anomaly
    assert monitor("rides", last="1h", session=session).has_anomaly


def test_predictions_that_drift_are_told(session, folder):
    log(folder, rides(1000, seed=1))
    log(folder, rides(1000, seed=2), hour=1, bias=30.0)
    found = monitor("rides", last="1h", session=session).windows[0].report
    assert verdicts(found.predictions) == {"fare": Verdict.ALERT}
    assert not any(each.has_anomaly for each in found.features)


def test_the_newest_rows_alone(session, folder):
    log(folder, rides(1000, seed=1))
    log(folder, rides(200, seed=2), hour=1)
    assert monitor("rides", rows=195, session=session).rows == 200
    assert monitor("rides", rows=205, session=session).rows == 210
    assert monitor("rides", rows=5000, session=session).rows == 1200


def test_few_rows_leave_it_unsure(session, folder):
    log(folder, rides(15, seed=3, factor=4.0))
    found = verdicts(monitor("rides", threshold={"miles": 0.1}, session=session).windows[0].report.features)
    assert found["miles"] is Verdict.UNSURE


def test_a_threshold_of_a_feature(session, folder):
    log(folder, rides(1000, seed=1, zones=("north", "north", "north", "south")))
    for threshold, verdict in ((None, Verdict.CHANGED), ({"zone": 0.1}, Verdict.ALERT), (0.1, Verdict.ALERT)):
        found = monitor("rides", threshold=threshold, session=session)
        assert verdicts(found.windows[0].report.features)["zone"] is verdict


def test_slices_of_the_window_before(session, folder):
    before, now = rides(2000, seed=1), rides(2000, seed=2)
    now["miles"] = now["miles"] * [1.0 if zone == "north" else 5.0 for zone in now["zone"]]
    log(folder, before)
    log(folder, now, hour=1)
    found = monitor("rides", against="window", last="1h", by="zone", session=session).windows[0].report
    assert {part.value: part.has_anomaly for part in found.slices} == {"north": False, "south": True}


def test_a_model_without_statistics_needs_some(session, tmp_path):
    register(session, tmp_path, has_statistics=False)
    log(endpoint(session, 1), rides(1000, seed=1, factor=1.609344))
    found = monitor("rides", session=session)
    assert "taxi@1 keeps no statistics of what it was trained on" in str(found)
    other = register(session, tmp_path)
    path = session.workspace.version("taxi", other.number).statistics
    assert monitor("rides", statistics=path, session=session).has_anomaly


def test_without_a_log_it_says_how_to_switch_it_on(session, tmp_path):
    register(session, tmp_path)
    endpoint(session, 1)
    with pytest.raises(UsageError, match=r"does not log its requests.\nSwitch .* %deploy taxi@1 .* --log-sample 0.1"):
        monitor("rides", session=session)


def test_nothing_is_logged_yet(session, folder):
    with pytest.raises(UsageError, match=r"has logged nothing yet: it keeps 100 % of its requests") as raised:
        monitor("rides", session=session)
    assert raised.value.hint == "Ask it something first: %predict taxi $data"
    with pytest.raises(NotFoundError, match="there is no endpoint 'ride'"):
        monitor("ride", session=session)


def test_all_that_is_wrong_is_told_at_once(session):
    given = {"against": "past", "last": "soon", "rows": 0, "threshold": {"fare": 2}, "statistics": "none.json"}
    with pytest.raises(UsageError) as raised:
        monitor("rides", model="taxi", truth="fares.csv", session=session, **given)
    told = str(raised.value)
    for what in ("not both", "against is training or window", "last 'soon'", "rows 0", "of fare is 2", "'none.json'"):
        assert what in told
    assert "key is missing" in told
    assert "there is no file 'fares.csv'" in told


def test_a_threshold_of_what_is_not_compared(session, folder):
    log(folder, rides(20, seed=1))
    with pytest.raises(UsageError, match=r"no feature 'mile' is compared. Did you mean miles"):
        monitor("rides", threshold={"mile": 0.2}, session=session)
