"""What came true, joined with what was answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.monitored import NOON, endpoint, log, register, rides

from mlmagic.api.monitor import monitor
from mlmagic.errors import UsageError
from mlmagic.panels.drift_verdicts import verdict_sentence
from mlmagic.serving.request_log.records import Head, Logged, pack, pack_head
from mlmagic.spec.model import ModelOrigin, Signature, TensorSpec
from mlmagic.spec.monitoring_report import VersionsApart

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


def test_keys_that_fit_none_of_the_requests_are_told_beside_theirs(session, tmp_path):
    register(session, tmp_path)
    log(endpoint(session, 1), rides(50, seed=1), keys=[str(number) for number in range(50)])
    found = monitor("rides", truth=pd.DataFrame({"id": ["a", "b"], "fare": [1.0, 2.0]}), key="id", session=session)
    told = "taxi@1: no id of its 50 rows is in truth. Theirs are 0, 1, 2, …; those of truth a, b, …"
    assert told in found.notes


def test_columns_that_truth_does_not_have(session, truth):
    other = truth.assign(tip=1.0)
    with pytest.raises(UsageError, match=r"truth has no column 'ident'") as raised:
        monitor("rides", truth=other, key="ident", session=session)
    assert "target: say which column of truth is what was so: id, paid, tip" in str(raised.value)
    with pytest.raises(UsageError, match=r"target: truth has no column 'xyz'. It has id, paid, tip"):
        monitor("rides", truth=other, key="id", target="xyz", session=session)
    with pytest.raises(UsageError, match=r"target: truth has no column 'payed'. Did you mean paid"):
        monitor("rides", truth=other, key="id", target="payed", session=session)


def apart(session, folder, *errors: float, rows: int = 400) -> Sequence[VersionsApart]:
    """Let versions answer rows of their own, with fares that are so far off, and compare them."""
    for _ in errors:
        register(session, folder)
    where = endpoint(session, *range(1, len(errors) + 1))
    truth = []
    for number, error in enumerate(errors, 1):
        asked = rides(rows, seed=number)
        keys = [f"{number}-{row}" for row in range(rows)]
        answered = {**asked, "fare": asked["fare"] + np.random.default_rng(number).normal(0, error, rows)}
        log(where, answered, keys=keys, version=number)
        truth.append(pd.DataFrame({"id": keys, "paid": asked["fare"]}))
    found = monitor("rides", truth=pd.concat(truth), key="id", session=session)
    assert all(verdict_sentence(each)[:30] in str(found) for each in found.verdicts)
    return found.verdicts


def test_the_better_version_is_named(session, tmp_path):
    better, worse = apart(session, tmp_path, 2.0, 1.0, 3.0)
    assert (better.first, better.second, better.is_better, worse.is_better) == ("taxi@1", "taxi@2", True, False)
    assert better.low is not None
    assert better.high is not None
    assert better.low < better.second_value - better.first_value < better.high < 0
    assert verdict_sentence(better).startswith("taxi@2 is better: rmse 1.0")
    assert verdict_sentence(worse).startswith("taxi@3 is worse: rmse 3.0")


def test_versions_that_are_nearly_alike_cannot_be_told_apart_and_rows_that_would_do_are_estimated(session, tmp_path):
    (found,) = apart(session, tmp_path, 1.0, 1.03, rows=100)
    assert (found.is_better, found.metric) == (None, "rmse")
    assert found.rows_needed is None or found.rows_needed > 200
    assert "taxi@2 is better cannot be told yet: rmse" in verdict_sentence(found)


def test_of_a_few_rows_nothing_is_told(session, tmp_path):
    (found,) = apart(session, tmp_path, 1.0, 5.0, rows=20)
    assert (found.low, found.is_better, found.rows_needed) == (None, None, None)
    assert verdict_sentence(found).endswith("of 20 and 20 rows; either needs 30 rows with a truth.")


def test_of_several_numbers_the_output_is_named(session, tmp_path):
    outputs = tuple(TensorSpec(name=name, dtype="float32", shape=(None,)) for name in ("fare", "tip"))
    signature = Signature(inputs=(TensorSpec(name="id", dtype="string", shape=(None,)),), outputs=outputs)
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    session.models.register("taxi", artifact, origin=ModelOrigin(), signature=signature, now=NOON)
    answers = [{"fare": 5.0 + at, "tip": 1.0 + at} for at in range(50)]
    log_answers(endpoint(session, 1), answers)
    truth = pd.DataFrame({"id": KEYS[:50], "paid": [2.0 + at for at in range(50)]})

    def found(**arguments: Any) -> Any:
        return monitor("rides", truth=truth, key="id", target="paid", session=session, **arguments)

    assert metrics(found(output="tip"))["taxi@1"]("bias").value == pytest.approx(-1)
    assert metrics(found(output="fare"))["taxi@1"]("bias").value == pytest.approx(3)
    assert any("Say which of them tells paid: --output fare" in note for note in found().notes)
    assert any("has no output 'tips'. Did you mean tip" in note for note in found(output="tips").notes)
    with pytest.raises(UsageError, match=r"output: only with truth"):
        monitor("rides", output="tip", session=session)


def log_answers(folder, answers):
    body = {"instances": [{"id": key} for key, _ in zip(KEYS, answers, strict=False)]}
    request, reply = (json.dumps(each).encode() for each in (body, {"predictions": answers}))
    record = Logged(int(NOON.timestamp() * 1e6), 1, 1, request, reply)
    (folder / ".1-1.journal").write_bytes(pack_head(Head("rides", "taxi", None)) + pack([record]))
