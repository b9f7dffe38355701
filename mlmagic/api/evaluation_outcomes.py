"""Answers and targets to what metrics are computed of: numbers, or classes that are numbered alike for all versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlmagic.api.evaluation_answers import Answers
from mlmagic.api.evaluation_classes import (
    Goal,
    all_classes,
    as_target,
    classes_of,
    coded,
    named_classes,
    two_classes,
)
from mlmagic.api.evaluation_values import MISSING
from mlmagic.errors import UsageError
from mlmagic.evaluation.outcome import Outcome
from mlmagic.spec.evaluation import Task

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

# A model that returns whole numbers alone names classes, unless there are more of them.
_MOST_WHOLE_CLASSES = 20


@dataclass(slots=True, kw_only=True)
class Outcomes:
    """The versions' outcomes on the same rows."""

    task: Task
    each: list[Outcome]
    kept: Array
    """Which of the rows with a target they tell of."""
    notes: list[str] = field(default_factory=list)
    positive: str | None = None
    threshold: float | None = None


def find_task(answers: Answers, goal: Goal) -> Task:
    """Return what a version was asked, from its outputs and from what is so.

    Raises:
        UsageError: a number cannot be compared with a text.
    """
    import numpy as np

    target = goal.values
    if answers.form.label is None and not target.is_text and not target.is_bool and answers.width == 1:
        distinct = np.unique(target.numbers())
        score = answers.array("score")
        is_probability = bool(((score >= 0) & (score <= 1)).all())
        return Task.BINARY if set(distinct) <= {0.0, 1.0} and is_probability else Task.REGRESSION
    if target.is_text and answers.form.label is None and not answers.labels:
        needs = "numbers" if answers.width > 1 else "a number"
        raise UsageError(
            f"{answers.name} returns {needs}, and {goal.name} is text: which class is which is not known.",
            hint="Name the classes in the order of the outputs: --labels A,B; of one number the second is the one "
            "that it speaks for.",
        )
    names = {*classes_of(target), *named_classes(answers, target)}
    if answers.width == 0 and not target.is_text and not target.is_bool and len(names) > _MOST_WHOLE_CLASSES:
        return Task.REGRESSION
    return Task.BINARY if (answers.width or len(answers.labels) or len(names)) <= 2 else Task.MULTICLASS


def make_outcomes(goal: Goal, answers: Sequence[Answers]) -> Outcomes:
    """Return what metrics are computed of.

    Raises:
        UsageError: the versions do different things, or their answers cannot be compared with the target.
    """
    tasks = {each.name: find_task(each, goal) for each in answers}
    if len(set(tasks.values())) > 1:
        told = ", ".join(f"{name} is {task.value}" for name, task in tasks.items())
        raise UsageError(f"versions that do different things cannot be compared: {told}.")
    task = next(iter(tasks.values()))
    if task is Task.REGRESSION:
        return _regression(goal, answers)
    return _binary(goal, answers) if task is Task.BINARY else _multiclass(goal, answers)


def _regression(goal: Goal, answers: Sequence[Answers]) -> Outcomes:
    import numpy as np

    actual = goal.values.numbers()
    found = [each.array("score")[:, 0] if each.width else each.label_numbers() for each in answers]
    kept = np.isfinite(actual) & np.all([np.isfinite(each) for each in found], axis=0)
    notes = []
    if zeros := int((actual[kept] == 0).sum()):
        notes.append(f"mape leaves out {zeros:,} row{'s' * (zeros != 1)} whose {goal.name} is 0.")
    outcomes = [
        Outcome(
            version=each.name,
            task=Task.REGRESSION,
            actual=actual[kept],
            predicted=predicted[kept],
            without_answer=int((~np.isfinite(predicted)).sum()),
        )
        for each, predicted in zip(answers, found, strict=True)
    ]
    return Outcomes(task=Task.REGRESSION, each=outcomes, kept=kept, notes=notes)


def _binary(goal: Goal, answers: Sequence[Answers]) -> Outcomes:
    import numpy as np

    classes = two_classes(goal, answers)
    actual, others = coded(goal.values, classes)
    notes = _notes_on_unknown(goal.name, others, actual)
    found = [_two(each, goal, classes) for each in answers]
    has_answer = [np.ones(len(actual), bool) if score is None else np.isfinite(score) for _, score in found]
    kept = (actual != MISSING) & np.all(has_answer, axis=0)
    outcomes = [
        Outcome(
            version=each.name,
            task=Task.BINARY,
            actual=actual[kept],
            predicted=predicted[kept].astype(np.int64),
            score=None if score is None else score[kept],
            labels=classes,
            without_answer=int((~known).sum()),
        )
        for each, (predicted, score), known in zip(answers, found, has_answer, strict=True)
    ]
    if kept.any() and len(set(actual[kept].tolist())) < 2:
        notes.append(f"All rows are {classes[int(actual[kept][0])]}: metrics that need both classes are not defined.")
    names_class = any(each.form.label is not None for each in answers) and goal.threshold is None
    threshold = None if names_class or found[0][1] is None else _threshold(goal)
    return Outcomes(task=Task.BINARY, each=outcomes, kept=kept, notes=notes, positive=classes[1], threshold=threshold)


def _threshold(goal: Goal) -> float:
    return 0.5 if goal.threshold is None else goal.threshold


def _two(answers: Answers, goal: Goal, classes: tuple[str, str]) -> tuple[Array, Array | None]:
    """Return which rows a version takes for positive, and their probabilities if it tells any."""
    import numpy as np

    score = None if answers.width == 0 else answers.probabilities()
    named = None
    if answers.form.label is not None:
        named = coded(as_target(answers.label, goal.values), classes)[0] == 1
    if score is None:
        return (np.zeros(0, bool) if named is None else named), None
    own = answers.labels if len(answers.labels) == 2 else tuple(sorted(classes)) if not goal.values.is_text else classes
    if named is not None:
        # What it says itself tells best which class its number speaks for.
        is_other = bool(len(named)) and float(np.mean((score > 0.5) == named)) < 0.5
    else:
        is_other = own[1] != classes[1]
    score = 1 - score if is_other else score
    if goal.threshold is None and named is not None:
        return named, score
    return score > _threshold(goal), score


def _multiclass(goal: Goal, answers: Sequence[Answers]) -> Outcomes:
    import numpy as np

    classes = all_classes(goal, answers)
    actual, _ = coded(goal.values, classes)
    notes: list[str] = []
    found: list[tuple[Array, Array | None, Array | None]] = []
    for each in answers:
        if goal.values.numbers().size and each.width > 2 and not each.labels:
            _check_whole(each, goal)
        found.append(_several(each, goal, classes, notes))
    kept = np.all([actual != MISSING, *(predicted != MISSING for predicted, _, _ in found)], axis=0)
    outcomes = [
        Outcome(
            version=each.name,
            task=Task.MULTICLASS,
            actual=actual[kept],
            predicted=predicted[kept],
            score=None if own is None else own[kept],
            rank=None if rank is None else rank[kept],
            labels=classes,
            without_answer=int((predicted == MISSING).sum()),
        )
        for each, (predicted, own, rank) in zip(answers, found, strict=True)
    ]
    return Outcomes(task=Task.MULTICLASS, each=outcomes, kept=kept, notes=notes)


def _several(
    answers: Answers, goal: Goal, classes: tuple[str, ...], notes: list[str]
) -> tuple[Array, Array | None, Array | None]:
    """Return the class that a version names, the probability of each row's own class, and its rank."""
    import numpy as np

    if answers.width <= 2:
        if answers.form.label is None:
            raise UsageError(
                f"{answers.name} returns {answers.width} number{'s' * (answers.width != 1)} for a row, and {goal.name} "
                f"has {len(classes):,} classes."
            )
        return coded(as_target(answers.label, goal.values), classes)[0], None, None
    place = answers.array("predicted")
    names = answers.labels or tuple(str(number) for number in range(answers.width))
    if len(names) == answers.width and not answers.is_order_wrong:
        code = np.array([*(classes.index(name) for name in names), MISSING])
        if unknown := int((answers.array("place") == MISSING).sum()):
            notes.append(f"{answers.name} does not know the class of {unknown:,} row{'s' * (unknown != 1)}.")
        return code[place], answers.array("own"), answers.array("rank")
    notes.append(f"Which number of {answers.name} belongs to which class is not known: probabilities are left out.")
    if answers.form.label is None:
        raise UsageError(
            f"{answers.name} returns {answers.width} numbers for a row, and {len(names)} classes are named.",
            hint="Name them in the order of the outputs: --labels A,B,C",
        )
    return coded(as_target(answers.label, goal.values), classes)[0], None, None


def _check_whole(answers: Answers, goal: Goal) -> None:
    import numpy as np

    numbers = goal.values.numbers()
    broken = numbers[numbers != np.trunc(numbers)]
    if len(broken):
        raise UsageError(
            f"{answers.name} returns {answers.width} numbers for a row, so they are taken for the classes 0 to "
            f"{answers.width - 1} of {goal.name}; but that has {broken[0]:g}.",
            hint="Of a model with several outputs, --output NAME says which one is meant.",
        )


def _notes_on_unknown(name: str, others: Sequence[str], codes: Array) -> list[str]:
    if not others:
        return []
    count = int((codes == MISSING).sum())
    told = ", ".join(others[:3]) + ", …" * (len(others) > 3)
    have, they = ("row has", "It is") if count == 1 else ("rows have", "They are")
    return [f"{count:,} {have} a {name} that the model does not know: {told}. {they} left out."]
