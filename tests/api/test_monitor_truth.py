"""What came true, joined with what was answered."""

from __future__ import annotations

import pandas as pd
import pytest
from support.monitored import endpoint, log, register, rides

from mlmagic.api.monitor import monitor
from mlmagic.errors import UsageError

KEYS = [f"r{number}" for number in range(500)]


@pytest.fixture
def truth(session, tmp_path):
    """What came true of rides that two versions answered, the second with a fare that is 2 too high."""
    for _ in range(2):
        register(session, tmp_path)
    folder = endpoint(session, 1, 2)
    asked = rides(500, seed=1)
    log(folder, asked, keys=KEYS)
    log(folder, asked, keys=KEYS, version=2, bias=2.0)
    return pd.DataFrame({"id": KEYS, "paid": asked["fare"]})


def metrics(found):
    return {each.versions[0].version: each.versions[0].metric for each in found.quality}


def test_each_version_is_told_how_well_it_answered(session, truth):
    found = monitor("rides", truth=truth, key="id", session=session)
    metric = metrics(found)
    assert metric["taxi@1"]("mae").value == pytest.approx(0, abs=1e-6)
    assert metric["taxi@2"]("bias").value == pytest.approx(2)
    assert "Quality, by what came true of paid" in str(found)


def test_truth_that_comes_late_is_joined_as_far_as_it_is_there(session, truth, tmp_path):
    path = tmp_path / "fares.csv"
    pd.concat([truth[:200], truth[:1]]).to_csv(path, index=False)
    found = monitor("rides", truth=str(path), key="id", session=session)
    assert [each.rows for each in found.quality] == [200, 200]
    assert "1 row of truth repeats the id of another; the last one counts." in found.notes
    assert "taxi@1: the truth is known of 200 of 500 rows." in found.notes


def test_numbers_and_texts_are_the_same_keys(session, tmp_path):
    register(session, tmp_path)
    asked = rides(50, seed=1)
    log(endpoint(session, 1), asked, keys=[str(number) for number in range(50)])
    truth = pd.DataFrame({"id": [float(number) for number in range(50)], "fare": asked["fare"]})
    assert monitor("rides", truth=truth, key="id", session=session).quality[0].rows == 50


def test_requests_without_the_key_cannot_be_joined(session, tmp_path):
    register(session, tmp_path)
    log(endpoint(session, 1), rides(50, seed=1))
    found = monitor("rides", truth=pd.DataFrame({"id": ["a"], "fare": [1.0]}), key="id", session=session)
    assert found.quality == ()
    assert (
        "taxi@1: no row that it answered has the input id, so nothing can be joined; requests must send it."
        in found.notes
    )


def test_columns_that_truth_does_not_have(session, truth):
    other = truth.assign(tip=1.0)
    with pytest.raises(UsageError, match=r"truth has no column 'ident'") as raised:
        monitor("rides", truth=other, key="ident", session=session)
    assert "target: say which column of truth is what was so: id, paid, tip" in str(raised.value)
    with pytest.raises(UsageError, match=r"target: truth has no column 'payed'. Did you mean paid"):
        monitor("rides", truth=other, key="id", target="payed", session=session)
