"""Versions on the rows of a dataset or a DataFrame, by real models in their processes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
import sklearn.metrics as peers
from support.dataset_tables import register, rides
from support.evaluated_models import evaluated_models

from mlmagic.api.evaluation import evaluate
from mlmagic.api.improvement import check_improvement, read_minimum
from mlmagic.errors import NotBetterError, NotFoundError, PredictionError, UsageError
from mlmagic.serving.pool import PredictorPool
from mlmagic.session import Session
from mlmagic.spec.evaluation import Task
from mlmagic.spec.model import ModelOrigin, ModelVersion, Signature, TensorSpec

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
MILES = TensorSpec(name="miles", dtype="float32", shape=(None,), optional=True)
KEY = TensorSpec(name="ride_id", dtype="string", shape=(None,), optional=True)
FLOAT = TensorSpec(name="prediction", dtype="float32", shape=(None,))
SIGNATURES = {
    "half": Signature(inputs=(MILES,), outputs=(FLOAT,)),
    "good": Signature(inputs=(MILES, KEY), outputs=(FLOAT, KEY)),
    "broken": Signature(inputs=(MILES,), outputs=(FLOAT,)),
    "payment": Signature(inputs=(MILES,), outputs=(FLOAT, TensorSpec(name="label", dtype="string", shape=(None,)))),
    "passengers": Signature(
        inputs=(MILES,), outputs=(TensorSpec(name="prediction", dtype="float32", shape=(None, 5)),)
    ),
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session with rides and models of them; `taxi` has three versions."""
    artifacts, start = evaluated_models(tmp_path_factory), tmp_path_factory.mktemp("evaluation")
    session = Session(environ={"MLMAGIC_BACKEND": "memory"}, start=start)
    table = rides(3000)
    table = table.filter(pc.is_valid(table["miles"]))
    session._predictors = PredictorPool(session.workspace, limit=len(SIGNATURES))
    splits = {"train": table.slice(0, 1000), "eval": table.slice(1000, 800), "test": table.slice(1800)}
    register(session, "rides", splits, target="fare", key="ride_id")
    names = {"half": "taxi", "good": "taxi", "broken": "taxi", "payment": "payment", "passengers": "passengers"}
    for number, (name, model) in enumerate(names.items()):
        artifact = start / f"artifact-{number}"
        shutil.copytree(artifacts / name, artifact)
        origin = ModelOrigin(dataset="rides@1" if name != "passengers" else None)
        session.models.register(model, artifact, origin=origin, signature=SIGNATURES[name], now=NOW)
    yield session
    session.close()


def version(session: Session, number: int) -> ModelVersion:
    return session.models.versions("taxi")[number - 1]


def frame_of(session: Session, split: str = "test") -> pd.DataFrame:
    from mlmagic.api.datasets import dataset

    return dataset("rides", session=session).read(split)


def test_a_version_is_evaluated_on_the_test_rows_of_what_it_was_trained_on(session: Session) -> None:
    found = evaluate("taxi@2", session=session)
    rows = frame_of(session)
    assert (found.task, found.data, found.split, found.rows) == (Task.REGRESSION, "rides@1", "test", len(rows))
    expected = peers.root_mean_squared_error(rows["fare"], 2.5 + 2.4 * rows["miles"])
    assert found.metrics["rmse"] == pytest.approx(expected, rel=1e-5)
    assert found.table().loc["taxi@2", "mae"] == found.metrics["mae"]
    assert (repr(found), found.notes) == ("<Evaluation of taxi@2 on rides@1>", ())


def test_two_versions_are_compared_on_the_same_rows(session: Session) -> None:
    found = evaluate("taxi@1", "taxi@2", data="rides", split="eval", by="payment", session=session)
    first, second = found.versions
    rmse = next(each for each in second.differences if each.name == "rmse")
    assert rmse.is_better
    assert rmse.value == pytest.approx(second.metrics[0].value - first.metrics[0].value)
    assert rmse.low < rmse.value < rmse.high
    assert [part.value for part in found.slices] == ["card", "cash"]
    rows = frame_of(session, "eval").query("payment == 'cash'")
    expected = peers.root_mean_squared_error(rows["fare"], 2.5 + 2.4 * rows["miles"])
    assert found.slices[1].metrics[1][0].value == pytest.approx(expected, rel=1e-5)


def test_classes_are_found_by_their_names(session: Session) -> None:
    found = evaluate("payment", target="payment", by="pickup", session=session)
    rows = frame_of(session)
    chance = 1 / (1 + np.exp(3 - rows["miles"]))
    assert (found.task, found.positive, found.threshold) == (Task.BINARY, "cash", None)
    assert found.metrics["auc"] == pytest.approx(peers.roc_auc_score(rows["payment"] == "cash", chance), abs=1e-4)
    assert sum(part.rows for part in found.slices) == len(rows)
    assert found.slices[0].value.startswith("2013-01-01")
    card = evaluate("payment", target="payment", positive="card", threshold=0.9, session=session)
    expected = peers.recall_score(rows["payment"] == "card", 1 - chance > 0.9)
    assert (card.positive, card.metrics["recall"]) == ("card", pytest.approx(expected, abs=1e-3))


def test_a_frame_is_as_good_as_a_dataset(session: Session) -> None:
    frame = frame_of(session).set_index("ride_id")
    frame.loc[frame.index[:5], "passengers"] = None
    found = evaluate("passengers", data=frame, target="passengers", session=session)
    assert (found.task, found.data, found.split, found.without_target) == (Task.MULTICLASS, "a DataFrame", None, 5)
    assert (found.rows, found.classes) == (len(frame) - 5, 5)
    rows, known = frame["miles"][5:], frame["passengers"][5:]
    scores = np.stack([rows * 0 - 9, 4 - rows, rows - 4, rows * 0, -np.abs(rows - 4)], axis=1)
    assert found.metrics["accuracy"] == pytest.approx(peers.accuracy_score(known, scores.argmax(axis=1)))


def test_of_many_rows_some_are_enough(session: Session) -> None:
    found = evaluate("taxi@2", limit=300, session=session)
    assert (found.every, found.rows) == (4, -(-len(frame_of(session)) // 4))
    assert "rows of test of rides@1, each 4th" in str(found)


def test_rows_without_an_answer_are_told(session: Session) -> None:
    found = evaluate("taxi@3", session=session)
    lost = int((frame_of(session)["miles"] > 6).sum())
    assert found.versions[0].without_answer == lost
    assert f"taxi@3 returned NaN for {lost:,} rows: left out of all metrics." in str(found)


def test_rows_that_it_was_trained_on_are_told(session: Session) -> None:
    found = evaluate("taxi@2", split="train", session=session)
    assert found.notes == ("taxi@2 was trained on these rows: others it may answer worse.",)


def test_all_that_does_not_fit_is_told_at_once(session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        evaluate("taxi", split="tests", target="fares", by="tip", limit=0, session=session)
    assert str(caught.value).splitlines()[:4] == [
        "nothing can be evaluated so:",
        "  - limit is a number of rows from 1, not 0",
        "  - rides@1 has no split 'tests'. Did you mean test?",
        "  - rides@1 has no column 'fares'. Did you mean fare or shared?",
    ]
    assert "no column 'tip'" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": 3}, "data is a dataset, such as taxi or taxi@1, or a DataFrame, not int 3."),
        ({"threshold": 2}, "threshold is a probability between 0 and 1, not 2."),
        ({"labels": "A,A"}, "labels are two or more different names of classes"),
        ({"data": pd.DataFrame({"miles": []}), "split": "test"}, "a DataFrame has no splits"),
        ({"target": "payment"}, "taxi@1 returns a number, and payment is text: which class is which is not known."),
        ({"data": pd.DataFrame({"miles": [1.0], "fare": [None]})}, "no row of a DataFrame has a fare"),
    ],
)
def test_what_cannot_be_evaluated_says_why(session: Session, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        evaluate("taxi@1", **options, session=session)
    assert message in str(caught.value)


def test_versions_are_looked_up_first(session: Session) -> None:
    with pytest.raises(UsageError, match=r"compared with others than itself"):
        evaluate("taxi@1", "taxi", session=session)
    with pytest.raises(UsageError, match=r"at most 4 versions are evaluated side by side, not 5"):
        evaluate(*["taxi"] * 5, session=session)
    with pytest.raises(UsageError, match=r"nothing is known of a dataset that it was trained on"):
        evaluate("passengers", session=session)
    with pytest.raises(NotFoundError, match=r"no dataset"):
        evaluate("passengers", data="ridez", session=session)


def test_rows_that_a_version_cannot_take_are_told(session: Session) -> None:
    with pytest.raises(PredictionError, match=r"a DataFrame: taxi@1 cannot take these instances"):
        evaluate("taxi@1", data=pd.DataFrame({"miles": ["far"], "fare": [3.0]}), session=session)


def test_a_better_version_passes_the_gate(session: Session) -> None:
    found = check_improvement(session, version(session, 2), version(session, 1), minimum="1%")
    assert (found.metric, found.may_be_chance) == ("rmse", False)
    assert found.amount == found.before - found.value
    assert found.low < found.amount < found.high
    assert str(found).startswith("rmse of taxi@2 is ")
    by_r2 = check_improvement(session, version(session, 2), version(session, 1), minimum=0.1, metric="r2", split="eval")
    assert by_r2.amount == pytest.approx(by_r2.value - by_r2.before)


def test_a_worse_version_does_not_pass_the_gate(session: Session) -> None:
    with pytest.raises(NotBetterError) as caught:
        check_improvement(session, version(session, 1), version(session, 2), minimum=0, metric="mae")
    first, last = str(caught.value).splitlines()
    assert first.startswith("taxi@1 is not better than taxi@2 by 0. mae of taxi@1 is 4")
    assert "of taxi@2 2" in first
    assert ": worse by" in first
    assert last == (
        "Look closer: %models evaluate taxi@2 taxi@1 --data rides@1 --split test. "
        "Set it all the same: %models set-default taxi@1"
    )


def test_a_version_that_has_no_answer_does_not_pass_the_gate(session: Session) -> None:
    with pytest.raises(NotBetterError, match=r"taxi@3 has no answer for \d+ rows: it returned NaN."):
        check_improvement(session, version(session, 3), version(session, 1), minimum="1%")


def test_the_gate_takes_metrics_that_have_a_better_side(session: Session) -> None:
    with pytest.raises(UsageError, match=r"there is no metric 'bias'.*\nMetrics: rmse, mae, median_ae, r2, mape."):
        check_improvement(session, version(session, 2), version(session, 1), minimum="1%", metric="bias")
    assert read_minimum("1.5 %") == (0.015, True)
    assert read_minimum("0.25") == (0.25, False)
    for wrong in ("-1%", "much", -0.5, True, None):
        with pytest.raises(UsageError, match=r"is a part such as 1%"):
            read_minimum(wrong)  # type: ignore[arg-type]


def test_a_column_that_a_version_needs_makes_it_worse_when_it_is_shuffled(session: Session) -> None:
    report = evaluate("taxi@1", "taxi@2", importance=True, limit=600, session=session)
    found = report.importances
    assert found is not None
    # The key, which only the second version takes, is handed on and moves nothing.
    assert [(each.version, each.column) for each in found.columns] == [("taxi@1", "miles"), ("taxi@2", "miles")]
    assert found.metric == "rmse"
    first, second = (each.worse or 0.0 for each in found.columns)
    rows = frame_of(session)
    # Of independent rows the squared error grows by twice the variance of what the column adds, with a right weight.
    expected = np.sqrt(report.metrics["rmse"] ** 2 + 2 * np.var(2.4 * rows["miles"])) - report.metrics["rmse"]
    assert second == pytest.approx(expected, rel=0.15)
    assert 0 < first < second
    assert "gets worse when a column is shuffled" in str(report)


def test_importances_are_told_only_where_they_are_asked_for(session: Session) -> None:
    assert evaluate("taxi@2", limit=200, session=session).importances is None
    payments = evaluate("payment", data=frame_of(session), target="payment", importance=True, session=session)
    assert payments.importances is not None
    assert [each.column for each in payments.importances.columns] == ["miles"]
    assert (payments.importances.metric, len(payments.importances.columns)) == ("auc", 1)
