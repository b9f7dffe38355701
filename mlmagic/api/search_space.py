"""The search space of a study, as users say it: a line, a mapping, or the annotations of the cell's function."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.source.flags import flag_spellings
from mlmagic.spec.space_rules import arranged
from mlmagic.spec.space_text import FORMS, name_text, parse_values, parse_word, split_unquoted, values_text
from mlmagic.spec.study import Condition, Parameter, ParameterKind

if TYPE_CHECKING:
    from mlmagic.spec.package import TrainerPackage

_HINT = (
    f"A space is NAME=VALUES, with commas between. {FORMS} "
    "NAME[PARENT=VALUE|VALUE]=VALUES is there only where PARENT has one of these values."
)
_HEAD = re.compile(r"""\s*(?P<name>[^\s=\[\]]+)\s*(?:\[(?P<condition>(?:'[^']*'|"[^"]*"|[^\]'"])*)\]\s*)?""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Part:
    """A parameter that is to be read."""

    told: str
    """What errors call it."""
    text: str
    """As it stands in a line; of a mapping, its key."""
    values: object = None
    """Those of the key; None in a line."""


def read_space(
    space: str | Mapping[str, Any] | Sequence[str | Parameter], what: str = "space"
) -> tuple[Parameter, ...]:
    """Return the parameters that are to be tuned, parents before those that depend on them.

    Args:
        space: `"lr=log:1e-4..1e-1,units=16..256"`; or a mapping of names to such values, or to pairs of bounds and
            lists: `{"lr": "log:1e-4..1e-1", "units": (16, 256), "batch": [32, 64]}`; or lines and parameters.
        what: what errors call it.

    Raises:
        UsageError: it cannot be read, or makes no sense; all that is wrong is listed, each with where it stands.
    """
    parts = _parts(space, what)
    problems: list[tuple[int, str]] = []
    found: list[tuple[int, Parameter]] = []
    for place, part in enumerate(parts):
        try:
            found.append((place, _read(part)))
        except UsageError as error:
            problems.append((place, error.message))
    unread = {re.split(r"[=\[]", parts[place].text)[0].strip() for place, _ in problems}
    parameters, wrong = arranged([parameter for _, parameter in found], unread)
    problems += [(found[index][0], problem) for index, problem in wrong]
    if problems:
        told = [f"{parts[place].told}: {problem}" for place, problem in sorted(problems, key=lambda item: item[0])]
        raise UsageError(f"{what} cannot be read:", problems=told, hint=_HINT)
    if not parameters:
        raise UsageError(f"{what} is empty: there is nothing to tune.", hint=_HINT)
    return parameters


def whole_space(
    package: TrainerPackage, given: Sequence[Parameter] = (), args: Sequence[str] = ()
) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """Return what is given and, behind it, what annotations of the cell tell of other parameters; with notes on these.

    Flags that the arguments set are not tuned.

    Raises:
        CellError: annotations cannot be read, or make no sense; all that is wrong is listed.
    """
    from mlmagic.api.program_words import word_groups
    from mlmagic.api.stored_flags import read_stored_flags
    from mlmagic.source.search import annotated_space, lists_of_words

    groups = word_groups(args, read_stored_flags(package).known)
    options = {f"--{parameter.name}" for parameter in given}
    named = {flag.name for flag in package.flags if options & set(flag_spellings(flag))}
    fixed = named | {group.name for group in groups if group.name is not None}
    told = annotated_space(package, fixed)
    notes = [
        f"`{name}` takes a list, so the words of its annotation are not searched"
        for name in lists_of_words(package, fixed)
    ]
    if given and told:
        names = [parameter.name for parameter in told]
        words = "is searched too, as its annotation says" if len(names) == 1 else "are searched too, as annotations say"
        notes.append(f"{' and '.join(names)} {words}; --{names[0]}=VALUE after -- keeps one as it is")
    return (*given, *told), tuple(notes)


def space_text(parameters: Sequence[Parameter]) -> str:
    """Return the line that `read_space` reads as these parameters."""
    return ",".join(f"{name_text(parameter)}={values_text(parameter)}" for parameter in parameters)


def _parts(space: object, what: str) -> list[_Part]:
    if isinstance(space, str):
        return list(_line_parts(space))
    if isinstance(space, Mapping):
        return [_Part(str(name), str(name), () if values is None else values) for name, values in space.items()]
    if not isinstance(space, Sequence):
        raise UsageError(f"{what} must be a text or a mapping, not {_told(space)}.", hint=_HINT)
    parts: list[_Part] = []
    for item in space:
        if isinstance(item, str):
            parts += _line_parts(item)
        elif isinstance(item, Parameter):
            parts.append(_Part(item.name, item.name, item))
        else:
            raise UsageError(f"{what} holds texts and Parameters, not {_told(item)}.", hint=_HINT)
    return parts


def _line_parts(line: str) -> Iterator[_Part]:
    for position, text in split_unquoted(line, ",\n"):
        word = text.strip()
        if word:  # nothing is what follows the last comma
            column = _place(line, position + text.index(word[0]))
            yield _Part(f"{' '.join(word.split()):.60} ({column})", word)


def _place(line: str, position: int) -> str:
    column = position - line.rfind("\n", 0, position)
    number = line.count("\n", 0, position) + 1
    return f"line {number}, column {column}" if "\n" in line.strip() else f"column {column}"


def _read(part: _Part) -> Parameter:
    if isinstance(part.values, Parameter):
        return replace(part.values, name=part.text)
    head = _HEAD.match(part.text)
    rest = part.text[head.end() :] if head else part.text
    if head is None or (rest if part.values is not None else not rest.startswith("=")):
        raise UsageError(_misshapen(part))
    parameter = _read_values(head["name"], rest[1:] if part.values is None else part.values)
    if head["condition"] is None:
        return parameter
    parent, equals, values = head["condition"].partition("=")
    if not equals or not parent.strip():
        raise UsageError(f"[{head['condition']}] is no condition; it is [PARENT=VALUE]")
    words = tuple(parse_word(word) for _, word in split_unquoted(values, "|"))
    return replace(parameter, condition=Condition(parameter=parent.strip(), values=words))


def _misshapen(part: _Part) -> str:
    if "[" in part.text and "]" not in part.text:
        return "its [ is not closed"
    if part.values is None and "=" not in part.text:
        return "it has no values"
    return "it does not begin with NAME= or NAME[PARENT=VALUE]="


def _read_values(name: str, values: object) -> Parameter:
    if isinstance(values, str):
        return parse_values(name, values)
    if not isinstance(values, Sequence) or isinstance(values, range | bytes):
        raise UsageError(f"{type(values).__name__} {values!r:.60} is neither a text, nor (LOW, HIGH), nor a list")
    if all(isinstance(item, str | bool) for item in values):
        words = (str(item).lower() if isinstance(item, bool) else item for item in values)
        return Parameter(name=name, kind=ParameterKind.CATEGORICAL, categories=tuple(words))
    numbers = list(_numbers(values))
    if not isinstance(values, tuple):
        return Parameter(name=name, kind=ParameterKind.DISCRETE, numbers=tuple(map(float, numbers)))
    if len(numbers) != 2:
        raise UsageError(f"{values!r:.60} is not (LOW, HIGH); numbers one by one are a list")
    is_whole = all(isinstance(number, int) for number in numbers)
    kind = ParameterKind.INTEGER if is_whole else ParameterKind.DOUBLE
    return Parameter(name=name, kind=kind, minimum=float(numbers[0]), maximum=float(numbers[1]))


def _numbers(values: Sequence[object]) -> Iterator[int | float]:
    for value in values:
        # numpy's numbers have `item`, which is Python's.
        number = value.item() if hasattr(value, "item") else value
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise UsageError(f"{value!r:.60} is not a number, and the others are not all words")
        if abs(number) > sys.float_info.max:
            raise UsageError("its numbers must be finite")
        yield number


def _told(value: object) -> str:
    """Return what a value is, on one line, whatever a table of numbers makes of itself."""
    return f"{type(value).__name__} {' '.join(repr(value).split()):.60}"
