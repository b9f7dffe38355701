"""What the classes of a target are called, and which of them each row has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.api.evaluation_answers import Answers
from mlmagic.api.evaluation_values import MISSING, Values
from mlmagic.errors import UsageError, nearest

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

_BOOLEANS = {"0": "False", "1": "True"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is so, and how answers are read."""

    name: str
    values: Values
    positive: str | None = None
    threshold: float | None = None


def two_classes(goal: Goal, answers: Sequence[Answers]) -> tuple[str, str]:
    """Return the names of the negative and of the positive class.

    Raises:
        UsageError: the target has more than two, or not the one that is to be the positive one.
    """
    labels = next((each.labels for each in answers if len(each.labels) == 2), None)
    names = sorted({*classes_of(goal.values), *(name for each in answers for name in named_classes(each, goal.values))})
    if goal.values.is_bool:
        labels = ("False", "True")
    elif not goal.values.is_text and set(names) <= {"0", "1"}:
        labels = ("0", "1")
    if labels is None and len(names) > 2:
        raise UsageError(
            f"{answers[0].name} tells two classes apart, and {goal.name} has {len(names):,}: "
            f"{', '.join(names[:5])}{', …' * (len(names) > 5)}.",
            hint="Name the two in the order of its outputs: --labels A,B",
        )
    labels = labels or (names[0], names[1] if len(names) > 1 else f"not {names[0]}")
    if goal.positive is None or goal.positive == labels[1]:
        return labels[0], labels[1]
    if goal.positive != labels[0]:
        raise UsageError(
            f"positive {goal.positive!r} is no class of {goal.name}. {nearest(goal.positive, labels)}".rstrip(),
            hint=f"Classes: {labels[0]} and {labels[1]}.",
        )
    return labels[1], labels[0]


def all_classes(goal: Goal, answers: Sequence[Answers]) -> tuple[str, ...]:
    """Return the names of the classes: in the order of the outputs, then others that are in the rows."""
    names: dict[str, None] = {}
    for each in answers:
        names |= dict.fromkeys(each.labels)
        if each.width > 2 and not each.labels and not goal.values.is_text:
            names |= dict.fromkeys(str(number) for number in range(each.width))
    seen = {*classes_of(goal.values), *(name for each in answers for name in named_classes(each, goal.values))}
    return tuple(names | dict.fromkeys(sorted(seen - names.keys())))


def coded(values: Values, classes: Sequence[str]) -> tuple[Array, list[str]]:
    """Return the place of each row's class among the classes, -1 for others; and what these are."""
    import numpy as np

    places = {name: place for place, name in enumerate(classes)}
    if values.is_text:
        texts = values.texts
        table = np.array([*(places.get(text, MISSING) for text in texts), MISSING])
        return table[values.codes()], [text for text in texts if text not in places]
    distinct, at = np.unique(values.numbers(), return_inverse=True)
    texts = tuple(values.told(float(number)) for number in distinct)
    table = np.array([places.get(text, MISSING) for text in texts] or [MISSING])
    return table[at] if len(at) else np.zeros(0, np.int64), [text for text in texts if text not in places]


def classes_of(values: Values) -> tuple[str, ...]:
    """Return the classes that a column has, as texts."""
    import numpy as np

    if values.is_text:
        return values.texts
    return tuple(values.told(float(number)) for number in np.unique(values.numbers()))


def named_classes(answers: Answers, target: Values) -> tuple[str, ...]:
    """Return the classes that a version names, called as the target calls them; none where it names none."""
    return () if answers.form.label is None else classes_of(as_target(answers.label, target))


def as_target(label: Values, target: Values) -> Values:
    """Return the named classes as the target has them: True and False for 1 and 0."""
    if not target.is_bool or not set(label.texts) <= _BOOLEANS.keys():
        return label
    return label.renamed(_BOOLEANS)
