"""What makes a search space: bounds in their order, names of their own, conditions that can be met."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from mlmagic.errors import nearest
from mlmagic.spec.space_text import number_text
from mlmagic.spec.study import Condition, Parameter, ParameterKind, Scale

MOST_VALUES = 1000
"""Of a parameter whose values are given one by one, as in Vertex AI."""

_LARGEST_WHOLE = 2.0**53
_NAME = re.compile(r"[^\W\d][\w.-]*")
_SHOWN = 5

Problem = tuple[int, str]
"""Which parameter, and what is wrong with it."""


def arranged(
    parameters: Sequence[Parameter], unread: Collection[str] = ()
) -> tuple[tuple[Parameter, ...], list[Problem]]:
    """Return the parameters, parents before those that depend on them, and what is wrong with them.

    The values of conditions become texts in the form of their parents': `32.0` of whole numbers is `32`.

    Args:
        parameters: in any order.
        unread: names of others, which could not be read, and may be parents.
    """
    problems = [
        (place, problem)
        for place, parameter in enumerate(parameters)
        for problem in [*name_problems(parameter.name), *parameter_problems(parameter)]
    ]
    keys = [parameter.name.replace("-", "_") for parameter in parameters]
    twice = [place for place, key in enumerate(keys) if key in keys[:place]]
    problems += [(place, "it stands there twice") for place in twice]
    by_name = {parameter.name: parameter for parameter in parameters}
    found: list[Parameter] = []
    for place, parameter in enumerate(parameters):
        condition, wrong = _checked(parameter, by_name, unread)
        problems += [(place, problem) for problem in wrong]
        found.append(replace(parameter, condition=condition))
    ordered = tuple(_ordered(found))
    if len(ordered) < len(found):
        names = {parameter.name for parameter in ordered}
        circle = [place for place, parameter in enumerate(found) if parameter.name not in names]
        told = ", ".join(found[place].name for place in circle)
        problems.append((circle[0], f"there is no first one among {told}: each is there only where another is"))
    return ordered, sorted(problems, key=lambda problem: problem[0])


def name_problems(name: str) -> list[str]:
    """Return what is wrong with a name that is to be a flag."""
    if _NAME.fullmatch(name) and len(name) <= 128:
        return []
    return ["no flag can be called so: a letter or _, then letters, digits, _, - and ."]


def parameter_problems(parameter: Parameter) -> list[str]:
    """Return what is wrong with the values of a parameter, without its name."""
    if parameter.kind is ParameterKind.CATEGORICAL:
        return _categorical_problems(parameter)
    numbers = parameter.numbers
    if parameter.kind is not ParameterKind.DISCRETE:
        if parameter.minimum is None or parameter.maximum is None:
            return ["it needs a lower and an upper bound"]
        numbers = (parameter.minimum, parameter.maximum)
    if not all(map(math.isfinite, numbers)):
        return ["its numbers must be finite"]
    problems = _discrete_problems(numbers) if parameter.kind is ParameterKind.DISCRETE else _range_problems(parameter)
    if parameter.scale in {Scale.LOG, Scale.REVERSE_LOG} and numbers and min(numbers) <= 0:
        problems.append(f"a logarithmic scale needs numbers above 0, and {number_text(min(numbers))} is not")
    return problems


def _range_problems(parameter: Parameter) -> list[str]:
    low, high = parameter.minimum or 0.0, parameter.maximum or 0.0
    told = [number_text(low), number_text(high)]
    problems = [] if low < high else [f"the lower bound {told[0]} is not below the upper one, {told[1]}"]
    if parameter.kind is ParameterKind.INTEGER:
        broken = [text for text, bound in zip(told, (low, high), strict=True) if not bound.is_integer()]
        problems += [f"{' and '.join(broken)}: the bounds of whole numbers are whole"] if broken else []
        if max(abs(low), abs(high)) > _LARGEST_WHOLE:
            problems.append("whole numbers beyond 2**53 cannot be told apart")
    return problems


def _discrete_problems(numbers: tuple[float, ...]) -> list[str]:
    if not numbers:
        return ["it has no values"]
    problems = [f"{len(numbers)} values are more than {MOST_VALUES}"] if len(numbers) > MOST_VALUES else []
    for first, second in pairwise(numbers):
        if not first < second:
            told = f"{number_text(second)} does not come after {number_text(first)}"
            return [*problems, f"its numbers must increase, and {told}"]
    return problems


def _categorical_problems(parameter: Parameter) -> list[str]:
    words = parameter.categories
    if not words:
        return ["it has no values"]
    problems = [f"{len(words)} values are more than {MOST_VALUES}"] if len(words) > MOST_VALUES else []
    twice = sorted({word for word in words if words.count(word) > 1}) if len(words) <= MOST_VALUES else []
    problems += [f"{', '.join(map(repr, twice))} stands there twice"] if twice else []
    problems += ["words have no scale"] if parameter.scale else []
    problems += ["a word cannot hold a NUL character"] if any("\0" in word for word in words) else []
    return problems


def _checked(
    parameter: Parameter, by_name: dict[str, Parameter], unread: Collection[str]
) -> tuple[Condition | None, list[str]]:
    """Return the condition in the parent's words, and what is wrong with it."""
    condition = parameter.condition
    if condition is None or condition.parameter in unread:
        return None, []
    parent = by_name.get(condition.parameter)
    if parent is None:
        near = nearest(condition.parameter, set(by_name) - {parameter.name}, limit=1)
        return None, [f"it depends on {condition.parameter!r:.60}, which is not tuned. {near}".rstrip()]
    if parent.kind is ParameterKind.DOUBLE:
        return None, [f"it depends on {parent.name}, whose values cannot be listed: it is a range of any numbers"]
    if not condition.values:
        return None, [f"it does not say for which values of {parent.name} it is there"]
    texts = [_parents_text(parent, value) for value in condition.values]
    wrong = [repr(told)[:60] for told, text in zip(condition.values, texts, strict=True) if text is None]
    if wrong:
        return None, [f"{parent.name} is never {' or '.join(wrong)}: it is {_shown(parent)}"]
    values = tuple(dict.fromkeys(text for text in texts if text is not None))
    return replace(condition, values=values), []


def _parents_text(parent: Parameter, told: str) -> str | None:
    """Return the text of a parent's value; None if it never has that one."""
    if parent.kind is ParameterKind.CATEGORICAL:
        return told if told in parent.categories else None
    try:
        number = float(told)
    except ValueError:
        return None
    if parent.kind is ParameterKind.DISCRETE:
        is_one = number in parent.numbers
    else:
        low, high = parent.minimum or 0.0, parent.maximum or 0.0
        is_one = low <= number <= high and number.is_integer()
    return parent.text(number) if is_one else None


def _shown(parameter: Parameter) -> str:
    if parameter.kind is ParameterKind.INTEGER:
        return f"{number_text(parameter.minimum or 0.0)} to {number_text(parameter.maximum or 0.0)}"
    values = parameter.categories or tuple(map(number_text, parameter.numbers))
    return " or ".join(values[:_SHOWN]) + (" …" if len(values) > _SHOWN else "")


def _ordered(parameters: Sequence[Parameter]) -> Iterator[Parameter]:
    """Yield those that no circle of conditions holds: parents first, else as they came."""
    placed: set[str] = set()
    left = list(parameters)
    while ready := [item for item in left if item.condition is None or item.condition.parameter in placed]:
        left.remove(ready[0])
        placed.add(ready[0].name)
        yield ready[0]
