"""What answers mean, whatever form a model gives them in."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from mlmagic.api.evaluation_answers import Answers
from mlmagic.api.evaluation_classes import Goal
from mlmagic.api.evaluation_form import Form, find_form
from mlmagic.api.evaluation_outcomes import make_outcomes
from mlmagic.api.evaluation_values import Values, is_present
from mlmagic.errors import PredictionError, UsageError
from mlmagic.spec.evaluation import Task
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec

VERSION = ModelVersion(model="taxi", number=1, create_time=datetime(2026, 11, 21, tzinfo=UTC))
TEXTS = pd.Series(["cash", "card", "card", "cash"])
NUMBERS = pd.Series([1, 0, 0, 1])


def goal_of(series, **told):
    values = Values()
    values.add(series)
    return Goal(name="payment", values=values, **told)


def answers_of(series, score=None, label=None, labels=(), name="taxi@1"):
    form = Form(score=None if score is None else "s", label=None if label is None else "l")
    answers = Answers(name, form, labels)
    half = len(series) // 2
    for part in (slice(0, half), slice(half, None)):
        outputs = {} if score is None else {"s": np.asarray(score, "float32")[part]}
        outputs |= {} if label is None else {"l": np.array(label, dtype=object)[part]}
        answers.add(outputs, series[part])
    return answers


def made(series, *, goal=None, **told):
    return make_outcomes(goal or goal_of(series), [answers_of(series, **told)])


def signature(**outputs):
    specs = [TensorSpec(name=name, dtype=dtype, shape=shape) for name, (dtype, shape) in outputs.items()]
    return Signature(inputs=(TensorSpec(name="id", dtype="string", shape=(None,)),), outputs=tuple(specs))


def test_numbers_are_a_regression():
    series = pd.Series([1.5, 2.0, 4.0, 0.0])
    found = made(series, score=[[1.0], [2.0], [np.nan], [5.0]])
    assert (found.task, found.each[0].predicted.tolist()) == (Task.REGRESSION, [1.0, 2.0, 5.0])
    assert (found.kept.tolist(), found.each[0].without_answer) == ([True, True, False, True], 1)
    assert found.notes == ["mape leaves out 1 row whose payment is 0."]


def test_zeros_and_ones_with_probabilities_are_two_classes():
    found = made(NUMBERS, score=[0.9, 0.2, 0.6, 0.7])
    assert (found.task, found.positive, found.threshold) == (Task.BINARY, "1", 0.5)
    assert found.each[0].metrics()["accuracy"] == 0.75
    assert made(NUMBERS, score=[9.0, 0.2, 0.6, 0.7]).task is Task.REGRESSION


def test_booleans_are_two_classes_whatever_the_numbers():
    found = made(NUMBERS.astype(bool), score=[2.0, -1.0, 3.0, 0.5])
    assert (found.positive, found.each[0].labels) == ("True", ("False", "True"))
    assert found.each[0].predicted.tolist() == [1, 0, 1, 1]
    assert found.each[0].score[1] == pytest.approx(1 / (1 + np.e))


@pytest.mark.parametrize("labels", [("card", "cash"), ("cash", "card"), ()])
def test_the_named_class_tells_what_a_number_speaks_for(labels):
    found = made(TEXTS, score=[0.9, 0.2, 0.6, 0.7], label=["cash", "card", "cash", "cash"], labels=labels)
    metrics = found.each[0].metrics()
    assert (metrics["accuracy"], metrics["auc"]) == (0.75, 1.0)
    assert found.threshold is None


def test_the_order_of_classes_can_be_told():
    found = made(TEXTS, score=[0.1, 0.8, 0.4, 0.3], labels=("cash", "card"))
    assert found.positive == "card"
    assert found.each[0].metrics()["auc"] == 1.0
    other = made(TEXTS, goal=goal_of(TEXTS, positive="cash"), score=[0.1, 0.8, 0.4, 0.3], labels=("cash", "card"))
    assert other.positive == "cash"
    assert other.each[0].score == pytest.approx([0.9, 0.2, 0.6, 0.7])


def test_text_without_known_classes_is_refused():
    with pytest.raises(UsageError) as caught:
        made(TEXTS, score=[0.1, 0.8, 0.4, 0.3])
    assert str(caught.value) == (
        "taxi@1 returns a number, and payment is text: which class is which is not known.\n"
        "Name the classes in the order of the outputs: --labels A,B; of one number the second is the one that it "
        "speaks for."
    )


def test_a_threshold_takes_the_place_of_the_named_class():
    goal = goal_of(TEXTS, threshold=0.65)
    found = made(TEXTS, goal=goal, score=[0.9, 0.2, 0.6, 0.7], label=["cash", "card", "cash", "cash"])
    assert found.each[0].metrics()["accuracy"] == 1.0
    assert found.threshold == 0.65


def test_a_class_that_is_none_cannot_be_positive():
    with pytest.raises(UsageError, match=r"positive 'chash' is no class of payment. Did you mean cash\?"):
        made(TEXTS, goal=goal_of(TEXTS, positive="chash"), score=[0.1] * 4, labels=("card", "cash"))


def test_two_outputs_are_two_classes():
    raw = [[-1.0, 1.0], [2.0, -2.0], [0.0, -3.0], [0.0, 0.5]]
    found = made(TEXTS, score=raw, labels=("card", "cash"))
    assert found.each[0].metrics()["accuracy"] == 1.0
    assert found.each[0].score[0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert made(NUMBERS, score=[[0.25, 0.75]] * 4).each[0].score.tolist() == [0.75] * 4


def test_rows_of_a_third_class_are_left_out_and_told():
    series = pd.Series(["cash", "card", "coins", "cash"])
    found = made(series, score=[0.9, 0.2, 0.6, 0.7], labels=("card", "cash"))
    assert len(found.each[0].actual) == 3
    assert found.notes == ["1 row has a payment that the model does not know: coins. It is left out."]


def test_several_outputs_are_classes_by_their_number():
    series = pd.Series([0, 1, 2, 7])
    found = made(series, score=[[5.0, 0, 0], [0, 0, 3], [0, 1, 9], [9, 0, 0]])
    outcome = found.each[0]
    assert (found.task, outcome.labels) == (Task.MULTICLASS, ("0", "1", "2", "7"))
    assert outcome.predicted.tolist() == [0, 2, 2, 0]
    assert outcome.score == pytest.approx([np.exp(5) / (np.exp(5) + 2), 1 / (2 + np.exp(3)), 0.99954, 0], abs=1e-4)
    assert outcome.rank.tolist() == [0, 1, 0, 3]
    assert found.notes == ["taxi@1 does not know the class of 1 row."]


def test_several_outputs_are_no_number():
    with pytest.raises(UsageError, match=r"taken for the classes 0 to 2 of payment; but that has 2.5"):
        made(pd.Series([1.0, 2.5]), score=[[1.0, 2.0, 3.0]] * 2)


def test_probabilities_of_unknown_order_are_left_out():
    series = pd.Series(["a", "b", "c"])
    score = np.eye(3) * 0.9 + 0.1 / 3
    found = made(series, score=score, label=["a", "c", "b"], labels=("a", "b", "c"))
    assert found.each[0].metrics() == pytest.approx(
        {"accuracy": 1 / 3, "f1_macro": 1 / 3, "f1_weighted": 1 / 3, "precision_macro": 1 / 3, "recall_macro": 1 / 3}
    )
    assert found.notes == ["Which number of taxi@1 belongs to which class is not known: probabilities are left out."]
    assert made(series, score=score, label=["a", "b", "c"], labels=("a", "b", "c")).each[0].score[0] > 0.9


def test_a_class_alone_is_enough():
    found = made(TEXTS, label=[b"cash", b"card", b"cash", b"cash"])
    assert (found.positive, found.each[0].score) == ("cash", None)
    assert found.each[0].metrics()["recall"] == 1.0
    several = made(pd.Series(["a", "b", "c", "d"]), label=["a", "b", "c", "c"])
    assert (several.task, several.each[0].metrics()["accuracy"]) == (Task.MULTICLASS, 0.75)


def test_many_whole_numbers_are_a_regression():
    series = pd.Series(range(40))
    found = made(series, label=list(range(1, 41)))
    assert (found.task, found.each[0].metrics()["rmse"]) == (Task.REGRESSION, 1.0)
    assert made(NUMBERS.astype(bool), label=[1, 0, 1, 1]).each[0].metrics()["accuracy"] == 0.75


def test_versions_have_classes_in_common():
    series = pd.Series(["a", "b", "c", "c"])
    first = answers_of(series, score=np.eye(4)[:, :3] + 0.1, labels=("a", "b", "c"))
    second = answers_of(series, score=np.eye(4)[[3, 2, 1, 1]], labels=("d", "c", "b", "a"), name="taxi@2")
    found = make_outcomes(goal_of(series), [first, second])
    assert found.each[1].labels == found.each[0].labels == ("a", "b", "c", "d")
    assert found.each[1].predicted.tolist() == found.each[1].actual.tolist() == [0, 1, 2, 2]
    with pytest.raises(UsageError, match=r"taxi@1 is binary, taxi@2 is multiclass"):
        make_outcomes(goal_of(series), [answers_of(series, score=[0.1] * 4, labels=("a", "b")), second])


def test_an_output_that_is_no_column_is_refused():
    with pytest.raises(PredictionError, match=r"the output 's' of taxi@1 does not have one value for each row"):
        Answers("taxi@1", Form(score="s", label=None), ()).add({"s": np.float32(3)}, NUMBERS)


def test_the_one_number_is_the_answer_and_what_was_handed_on_is_not():
    outputs = signature(id=("string", (None,)), prediction=("float32", (None,)), label=("string", (None,)))
    assert find_form(VERSION, outputs, "fare", None) == Form(score="prediction", label="label")
    assert find_form(VERSION, outputs, "fare", "label") == Form(score=None, label="label")


def test_of_several_numbers_one_must_be_named():
    outputs = signature(fare=("float32", (None, 1)), tip=("float32", (None, 3)))
    assert find_form(VERSION, outputs, "fare", None) == Form(score="fare", label=None)
    assert find_form(VERSION, outputs, "fare", "tip") == Form(score="tip", label=None, is_vector=True)
    with pytest.raises(UsageError) as caught:
        find_form(VERSION, outputs, "total", None)
    assert str(caught.value) == (
        "taxi@1 returns several numbers: fare (float32), tip (float32).\nSay which of them tells total: --output fare"
    )
    with pytest.raises(UsageError, match=r"taxi@1 has no output 'tips'. Did you mean tip\?"):
        find_form(VERSION, outputs, "total", "tips")
    with pytest.raises(UsageError, match=r"taxi@1 returns nothing that could be compared"):
        find_form(VERSION, signature(), "total", None)


def test_values_of_all_kinds_are_kept_small():
    moments = pd.to_datetime(["2013-01-01", None, "2013-01-01 12:30"], utc=True, format="ISO8601")
    times, texts = Values(), Values()
    times.add(pd.Series(moments))
    assert [times.told(number) for number in times.numbers()[[0, 2]]] == ["2013-01-01", "2013-01-01 12:30"]
    for part in (pd.Series(["a", "", None, "b"], dtype="category"), pd.Series(["b"])):
        texts.add(part)
    assert (texts.texts, texts.codes().tolist()) == (("a", "b"), [0, -1, -1, 1, 1])
    assert [label for label, _ in texts.parts()] == ["b", "a", "(missing)"]


@pytest.mark.parametrize("missing", [None, "", np.nan, pd.NA])
def test_what_is_missing_is_no_value(missing):
    assert is_present(pd.Series(["a", missing])).tolist() == [True, False]
    assert is_present(pd.Series([3, None], dtype="Int64")).tolist() == [True, False]
